"""A run small enough to train for real, whole and half-way."""

import shutil

import pytest

from biasvae_jax import load_run
from biasvae_jax.cli import sweep
from biasvae_jax.runs import directory

TINY = [
    *("--preset", "smoke", "--mu", "0", "3", "--beta", "0.2", "50", "--seeds", "2"),
    *("--steps", "40", "--kl-warmup", "10", "--batch-size", "8", "--hidden", "4", "--n", "2"),
    *("--m", "3", "--group", "4", "--chunk", "20", "--compilation-cache", "off", "--quiet"),
]


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tiny"
    sweep.main([*TINY, "--out", str(out)])
    return out


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
