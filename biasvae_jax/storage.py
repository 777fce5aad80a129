"""The run directory: one writer, checkpoints that survive a kill, models, results.

    config.json   config, plan, versions, devices     checkpoints/  to go on
    results.nc    history.nc    figures/              models/       final parameters and scores

A tree of arrays is stored as a folder: orbax's files and a manifest with the SHA-256 of each and
the config's hash. The folder is written under a temporary name and renamed when all of it is on
the disk, so a kill at any instant leaves only whole folders.
"""

import hashlib
import json
import logging
import os
import shutil
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import xarray as xr

from biasvae_jax.config import Config, ConfigError

MANIFEST = "manifest.json"
KEPT_CHECKPOINTS = 2


class RunDirectoryError(ValueError):
    """A directory that cannot be used as asked; one line says why and what to do (bad input)."""


class StorageError(RuntimeError):
    """Nothing more can be read or written; one line says what, and that nothing is lost."""


def open_run(path: Path, config: Config, description: dict) -> None:
    """Write `config.json` at the first start: the config and `description` (plan, versions, …).

    Raises RunDirectoryError when the directory holds another config or something else.
    """
    if not check_run(path, config):
        stored = {"config": json.loads(config.to_json()), **description}
        with reporting_disk_errors(path):
            write_atomically(path / "config.json", json.dumps(stored, indent=2).encode())


def is_finished(path: Path) -> bool:
    """Tell whether a run's results are all there."""
    return (path / "results.nc").exists() and (path / "history.nc").exists()


def stored_plan(path: Path) -> dict[str, int] | None:
    """Return the plan of a run's first start; None when there is none that can be read."""
    plan = (read_description(path) or {}).get("plan")
    names = ["devices", "group", "width", "chunk"]
    if not isinstance(plan, dict) or sorted(plan) != sorted(names):
        return None
    whole = all(type(v) is int and 1 <= v < 2**31 for v in plan.values())
    return {name: plan[name] for name in names} if whole else None


def check_run(path: Path, config: Config) -> bool:
    """Tell whether `path` holds a run of this config already; touches nothing.

    Raises RunDirectoryError when it cannot become one: a file, not writable, another config.
    """
    if path.exists() and not path.is_dir():
        raise RunDirectoryError(f"--out {path} is a file; name a directory")
    parent = next(p for p in (path, *path.absolute().parents) if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise RunDirectoryError(f"--out {path} is not writable; choose another directory")
    stored = read_description(path)
    if stored is None:
        ours = (".lock", ".holder.json", ".writing-config.json")
        if path.exists() and any(p.name not in ours for p in path.iterdir()):
            raise RunDirectoryError(
                f"--out {path} is not empty and holds no run; choose another directory"
            )
        return False
    difference = stored_config(path, stored).difference(config)
    if difference:
        raise RunDirectoryError(
            f"--out {path} holds a run with another config ({difference}); "
            "choose another directory, or the same flags to go on"
        )
    return True


def read_description(path: Path) -> dict | None:
    """Read `config.json`; None when there is none, RunDirectoryError when it cannot be used."""
    file = path / "config.json"
    for name in ("config.json", "checkpoints", "models", "figures", "results.nc", "history.nc"):
        if (path / name).is_symlink():
            raise RunDirectoryError(f"{path / name} is a link out of the run; refusing to follow")
    if not file.exists():
        return None
    try:
        values = json.loads(file.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        raise RunDirectoryError(f"{file} cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise RunDirectoryError(f"{file} is not a run's description")
    return values


def stored_config(path: Path, description: dict) -> Config:
    """Return the config of a run's description; raises RunDirectoryError if it has none."""
    try:
        return Config.from_dict(description.get("config"))
    except ConfigError as error:
        raise RunDirectoryError(f"{path / 'config.json'}: {error}") from None


@contextmanager
def lock_run(path: Path) -> Iterator[None]:
    """Hold the run directory as its one writer; the lock of a dead process is free at once.

    Raises RunDirectoryError that names the holder (host, process, since when).
    """
    with reporting_disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path / ".lock", blocking=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise RunDirectoryError(f"--out {path} is in use by {_holder(path)}") from None
    try:
        with reporting_disk_errors(path):
            holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}
            write_atomically(path / ".holder.json", json.dumps(holder).encode())
        yield
    finally:
        (path / ".holder.json").unlink(missing_ok=True)
        lock.release()


def _holder(path: Path) -> str:
    try:
        holder = json.loads((path / ".holder.json").read_bytes())
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(holder["since"])))
        return f"process {int(holder['pid'])} on {str(holder['host'])[:64]!r} since {since}"
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return "another process"


@contextmanager
def reporting_disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into a StorageError of one line."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write to {path}: {error.strerror or error}; nothing stored so far is lost, "
            "mend it and run the same command again"
        ) from error


# Trees of arrays --------------------------------------------------------------------------------


def config_hash(config: Config) -> str:
    """Return the SHA-256 of a config's JSON."""
    return hashlib.sha256(config.to_json().encode()).hexdigest()


def save_tree(folder: Path, tree: Any, config: Config) -> None:
    """Store a nested dict of numpy arrays as `folder`, whole or not at all."""
    with reporting_disk_errors(folder):
        folder.parent.mkdir(exist_ok=True)
        temporary = folder.with_name(".writing-" + folder.name)
        shutil.rmtree(temporary, ignore_errors=True)
        _save_arrays(temporary, tree)
        manifest = {"config": config_hash(config), "files": _digests(temporary)}
        write_atomically(temporary / MANIFEST, json.dumps(manifest).encode())
        for file in temporary.rglob("*"):
            _sync(file)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
        _sync(folder.parent)


def load_tree(folder: Path, config: Config) -> Any:
    """Read a tree stored by `save_tree`; raises StorageError naming the file that is damaged."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        expected, owner = dict(manifest["files"]), manifest["config"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise StorageError(f"{folder / MANIFEST} is missing or damaged") from None
    if owner != config_hash(config):
        raise StorageError(f"{folder} belongs to a run with another config")
    found = _digests(folder)
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise StorageError(f"{folder / name} is missing or damaged")
    return _checkpointer().restore(folder.absolute())


def _save_arrays(folder: Path, tree: Any) -> None:
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)  # orbax warns that it skips a step which plain zarr never has
    try:
        _checkpointer().save(folder.absolute(), tree)
    except OSError:
        raise
    except Exception as error:  # tensorstore reports a full disk in exceptions of its own
        raise OSError(str(error).splitlines()[0]) from error
    finally:
        logger.setLevel(level)


def _checkpointer() -> Any:
    import orbax.checkpoint as ocp  # slow to import, and only needed when something is stored

    # process 0 stores alone: without this, orbax waits for the other processes of a sweep
    alone = ocp.options.MultiprocessingOptions(primary_host=0, active_processes={0})
    handler = ocp.PyTreeCheckpointHandler(
        use_ocdbt=False, use_compression=False, multiprocessing_options=alone
    )
    return ocp.Checkpointer(handler, multiprocessing_options=alone)


def _digests(folder: Path) -> dict[str, str]:
    digests = {}
    for file in sorted(folder.rglob("*")):
        if file.is_symlink():
            raise StorageError(f"{file} is a link out of the run; refusing to follow")
        if file.is_file() and file.name != MANIFEST:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            digests[str(file.relative_to(folder))] = digest
    return digests


# Checkpoints and finished groups -----------------------------------------------------------------


def checkpoint_folder(path: Path, group: int, step: int) -> Path:
    """Name the checkpoint of a group at a step."""
    return path / "checkpoints" / f"group-{group:05d}-step-{step:09d}"


def models_folder(path: Path, group: int) -> Path:
    """Name the folder of a finished group's parameters, scores and history."""
    return path / "models" / f"group-{group:05d}"


def save_checkpoint(path: Path, group: int, step: int, tree: Any, config: Config) -> None:
    """Store a checkpoint and drop all but the last two of its group."""
    save_tree(checkpoint_folder(path, group, step), tree, config)
    for old in _checkpoints(path, group)[KEPT_CHECKPOINTS:]:
        shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(path: Path, group: int, config: Config) -> tuple[int, Any] | None:
    """Read the newest good checkpoint of a group as (step, tree); None when there is none at all.

    Warns about each damaged one it passes over; raises StorageError when only damaged ones exist.
    """
    folders = _checkpoints(path, group)
    for folder in folders:
        try:
            return int(folder.name.rpartition("-")[2]), load_tree(folder, config)
        except StorageError as error:
            warnings.warn(f"{error}; falling back to the checkpoint before", stacklevel=2)
    if folders:
        raise StorageError(
            f"no checkpoint of group {group} in {path / 'checkpoints'} is whole; "
            "delete that folder to train its models anew"
        )
    return None


def drop_checkpoints(path: Path, group: int) -> None:
    """Remove the checkpoints of a finished group."""
    for folder in _checkpoints(path, group):
        shutil.rmtree(folder, ignore_errors=True)


def _checkpoints(path: Path, group: int) -> list[Path]:
    """List a group's checkpoints, newest first."""
    return sorted((path / "checkpoints").glob(f"group-{group:05d}-step-*"), reverse=True)


# Files ------------------------------------------------------------------------------------------


def write_atomically(file: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it, so that it is never half there."""
    temporary = file.with_name(".writing-" + file.name)
    temporary.write_bytes(content)
    _sync(temporary)
    os.replace(temporary, file)


def write_dataset(file: Path, dataset: xr.Dataset) -> None:
    """Write a dataset as netCDF, atomically."""
    with reporting_disk_errors(file):
        temporary = file.with_name(".writing-" + file.name)
        dataset.to_netcdf(temporary, engine="h5netcdf")
        _sync(temporary)
        os.replace(temporary, file)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
