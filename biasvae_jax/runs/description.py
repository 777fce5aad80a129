"""`config.json`: what a run is (config, plan, versions, devices) and when it was computed.

It is checked against its SHA-256 and its schema before anything in it is used. The text of the
config in it stays the run's identity, whatever form a later version would give the same values
(`identity.py`).
"""

import contextlib
import json
import math
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from biasvae_jax.errors import first_line
from biasvae_jax.runs.files import MAX_JSON_BYTES, WRITING, reporting_disk_errors
from biasvae_jax.runs.lock import RunDirectoryError, holds
from biasvae_jax.runs.reading import cannot_read_now, is_missing
from biasvae_jax.runs.sums import read_checked, write_checked
from biasvae_jax.versions import OURS, UNKNOWN, version

PLAN = ("devices", "group", "width", "chunk")
MAX_MODELS = 10**7
MAX_DEPTH = 8  # folders below a run; its own go three deep
FOLDERS = ("checkpoints", "models", "figures")
RESULTS = ("results.nc", "history.nc", "scores.nc", "results.csv", "report.html")
PRIVATE = (".lock", ".holder.json", "config.json")

_begun: dict[Path, dict] = {}  # descriptions of the runs opened by this process


def read_description(path: Path, group: str = "") -> dict | None:
    """Read `config.json`; None when there is none.

    `group` is where links are looked for, as in `refuse_links`. Raises RunDirectoryError when it
    is no run's, or a newer version's; CannotReadNow.
    """
    refuse_links(path, group)
    file = path / "config.json"
    try:
        if not file.exists():
            return None
        values = json.loads(read_checked(file, MAX_JSON_BYTES))
    except (ValueError, RecursionError) as error:
        raise RunDirectoryError(f"{file} cannot be read: {first_line(error)}") from None
    except (OSError, MemoryError) as error:
        if isinstance(error, OSError) and is_missing(error):
            raise RunDirectoryError(f"{file} cannot be read: it has no checksum") from None
        raise cannot_read_now(file, error) from None
    if not _is_description(values):
        raise RunDirectoryError(f"{file} is not a run's description")
    _refuse_newer(path, values)
    return values


def _is_description(values: Any) -> bool:
    """Tell whether parsed JSON has the shape of a description; parts may be missing."""
    if not isinstance(values, dict):
        return False
    versions, devices = values.get("versions", {}), values.get("devices", [])
    return (
        isinstance(versions, dict)
        and all(isinstance(version, str) for version in versions.values())
        and isinstance(devices, list)
        and all(isinstance(device, str) for device in devices)
    )


def _refuse_newer(path: Path, description: dict) -> None:
    theirs = description.get("versions", {}).get("biasvae_jax", "")
    ours = version(OURS)
    if ours != UNKNOWN and _numbers(theirs) > _numbers(ours):
        raise RunDirectoryError(
            f"{path} was made by biasvae_jax {theirs}, and this is {ours}; install the newer one"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d{1,9}", version)[:3])


def stored_plan(path: Path) -> dict[str, int] | None:
    """Return the plan of a run's first start; None when there is no run yet.

    Raises RunDirectoryError when there is one without a plan: another would give other numbers.
    """
    description = read_description(path)
    if description is None:
        return None
    plan = plan_of(description)
    if plan is None:
        raise RunDirectoryError(f"{path / 'config.json'} holds no plan of this version")
    return plan


def plan_of(description: dict) -> dict[str, int] | None:
    """Return a description's plan; None where it has none of this version."""
    stored = description.get("plan")
    plan = stored if isinstance(stored, dict) else {}
    whole = all(type(value) is int and 1 <= value < 2**31 for value in plan.values())
    return {name: plan[name] for name in PLAN} if set(plan) == set(PLAN) and whole else None


def current_description(path: Path, group: str = "") -> dict | None:
    """Return the description of a run that this process holds, or else read it.

    `group` is as in `refuse_links`.
    """
    known = _begun.get(path.absolute()) if holds(path) else None
    return known if known is not None else read_description(path, group)


# Written at the start and the end ----------------------------------------------------------------


def write_description(path: Path, config: dict, about: dict) -> None:
    """Write the first `config.json` of a run: the study's values, `about`, and when it started."""
    _write(path, {"config": config, **about, "started": _now()})


def keep_description(path: Path) -> None:
    """Write `config.json` again if somebody has deleted it while this process holds the run."""
    description = _begun.get(path.absolute()) if holds(path) else None
    if description is not None and not (path / "config.json").exists():
        _write(path, description)


def remember(path: Path, description: dict) -> None:
    """Know a run's description from now on, for as long as this process holds the run."""
    _begun[path.absolute()] = description


def rewrite_description(path: Path, description: dict) -> None:
    """Write another `config.json` in place of the one that is there."""
    _write(path, description)


def end_description(path: Path) -> None:
    """Add to `config.json` when the run ended, and how many seconds after its start."""
    description = dict(current_description(path) or {})
    if description:
        began = begun(path, description)
        description["ended"] = _now()
        description["seconds"] = round(max(0.0, time.time() - began), 1)
        _write(path, description)


def _write(path: Path, description: dict) -> None:
    with reporting_disk_errors(path):
        write_checked(path / "config.json", json.dumps(description, indent=2).encode())
    remember(path, description)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def begun(path: Path, description: dict) -> float:
    """Return when a run was first started, seconds since 1970: as stored, or by the file's time."""
    with contextlib.suppress(KeyError, ValueError, TypeError, OverflowError):
        return datetime.fromisoformat(description["started"]).timestamp()
    return (path / "config.json").stat().st_mtime


def took(path: Path, description: dict) -> float:
    """Return the seconds from start to results, pauses included; NaN if unknown."""
    seconds = description.get("seconds")
    if isinstance(seconds, int | float) and math.isfinite(seconds) and seconds >= 0:
        return float(seconds)
    if "started" in description:
        return math.nan
    try:
        seconds = (path / "results.nc").stat().st_mtime - begun(path, description)
    except OSError:
        return math.nan
    return seconds if seconds >= 1 else math.nan


# Whose directory it is ----------------------------------------------------------------------------


def is_ours(name: str) -> bool:
    """Tell whether a name in a run directory is one that a run gives."""
    name = name.removesuffix(".sha256")
    return name in (*FOLDERS, *RESULTS, *PRIVATE) or name.startswith(WRITING)


def check_place(path: Path) -> None:
    """Raise RunDirectoryError unless a new run can be made at `path`.

    What others keep there, such as a scheduler's log, stays and does not matter.
    """
    parent = next(p for p in (path, *path.absolute().parents) if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise RunDirectoryError(f"--out {path} is not writable; choose another directory")
    names = sorted(p.name for p in path.iterdir()) if path.exists() else []
    taken = [name for name in names if name in (*FOLDERS, *RESULTS)]
    if taken:
        raise RunDirectoryError(
            f"--out {path} holds {taken[0]} but no config.json; choose another directory"
        )


def refuse_links(path: Path, group: str = "") -> None:
    """Raise RunDirectoryError if anything of a run is not a plain file or folder.

    A link would lead out of the run, and a pipe would be waited for. What is not the run's own
    is not looked at, nor, with the start of the name of a `group`, what is in other groups: a
    large run has tens of thousands of files.
    """
    folders = [(str(path), 0)]
    while folders:
        folder, depth = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if depth or is_ours(entry.name):
                        _refuse_link(entry)
                        if entry.is_dir(follow_symlinks=False) and (
                            depth != 1 or entry.name.startswith(group)
                        ):
                            folders.append((entry.path, depth + 1))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise cannot_read_now(Path(folder), error) from None
        if depth > MAX_DEPTH:
            raise RunDirectoryError(f"{path} holds folders in folders that are not a run's")


def _refuse_link(entry: os.DirEntry) -> None:
    plain = entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
    if not plain and os.path.lexists(entry.path):
        raise RunDirectoryError(f"{entry.path} is no plain file; refusing to follow it")
    if entry.name == ".lock" and os.stat(entry.path, follow_symlinks=False).st_nlink > 1:
        raise RunDirectoryError(f"{entry.path} is a file elsewhere too (a hard link); delete it")
