"""One jax for all tests, a fixed hypothesis profile, and a run small enough to train for real."""

import os
import shutil
import tempfile

import h5py
import jax
import numpy as np
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

from biasvae_jax import load_run
from biasvae_jax.cli import runtime, sweep
from biasvae_jax.runs import directory

# to compile is what tests cost, here and in the commands that they start: as little as possible
AS_USERS = "TESTS_COMPILE" in os.environ  # but in `sweep/test_as_users_compile.py`
if not AS_USERS:
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    jax.config.update("jax_disable_most_optimizations", True)
    flags = os.environ.setdefault("XLA_FLAGS_OF_USERS", os.environ.get("XLA_FLAGS", ""))
    if jax.__version_info__ < (0, 11):  # a flag that XLA does not know any more ends the process
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_use_fusion_emitters=false"  # half the time
threadpool_limits(1, user_api="blas")  # as in commands: workers' threads would wait for each other
jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")
# the processes of a session of tests share what they compile, with each other alone
FIRST = "PYTEST_XDIST_WORKER" not in os.environ
if FIRST:
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="cache-of-tests-")
jax.config.update("jax_compilation_cache_dir", str(runtime.cache_directory()))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

settings.register_profile(
    "fixed",
    deadline=None,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fixed")


def pytest_unconfigure():
    """Remove what was compiled, once every worker has ended."""
    if FIRST:
        shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def programs_are_forgotten():
    """Free what a module has compiled: programs take memory maps, of which a process has 65,530.

    Without any left, the compiler ends the process.
    """
    yield
    jax.clear_caches()


SHORT = [
    *("test_config", "test_datasets", "test_directory", "test_disentanglement", "test_figures"),
    *("test_history", "test_loading", "test_lock", "test_report", "test_results"),
]

TINY = [
    *("--preset", "smoke", "--mu", "0", "3", "--beta", "0.5", "50", "--seeds", "2"),
    *("--steps", "40", "--kl-warmup", "10", "--batch-size", "8", "--hidden", "4", "--n", "2"),
    *("--m", "3", "--group", "4", "--chunk", "20", "--devices", "2"),  # one mesh: fewer programs
    "--quiet",
]


LONG = [
    *("test_end_to_end", "test_torture", "test_as_users_compile", "test_processes"),
    *("test_examples", "test_sweep", "test_score", "test_variants", "test_page"),
    *("test_strangers", "test_report_command", "test_every_objective", "test_old_runs"),
    *("test_live", "test_full_sweep", "test_recovery"),
]


def pytest_collection_modifyitems(items):
    """Begin with the longest files, so that workers end together; mark the short tests.

    These are of flags, the store, files, figures, report, a whole tiny run.
    """
    place = {stem: i for i, stem in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))
    for item in items:
        if item.path.stem in SHORT or "bad_flags" in item.name:
            item.add_marker(pytest.mark.short)


@pytest.fixture(scope="session")
def run_once(tmp_path_factory):
    """Name the function that trains a run in the first process that asks; each has its copy."""
    own = tmp_path_factory.getbasetemp()

    def run(name, flags):
        made = (own if FIRST else own.parent) / name
        with FileLock(f"{made}.lock"):
            if not (made / "figures").exists():
                sweep.main([*flags, "--out", str(made)])
        return shutil.copytree(made, tmp_path_factory.mktemp("runs") / name)

    return run


@pytest.fixture(scope="session")
def tiny_run(run_once):
    """A finished run."""
    return run_once("tiny", TINY)


@pytest.fixture
def half_run(tiny_run, tmp_path):
    """The same run with its second seed at step 20 of 40, as a kill leaves it."""
    out = shutil.copytree(tiny_run, tmp_path / "half")
    for name in ("results.nc", "history.nc", "report.html"):
        (out / name).unlink()
    study = load_run(tiny_run).study
    tree = directory.load_models(out, 1, study)
    history = {k: v if k == "finite" else v / 2 for k, v in tree["history"].items()}
    shutil.rmtree(directory.models_folder(out, 1))
    state = {"state": {"params": tree["params"]}, "history": history}
    directory.save_checkpoint(out, 1, 20, state, study)
    return out


@pytest.fixture(scope="session")
def tiny_flags():
    """The flags of `tiny_run`."""
    return TINY


# Small files of the field's layouts, made anew: the images are of the true factors -------------


def tiny_rows(channels):
    """Return images `[rows, 8, 8(, channels)]`, factors: a place, a size and a constant."""
    places, sizes = np.meshgrid(np.arange(4), np.arange(3), indexing="ij")
    factors = np.stack([np.ones(12), places.ravel() / 3, sizes.ravel() + 0.5], axis=1)
    factors = np.repeat(factors, 5, axis=0)
    images = np.zeros((60, 8, 8), np.uint8)
    for image, (_, place, size) in zip(images, factors, strict=True):
        column = round(3 * place)
        image[: 2 + int(size) * 2, column * 2 : column * 2 + 2] = 1
    if channels:
        images = np.repeat(images[..., None], channels, -1) * np.uint8(255)
    return images, factors


@pytest.fixture(scope="session")
def dsprites(tmp_path_factory):
    """A file in dSprites' layout, with the pickled metadata that the real one has."""
    file = tmp_path_factory.mktemp("data") / "dsprites.npz"
    images, factors = tiny_rows(0)
    metadata = np.array({"title": "tiny"}, dtype=object)
    np.savez_compressed(
        file, imgs=images, latents_values=factors, latents_classes=factors.astype(int),
        metadata=metadata,
    )  # fmt: skip
    return file


@pytest.fixture(scope="session")
def shapes3d(tmp_path_factory):
    """A file in 3D Shapes' layout."""
    file = tmp_path_factory.mktemp("data") / "3dshapes.h5"
    images, factors = tiny_rows(3)
    with h5py.File(file, "w") as stored:
        stored["images"], stored["labels"] = images, factors
    return file
