"""The run directory: one writer, checkpoints that survive a kill, models, results.

    config.json   config, plan, versions, devices     checkpoints/  to go on
    results.nc    history.nc    figures/              models/       final parameters and scores

Whatever is written gets its name only when it is whole (`files.py`), and is read only after its
checksum: a checkpoint or a group of models has it inside (`arrays.py`), `x.nc` in `x.nc.sha256`
beside it (`datasets.py`). What `config.json` says is in `description.py`.
"""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from biasvae_jax.axes import portion
from biasvae_jax.runs.arrays import check_manifest, load_tree
from biasvae_jax.runs.datasets import read_dataset, write_dataset
from biasvae_jax.runs.description import (
    PLAN,
    check_place,
    current_description,
    end_description,
    keep_description,
    plan_of,
    read_description,
    remember,
    rewrite_description,
    stored_plan,
    write_description,
)
from biasvae_jax.runs.files import StorageError, reporting_disk_errors, writing_folder
from biasvae_jax.runs.identity import identities, stored_study
from biasvae_jax.runs.lock import RunDirectoryError, check_still_ours, lock_run
from biasvae_jax.runs.places import checkpoint_folder, checkpoints, is_finished, models_folder
from biasvae_jax.runs.probe import try_out
from biasvae_jax.runs.reading import Damaged, Foreign, cannot_read_now
from biasvae_jax.runs.sums import checksum_file, read_checked, write_checked
from biasvae_jax.runs.trees import save_tree
from biasvae_jax.study import Study

__all__ = [
    "PLAN",
    "RunDirectoryError",
    "StorageError",
    "check_run",
    "checkpoint_folder",
    "checksum_file",
    "drop_checkpoints",
    "end_description",
    "holds_models",
    "is_finished",
    "keep_group",
    "keep_place",
    "load_checkpoint",
    "load_models",
    "load_tree",
    "lock_run",
    "missing_models",
    "models_folder",
    "open_run",
    "read_checked",
    "read_dataset",
    "read_description",
    "reporting_disk_errors",
    "save_checkpoint",
    "save_models",
    "save_tree",
    "stored_or",
    "stored_plan",
    "stored_study",
    "write_checked",
    "write_dataset",
    "writing_folder",
]

KEPT_CHECKPOINTS = 2


def open_run(path: Path, study: Study, description: dict) -> None:
    """Write `config.json` at the first start: the config and `description` (plan, versions, …).

    Raises RunDirectoryError when the directory holds another config or something else, or lies
    where a run cannot be stored.
    """
    begun = check_run(path, study)
    try_out(path, study)
    if begun:
        remember(path, read_description(path) or {})
    else:
        write_description(path, json.loads(study.to_json()), description)


def stored_or(path: Path, study: Study) -> Study:
    """Return the study that a run is stored with, whose text is its identity, or else `study`.

    A data file lies where `study` has it now.
    """
    description = current_description(path) if path.is_dir() else None
    if description is None:
        return study
    stored, place = stored_study(path, description), getattr(study.world, "data", None)
    return stored if place is None else stored.moved(place)


def keep_place(path: Path, study: Study) -> None:
    """Store where the data file of a run lies if it was moved; its text stays its identity."""
    description = current_description(path)
    place = getattr(study.world, "data", None)
    if description is None or place is None:
        return
    if getattr(stored_study(path, description).world, "data", None) != place:
        rewrite_description(path, description | {"data": place})


def keep_group(path: Path, group: int) -> None:
    """Store another size of groups in the plan of a run that holds no models yet.

    Raises RunDirectoryError when it holds some.
    """
    description = read_description(path)
    if description is not None and description["plan"]["group"] != group:
        if holds_models(path):
            raise RunDirectoryError(f"{path} has changed meanwhile; start the same command again")
        rewrite_description(path, description | {"plan": description["plan"] | {"group": group}})


def holds_models(path: Path) -> bool:
    """Tell whether a run holds a checkpoint or a finished group: its groups are numbered then."""
    return any(True for name in ("checkpoints", "models") for _ in (path / name).glob("group-*"))


def check_run(path: Path, study: Study) -> bool:
    """Tell whether `path` holds a run of this config already; touches nothing.

    Raises RunDirectoryError when it cannot become one: a file, another study, no permission;
    StorageError when it is one that can no longer be written.
    """
    try:
        if path.exists() and not path.is_dir():
            raise RunDirectoryError(f"--out {path} is a file; name a directory")
        stored = read_description(path)
        if stored is None:
            check_place(path)
            return False
        writable = os.access(path, os.W_OK | os.X_OK)
    except OSError as error:
        raise RunDirectoryError(f"--out {path} cannot be used: {error.strerror}") from None
    difference = stored_study(path, stored).difference(study)
    if difference:
        raise RunDirectoryError(
            f"--out {path} holds a run with another config ({difference}); "
            "choose another directory, or the same flags to go on"
        )
    if not writable and not is_finished(path):
        raise StorageError(f"--out {path} is read-only; nothing is lost, make it writable to go on")
    return True


# Checkpoints and finished groups -----------------------------------------------------------------


def load_models(
    path: Path, group: int, study: Study, like: Any = None, added: Collection[tuple[str, ...]] = ()
) -> Any:
    """Read a finished group; None when it is not finished.

    `like` is a tree of the shapes it must have; arrays `added` since may be missing. Raises
    CannotReadNow, Foreign or Damaged.
    """
    folder = models_folder(path, group)
    try:
        if not folder.exists():
            return None
        return load_tree(folder, study, like, added=added, **_whose(path, group, study))
    except OSError as error:
        raise cannot_read_now(folder, error) from None
    except Damaged as error:
        raise Damaged(f"{error}; delete {folder} to train its models anew") from None


def missing_models(path: Path, study: Study) -> list[str]:
    """Say of each finished run's group that is missing or not whole what is wrong with it."""
    plan = plan_of(current_description(path) or {})
    wrong = []
    for group in range(-(-study.grid.size // plan["group"]) if plan else 0):
        folder = models_folder(path, group)
        try:
            manifest = check_manifest(folder, study, **_whose(path, group, study))
            gone = [name for name in manifest["files"] if not (folder / name).is_file()]
            wrong += [f"{folder / gone[0]} is missing or damaged"] if gone else []
        except OSError as error:
            wrong.append(f"{folder} cannot be read ({error.strerror})")
        except StorageError as error:
            wrong.append(str(error))
    return wrong


def save_models(path: Path, group: int, tree: Any, study: Study) -> None:
    """Store a finished group and drop its checkpoints."""
    folder = models_folder(path, group)
    with reporting_disk_errors(folder):
        check_still_ours(path)
    keep_description(path)
    save_tree(folder, tree, study, _whose(path, group, study)["part"])
    drop_checkpoints(path, group)


def save_checkpoint(path: Path, group: int, step: int, tree: Any, study: Study) -> None:
    """Store a checkpoint and drop all but the last two of its group."""
    folder = checkpoint_folder(path, group, step)
    with reporting_disk_errors(folder):
        check_still_ours(path)
    keep_description(path)
    save_tree(folder, tree, study, _whose(path, group, study)["part"])
    # a newer one can only be damaged: it was passed over
    stored = [old for at, old in _checkpoints(path, group) if at <= step][:KEPT_CHECKPOINTS]
    for _, old in _checkpoints(path, group):
        if old not in stored:
            shutil.rmtree(old, ignore_errors=True)


def _whose(path: Path, group: int, study: Study) -> dict[str, Any]:
    """Return what a group's files are checked against: names of the study, and its models."""
    description = current_description(path, models_folder(path, group).name)
    plan = plan_of(description or {})
    return {
        "owners": identities(path, description, study),
        "part": portion(study.grid.size, plan["group"], group) if plan else None,
    }


def load_checkpoint(
    path: Path,
    group: int,
    study: Study,
    like: Any = None,
    warn: Callable[[str], None] = warnings.warn,
    added: Collection[tuple[str, ...]] = (),
) -> tuple[int, Any] | None:
    """Read the newest good checkpoint of a group as (step, tree); None when there is none at all.

    `like` is a tree of the shapes it must have; arrays `added` since may be missing. Warns of each
    one it passes over, damaged or foreign; raises StorageError when only such exist, CannotReadNow
    when there may be a good one.
    """
    whose = _whose(path, group, study)
    stored, before = _checkpoints(path, group), None
    passed: list[StorageError] = []
    while stored != before:  # another process may be at work on them
        passed = []
        for step, folder in stored:
            try:
                found = step, load_tree(folder, study, like, added=added, **whose)
            except (Damaged, Foreign) as error:
                passed.append(error)
            else:
                for error in passed:
                    warn(f"{error}; falling back to the checkpoint before")
                return found
        stored, before = _checkpoints(path, group), stored
    if not stored:
        return None
    where = path / "checkpoints"
    for error in passed:
        warn(str(error))
    if all(isinstance(error, Damaged) for error in passed):
        raise Damaged(
            f"no checkpoint of group {group} in {where} is whole; "
            "delete that folder to train its models anew"
        )
    foreign = next(error for error in passed if isinstance(error, Foreign))
    raise Foreign(f"no checkpoint of group {group} in {where} can be used: {foreign}")


def drop_checkpoints(path: Path, group: int) -> None:
    """Remove the checkpoints of a finished group."""
    for _, folder in _checkpoints(path, group):
        shutil.rmtree(folder, ignore_errors=True)


def _checkpoints(path: Path, group: int) -> list[tuple[int, Path]]:
    """List a group's checkpoints as (step, folder), newest first."""
    found = [(step, folder) for of, step, folder in checkpoints(path) if of == group]
    return sorted(found, reverse=True)
