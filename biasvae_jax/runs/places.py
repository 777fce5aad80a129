"""Where the parts of a run directory lie, told by their names alone."""

import os
import re
from pathlib import Path

from biasvae_jax.runs.reading import cannot_read_now
from biasvae_jax.runs.sums import checksum_file


def checkpoint_folder(path: Path, group: int, step: int) -> Path:
    """Name the checkpoint of a group at a step."""
    return path / "checkpoints" / f"group-{group:05d}-step-{step:09d}"


def models_folder(path: Path, group: int) -> Path:
    """Name the folder of a finished group's parameters, scores and history."""
    return path / "models" / f"group-{group:05d}"


def checkpoints(path: Path) -> list[tuple[int, int, Path]]:
    """List the checkpoints of a run as (group, step, folder); raises CannotReadNow."""
    found, folder = [], path / "checkpoints"
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise cannot_read_now(folder, error) from None
    for each in names:
        numbers = re.fullmatch(r"group-(\d{5,10})-step-(\d{9,10})", each, re.ASCII)
        if numbers:
            group, step = map(int, numbers.groups())
            place = checkpoint_folder(path, group, step)
            if place.name == each and place.is_dir():
                found.append((group, step, place))
    return found


def is_finished(path: Path) -> bool:
    """Tell whether a run's results are there, of which all else can be made."""
    files = [path / "results.nc", path / "history.nc"]
    return all(file.is_file() for file in (*files, *map(checksum_file, files)))
