"""The run directory: one writer, checkpoints that survive a kill, models, results.

    config.json   config, plan, versions, devices     checkpoints/  to go on
    results.nc    history.nc    figures/              models/       final parameters and scores

Whatever is written gets its name only when it is whole (`files.py`), and is read only after its
checksum: a checkpoint or a group of models has it inside, `x.nc` in `x.nc.sha256` beside it.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from biasvae_jax.config import Config, ConfigError
from biasvae_jax.files import (
    MAX_JSON_BYTES,
    WRITING,
    StorageError,
    first_line,
    reporting_disk_errors,
    write_atomically,
    writing_folder,
)
from biasvae_jax.lock import RunDirectoryError, check_still_ours, lock_run
from biasvae_jax.probe import try_out
from biasvae_jax.trees import load_tree, save_tree

__all__ = [
    "RunDirectoryError",
    "StorageError",
    "check_run",
    "checkpoint_folder",
    "checksum_file",
    "drop_checkpoints",
    "is_finished",
    "load_checkpoint",
    "load_models",
    "load_tree",
    "lock_run",
    "models_folder",
    "open_run",
    "read_dataset",
    "read_description",
    "reporting_disk_errors",
    "save_checkpoint",
    "save_models",
    "save_tree",
    "stored_config",
    "stored_plan",
    "write_dataset",
    "writing_folder",
]

KEPT_CHECKPOINTS = 2
PLAN = ("devices", "group", "width", "chunk")


def open_run(path: Path, config: Config, description: dict) -> None:
    """Write `config.json` at the first start: the config and `description` (plan, versions, …).

    Raises RunDirectoryError when the directory holds another config or something else, or lies
    where a run cannot be stored.
    """
    begun = check_run(path, config)
    try_out(path, config)
    if not begun:
        stored = {"config": json.loads(config.to_json()), **description}
        with reporting_disk_errors(path):
            _write_checked(path / "config.json", json.dumps(stored, indent=2).encode())


def is_finished(path: Path) -> bool:
    """Tell whether a run's results and figures are all there."""
    files = [path / "results.nc", path / "history.nc"]
    files += [checksum_file(file) for file in files]
    return all(file.is_file() for file in files) and (path / "figures").is_dir()


def stored_plan(path: Path) -> dict[str, int] | None:
    """Return the plan of a run's first start; None when there is no run yet.

    Raises RunDirectoryError when there is one without a plan: another would give other numbers.
    """
    description = read_description(path)
    if description is None:
        return None
    stored = description.get("plan")
    plan = stored if isinstance(stored, dict) else {}
    whole = all(type(value) is int and 1 <= value < 2**31 for value in plan.values())
    if set(plan) != set(PLAN) or not whole:
        raise RunDirectoryError(f"{path / 'config.json'} holds no plan of this version")
    return {name: plan[name] for name in PLAN}


def check_run(path: Path, config: Config) -> bool:
    """Tell whether `path` holds a run of this config already; touches nothing.

    Raises RunDirectoryError when it cannot become one: a file, another config, no permission;
    StorageError when it is one that can no longer be written.
    """
    try:
        if path.exists() and not path.is_dir():
            raise RunDirectoryError(f"--out {path} is a file; name a directory")
        stored = read_description(path)
        if stored is None:
            _check_place(path)
            return False
        writable = os.access(path, os.W_OK | os.X_OK)
    except OSError as error:
        raise RunDirectoryError(f"--out {path} cannot be used: {error.strerror}") from None
    difference = stored_config(path, stored).difference(config)
    if difference:
        raise RunDirectoryError(
            f"--out {path} holds a run with another config ({difference}); "
            "choose another directory, or the same flags to go on"
        )
    if not writable and not is_finished(path):
        raise StorageError(f"--out {path} is read-only; nothing is lost, make it writable to go on")
    return True


def _check_place(path: Path) -> None:
    """Raise RunDirectoryError unless a new run can be made at `path`."""
    parent = next(p for p in (path, *path.absolute().parents) if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise RunDirectoryError(f"--out {path} is not writable; choose another directory")
    names = [p.name for p in path.iterdir()] if path.exists() else []
    ours = (".lock", ".holder.json", "config.json.sha256")
    if any(name not in ours and not name.startswith(WRITING) for name in names):
        raise RunDirectoryError(
            f"--out {path} is not empty and has no config.json; choose another directory"
        )


def read_description(path: Path) -> dict | None:
    """Read `config.json`; None when there is none, RunDirectoryError when it cannot be used."""
    _refuse_links(path)
    file = path / "config.json"
    if not file.exists():
        return None
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise ValueError("it is too large")
        values = json.loads(_read_checked(file))
    except (ValueError, OSError, RecursionError) as error:
        raise RunDirectoryError(f"{file} cannot be read: {first_line(error)}") from None
    if not isinstance(values, dict):
        raise RunDirectoryError(f"{file} is not a run's description")
    return values


def _refuse_links(path: Path) -> None:
    """Raise RunDirectoryError if anything in a run is not a plain file or folder.

    A link would lead out of the run, and a pipe would be waited for.
    """
    folders = [str(path)]
    while folders:
        with contextlib.suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif not entry.is_file(follow_symlinks=False) and os.path.lexists(entry.path):
                    raise RunDirectoryError(f"{entry.path} is no plain file; refusing to follow it")


def stored_config(path: Path, description: dict) -> Config:
    """Return the config of a run's description; raises RunDirectoryError if it has none."""
    try:
        return Config.from_dict(description.get("config"))
    except ConfigError as error:
        raise RunDirectoryError(f"{path / 'config.json'}: {error}") from None


# Checkpoints and finished groups -----------------------------------------------------------------


def checkpoint_folder(path: Path, group: int, step: int) -> Path:
    """Name the checkpoint of a group at a step."""
    return path / "checkpoints" / f"group-{group:05d}-step-{step:09d}"


def models_folder(path: Path, group: int) -> Path:
    """Name the folder of a finished group's parameters, scores and history."""
    return path / "models" / f"group-{group:05d}"


def load_models(path: Path, group: int, config: Config, like: Any = None) -> Any:
    """Read a finished group; None when it is not finished, StorageError when it is damaged."""
    folder = models_folder(path, group)
    if not folder.exists():
        return None
    try:
        return load_tree(folder, config, like)
    except StorageError as error:
        raise StorageError(f"{error}; delete {folder} to train its models anew") from None


def save_models(path: Path, group: int, tree: Any, config: Config) -> None:
    """Store a finished group and drop its checkpoints."""
    folder = models_folder(path, group)
    with reporting_disk_errors(folder):
        check_still_ours(path)
    save_tree(folder, tree, config)
    drop_checkpoints(path, group)


def save_checkpoint(path: Path, group: int, step: int, tree: Any, config: Config) -> None:
    """Store a checkpoint and drop all but the last two of its group."""
    folder = checkpoint_folder(path, group, step)
    with reporting_disk_errors(folder):
        check_still_ours(path)
    save_tree(folder, tree, config)
    # a newer one can only be damaged: it was passed over
    stored = [old for at, old in _checkpoints(path, group) if at <= step][:KEPT_CHECKPOINTS]
    for _, old in _checkpoints(path, group):
        if old not in stored:
            shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(
    path: Path,
    group: int,
    config: Config,
    like: Any = None,
    warn: Callable[[str], None] = warnings.warn,
) -> tuple[int, Any] | None:
    """Read the newest good checkpoint of a group as (step, tree); None when there is none at all.

    `like` is a tree of the shapes it must have. Warns of each damaged one it passes over; raises
    StorageError when only damaged ones exist.
    """
    stored = _checkpoints(path, group)
    for step, folder in stored:
        try:
            return step, load_tree(folder, config, like)
        except StorageError as error:
            warn(f"{error}; falling back to the checkpoint before")
    if stored:
        raise StorageError(
            f"no checkpoint of group {group} in {path / 'checkpoints'} is whole; "
            "delete that folder to train its models anew"
        )
    return None


def drop_checkpoints(path: Path, group: int) -> None:
    """Remove the checkpoints of a finished group."""
    for _, folder in _checkpoints(path, group):
        shutil.rmtree(folder, ignore_errors=True)


def _checkpoints(path: Path, group: int) -> list[tuple[int, Path]]:
    """List a group's checkpoints as (step, folder), newest first."""
    found = []
    for folder in (path / "checkpoints").glob(f"group-{group:05d}-step-*"):
        name = re.fullmatch(r"group-\d+-step-(\d{9,10})", folder.name, re.ASCII)
        if name and folder.is_dir():
            found.append((int(name[1]), folder))
    return sorted(found, reverse=True)


# Results ----------------------------------------------------------------------------------------


def checksum_file(file: Path) -> Path:
    """Name the file with another's SHA-256, as `sha256sum -c` reads it."""
    return file.with_name(file.name + ".sha256")


def write_dataset(file: Path, dataset: xr.Dataset) -> None:
    """Write a dataset as netCDF with its checksum beside it, atomically."""
    # in memory first: HDF5 itself can fail in many ways on a full disk
    content = bytes(dataset.to_netcdf(engine="h5netcdf"))
    with reporting_disk_errors(file):
        check_still_ours(file.parent)
        _write_checked(file, content)


def read_dataset(file: Path) -> xr.Dataset:
    """Read a dataset of `write_dataset` into memory; raises StorageError if it is not whole."""
    try:
        content = _read_checked(file)
        _refuse_outside_data(content)
        return xr.load_dataset(io.BytesIO(content), engine="h5netcdf")
    except Exception as error:  # h5py, h5netcdf and xarray have exceptions of their own
        raise StorageError(
            f"{file} is missing or damaged ({first_line(error)}); "
            "remove it and run the same command again to have it made anew"
        ) from None


def _write_checked(file: Path, content: bytes) -> None:
    """Write a file and its checksum; at any instant the file is whole, the old one or the new."""
    line, old = _checksum_line(file, content), b""
    with contextlib.suppress(OSError, ValueError):  # there is none, or it is damaged
        old = _checksum_line(file, _read_checked(file))
    write_atomically(checksum_file(file), line + old)  # either will do, until the new one is there
    write_atomically(file, content)
    write_atomically(checksum_file(file), line)


def _read_checked(file: Path) -> bytes:
    """Read a file of `_write_checked`; raises OSError, or ValueError if it does not match."""
    content = file.read_bytes()
    if _checksum_line(file, content) not in checksum_file(file).read_bytes().splitlines(True)[:2]:
        raise ValueError(f"it does not match {checksum_file(file).name}")
    return content


def _checksum_line(file: Path, content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {file.name}\n".encode()


def _refuse_outside_data(content: bytes) -> None:
    """Raise ValueError if a netCDF file refers to another file, as HDF5 can in three ways."""
    with h5py.File(io.BytesIO(content), "r") as file:
        for name in file:
            item = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
            if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
                raise ValueError(f"{name!r} is not stored in it")
