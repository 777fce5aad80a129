"""Files of results: another run's, forged or huge ones end in one line, though their sums fit."""

import dataclasses
import functools
import hashlib
import tracemalloc

import h5py
import numpy as np
import pytest
import xarray as xr

from biasvae_jax.config import Config
from biasvae_jax.runs import sums
from biasvae_jax.runs.datasets import read_dataset, write_dataset
from biasvae_jax.runs.lock import RunDirectoryError
from biasvae_jax.runs.reading import Damaged
from biasvae_jax.runs.results import SCORES, history_dataset, results_dataset
from biasvae_jax.scores import frames
from biasvae_jax.training import history

CONFIG = Config(mu=(0.0, 3.0), beta=(0.2, 4.0), steps=20)
STUDY = CONFIG.study
FILES = ("results.nc", "history.nc", "scores.nc")


@functools.cache
def datasets_of(config):
    """The three files of a run, as datasets by name."""
    models = config.models
    losses = np.ones((3, models, config.steps))
    curves = history.extend(history.empty(models, config.steps), 0, losses, config.steps)
    scores = dict.fromkeys(SCORES, np.zeros(models))
    random = {name: np.zeros(3) for name in (*SCORES, "recovery_mse_raw")}
    results = results_dataset(config, scores, curves, random, np.full(len(config.mu), 2.0))
    more = results[["recovery_r2"]].rename(recovery_r2="mcc")
    return dict(zip(FILES, (results, history_dataset(config, curves), more), strict=True))


def seal(file):
    """Give a file the sum of what it holds."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    sums.checksum_file(file).write_text(f"{digest}  {file.name}\n")


def test_a_runs_own_files_are_read_as_they_were_written(tmp_path):
    for name, dataset in datasets_of(CONFIG).items():
        write_dataset(tmp_path / name, dataset)
        xr.testing.assert_identical(read_dataset(tmp_path / name, STUDY), dataset)


def test_thresholds_of_each_latent_are_read_by_their_dimensions_alone(tmp_path):
    stored = datasets_of(CONFIG)["results.nc"]
    each = stored.assign(thresholds=(("mu", "direction"), np.ones((2, 3))))
    write_dataset(tmp_path / "results.nc", each)
    xr.testing.assert_identical(read_dataset(tmp_path / "results.nc", STUDY), each)
    write_dataset(tmp_path / "results.nc", each.transpose("direction", ...))
    with pytest.raises(Damaged, match="'thresholds' does not lie on the grid"):
        read_dataset(tmp_path / "results.nc", STUDY)


PICTURED = Config(mu=(0.0, 3.0), beta=(0.2, 4.0), n=2, m=3, steps=20, seeds=2).study
PICTURED = dataclasses.replace(
    PICTURED, training=dataclasses.replace(PICTURED.training, snapshots=3)
)


def pictured(drawn):
    """Make a history of two snapshots with pictures of each cell, bytes `[4, 3, 2, 36]`."""
    curves = history.extend(history.empty(8, 20), 0, np.ones((3, 8, 20)), 20)
    course = {"active_units": np.ones((8, 3))}
    return history_dataset(PICTURED, curves, course, (drawn, np.zeros((2, 36), np.uint8)))


def test_pictures_are_read_as_drawn_and_those_not_drawn_are_nan(tmp_path):
    drawn = np.arange(4 * 3 * 2 * 36, dtype=np.uint8).reshape(4, 3, 2, 36)
    drawn[0, 0] = frames.MISSING
    dataset = pictured(drawn)
    assert dict(dataset["reconstructions"].sizes) == {
        "mu": 2, "beta": 2, "frame": 3, "image": 2, "pixel_y": 6, "pixel_x": 6, "channel": 1,
    }  # fmt: skip
    write_dataset(tmp_path / "history.nc", dataset)
    read = read_dataset(tmp_path / "history.nc", PICTURED)
    xr.testing.assert_allclose(read, dataset)
    cell = read["reconstructions"].sel(mu=0, beta=0.2)
    assert cell.isel(frame=0).isnull().all() and cell.isel(frame=1).notnull().all()
    np.testing.assert_array_equal(np.asarray(frames.packed(cell.values)).ravel(), drawn[0].ravel())
    write_dataset(tmp_path / "history.nc", dataset.transpose("frame", ...))
    with pytest.raises(Damaged, match="'reconstructions' does not lie on the grid"):
        read_dataset(tmp_path / "history.nc", PICTURED)


def test_a_history_without_a_picture_has_no_place_for_one():
    assert "frame" not in pictured(np.full((4, 3, 2, 36), frames.MISSING, np.uint8)).dims


OTHERS = {
    "mu": Config(mu=(5.0, 6.0), beta=(0.2, 4.0), steps=20),
    "beta": Config(mu=(0.0, 3.0), beta=(0.2, 4.5), steps=20),
    "grid": Config(mu=(0.0, 1.0, 3.0), beta=(0.2, 4.0), steps=20),
    "seeds": Config(mu=(0.0, 3.0), beta=(0.2, 4.0), steps=20, seeds=2),
    "steps": Config(mu=(0.0, 3.0), beta=(0.2, 4.0), steps=30),
    "learning rate": Config(mu=(0.0, 3.0), beta=(0.2, 4.0), steps=20, learning_rate=0.5),
}


@pytest.mark.parametrize(
    ("name", "other"),
    [("results.nc", "mu"), *((name, other) for name in FILES[1:] for other in OTHERS)],
)
def test_another_runs_file_is_refused_though_its_sum_fits(tmp_path, name, other):
    write_dataset(tmp_path / name, datasets_of(OTHERS[other])[name])
    with pytest.raises(RunDirectoryError, match="another run; move it away"):
        read_dataset(tmp_path / name, STUDY)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.assign_coords(mu=[5.0, 6.0]),
        lambda data: data.assign_coords(beta=[0.2, 4.1]),
        lambda data: data.assign_coords(seed=[1]),
        lambda data: data.drop_vars("mu"),
        lambda data: data.isel(beta=[0]),
        lambda data: data.isel(seed=[0, 0]),
        lambda data: data.assign_attrs(config="{}"),
        lambda data: data.assign_attrs(config=3),
        lambda data: data.drop_attrs(),
    ],
)
def test_a_file_with_other_values_of_the_grid_is_refused_whatever_config_it_names(tmp_path, change):
    file = tmp_path / "scores.nc"
    write_dataset(file, change(datasets_of(CONFIG)["scores.nc"]))
    with pytest.raises(RunDirectoryError, match="another run; move it away"):
        read_dataset(file, STUDY)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("results.nc", lambda data: data.drop_vars("regime"), "has no 'regime'"),
        ("results.nc", lambda data: data.drop_vars("random_pmi"), "has no 'random_pmi'"),
        ("history.nc", lambda data: data.drop_vars("kl"), "has no 'kl'"),
        ("history.nc", lambda data: data.isel(step=0), "does not lie on the grid"),
        ("scores.nc", lambda data: data.isel(mu=0), "does not lie on the grid"),
        ("results.nc", lambda data: data.assign(kl=data.kl.isel(seed=0)), "'kl' does not lie"),
        ("results.nc", lambda data: data.assign(pmi=data.pmi.expand_dims(a=2)), "'pmi' does not"),
        ("results.nc", lambda data: data.assign(pmi=data.random_pmi), "'pmi' does not lie"),
        ("results.nc", lambda data: data.isel(network=slice(0)), "array it should be|not lie on"),
        ("results.nc", lambda data: data.assign(regime=data.regime + 99), "'regime' holds other"),
        ("results.nc", lambda data: data.assign(finite=data.finite - 9), "'finite' holds other"),
        ("results.nc", lambda data: data.assign(kl=data.kl.astype(str)), "not the plain array"),
        ("scores.nc", lambda data: data.astype(bytes), "not the plain array"),
        ("scores.nc", lambda data: data.astype(complex), "plain array|is not stored in it"),
        (
            "results.nc",
            lambda data: data.assign(kl=data.kl.assign_attrs(long_name=3)),
            "strange label",
        ),
    ],
)
def test_a_file_without_the_variables_of_a_run_is_damaged(tmp_path, name, change, message):
    dataset = change(datasets_of(CONFIG)[name])
    content = bytes(dataset.to_netcdf(engine="h5netcdf", invalid_netcdf=True))
    sums.write_checked(tmp_path / name, content)
    with pytest.raises(Damaged, match=message) as caught:
        read_dataset(tmp_path / name, STUDY)
    assert "\n" not in str(caught.value)


def expanding(content):
    """6 GB of zeros in a few megabytes of gzip."""
    shape = (750_000_000,)
    values = content.create_dataset("a", shape, "f8", chunks=(2**22,), compression="gzip")
    values[: 2**22] = 0


def asking(content):
    """64 GiB that were never written."""
    content.create_dataset("a", (2**33,), "f8")


def many(content):
    for number in range(1_001):
        content.create_dataset(f"a{number}", (1,), "f4")


@pytest.mark.parametrize("forge", [expanding, asking, many])
def test_a_small_file_that_asks_for_much_memory_is_damaged_before_it_gets_any(tmp_path, forge):
    file = tmp_path / "results.nc"
    with h5py.File(file, "w") as content:
        forge(content)
    assert file.stat().st_size < 2**24
    seal(file)
    tracemalloc.start()
    try:
        with pytest.raises(Damaged, match=r"plain array|more than such a run|too many"):
            read_dataset(file, STUDY)
        assert tracemalloc.get_traced_memory()[1] < 2**28
    finally:
        tracemalloc.stop()


def test_a_sparse_file_of_8_gib_is_not_read(tmp_path):
    write_dataset(tmp_path / "results.nc", datasets_of(CONFIG)["results.nc"])
    with (tmp_path / "results.nc").open("r+b") as stream:
        stream.truncate(2**33)
    with pytest.raises(Damaged, match="larger than the"):
        read_dataset(tmp_path / "results.nc", STUDY)
