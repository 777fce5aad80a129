"""The netCDF files of a run: whole, of this run, and no larger than its grid."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from biasvae_jax.axes import Grid
from biasvae_jax.components import ConfigError
from biasvae_jax.errors import first_line
from biasvae_jax.runs.files import reporting_disk_errors
from biasvae_jax.runs.hdf5 import most_bytes, read_plain
from biasvae_jax.runs.lock import RunDirectoryError, check_still_ours
from biasvae_jax.runs.reading import Damaged, cannot_read_now, is_missing
from biasvae_jax.runs.sums import write_checked
from biasvae_jax.statistics.regimes import Regime
from biasvae_jax.study import Study
from biasvae_jax.training import history as training_history

# what every version has written for every study, beside the objective's terms
NEEDED = {
    "results.nc": (
        *("pmi", "pmi_exact", "pmi_mean", "recovery_mse", "recovery_r2", "recovery_r2_mean"),
        *("generation_mse", "generation_offset", "generation_shrinkage", "generation_head"),
        *("active_units", "steps", "finite", "regime", "random_pmi", "random_recovery_mse"),
        *("random_recovery_r2", "random_generation_mse", "random_active_units"),
        "random_recovery_mse_raw",
    ),
    "history.nc": (),
    "scores.nc": (),
}
# the dimension beside the grid's that a variable has; "" for none
ALONG = {
    "results.nc": ("",),
    "history.nc": ("step", "snapshot"),
    "scores.nc": ("", "factor", "latent"),
}
IMAGE = ("image", "pixel_y", "pixel_x", "channel")
VALUES = {"finite": (0, 1), "regime": tuple(int(code) for code in Regime)}


def write_dataset(file: Path, dataset: xr.Dataset) -> None:
    """Write a dataset as netCDF with its checksum beside it, atomically."""
    # in memory first: HDF5 itself can fail in many ways on a full disk
    content = bytes(dataset.to_netcdf(engine="h5netcdf"))
    with reporting_disk_errors(file):
        check_still_ours(file.parent)
        write_checked(file, content)


def read_dataset(file: Path, study: Study | None = None) -> xr.Dataset:
    """Read a dataset of `write_dataset` into memory.

    With a study it must be a file of that run: its grid, the values of its axes, and variables.
    Raises CannotReadNow, Damaged, or RunDirectoryError where it is another run's.
    """
    most = most_bytes(0 if study is None else study.grid.size)
    try:
        dataset = read_plain(file, most)
        strange = "" if study is None else _strange(file.name, dataset, study)
        if strange:
            raise ValueError(strange)
    except MemoryError as error:
        raise cannot_read_now(file, error) from None
    except Exception as error:  # h5py and xarray have exceptions of their own
        if isinstance(error, OSError) and error.errno and not is_missing(error):
            raise cannot_read_now(file, error) from None
        raise Damaged(
            f"{file} is missing or damaged ({first_line(error)}); "
            "remove it and run the same command again to have it made anew"
        ) from None
    if study is not None and not _is_of(dataset, study):
        raise RunDirectoryError(f"{file} belongs to another run; move it away")
    return dataset


def _strange(name: str, dataset: xr.Dataset, study: Study) -> str:
    """Say what a run's file of this name lacks, or holds in a shape or range of its own."""
    terms = () if name == "scores.nc" else tuple(study.objective.meanings)
    for needed in (*terms, *NEEDED.get(name, ())):
        if needed not in dataset.data_vars:
            return f"it has no {needed!r}"
    grid = study.grid
    for key, variable in dataset.data_vars.items():
        if not _lies_well(str(key), variable, grid, ALONG.get(name, ())):
            return f"{key!r} does not lie on the grid"
        allowed = VALUES.get(str(key))
        if allowed and not np.isin(variable.values, allowed).all():
            return f"{key!r} holds other values than {allowed}"
        texts = (variable.attrs.get("long_name", ""), variable.attrs.get("units", ""))
        if not all(isinstance(text, str) for text in texts):
            return f"{key!r} has a strange label"
    return ""


def _lies_well(key: str, variable: xr.DataArray, grid: Grid, further: tuple[str, ...]) -> bool:
    """Tell whether a variable has the dimensions that one of its name has."""
    if key.startswith("random_"):
        return variable.dims == ("network",) and variable.size > 0
    if key.startswith("linear_"):
        return set(variable.dims) == set(grid.dims[:2])
    if key == "threshold":
        return variable.dims == grid.dims[:1]
    if key == "reconstructions":  # of the first seed
        return variable.dims == (*grid.dims[:2], "frame", *IMAGE)
    if key == "test_images":
        return variable.dims == IMAGE
    if key == "thresholds":
        return variable.dims == (grid.dims[0], "direction")
    along = set(variable.dims) - set(grid.dims)
    allowed = [{name} - {""} for name in further]
    return set(grid.dims) <= set(variable.dims) and along in allowed


def _is_of(dataset: xr.Dataset, study: Study) -> bool:
    """Tell whether a dataset is of a study: its text, and the values of its axes and steps."""
    text = dataset.attrs.get("config")
    try:
        if not isinstance(text, str):
            return False
        if text != study.to_json() and Study.from_json(text) != study:
            return False
    except ConfigError:
        return False
    grid = study.grid
    axes: dict[str, Any] = {
        grid.bias.name: grid.bias.values,
        grid.strength.name: grid.strength.values,
        "seed": range(grid.seeds),
    }
    if "step" in dataset.dims:
        axes["step"] = training_history.bin_centres(study.training.steps)
    if "snapshot" in dataset.dims:
        axes["snapshot"] = study.training.snapshot_steps
    if "frame" in dataset.dims:
        axes["frame"] = study.training.frame_steps
    axes |= {n: range(dataset.sizes[n]) for n in ALONG["scores.nc"] if n in dataset.dims}
    return all(
        name in dataset.coords and np.array_equal(dataset.coords[name].values, np.asarray(values))
        for name, values in axes.items()
    )
