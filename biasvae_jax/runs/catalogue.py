"""What runs lie below a folder: settings, how far each is, its best scores. Read without jax."""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from biasvae_jax.axes import portion
from biasvae_jax.components import ROLES
from biasvae_jax.runs.description import MAX_MODELS, plan_of, read_description
from biasvae_jax.runs.files import StorageError
from biasvae_jax.runs.hdf5 import most_bytes, read_plain
from biasvae_jax.runs.lock import RunDirectoryError
from biasvae_jax.runs.places import checkpoints, is_finished, models_folder

SIGNS = ("config.json", "results.nc")
"""Files by which a folder is taken for a run, whole or not."""
FLAT = {"world": "squares", "bias": "shift", "objective": "beta_elbo", "network": "mlp"}
"""Kinds of a study in the flat form of 0.1.0, which had no others."""
BEST = {"recovery_r2": np.nanargmax, "generation_mse": np.nanargmin}
"""Scores whose best cell is told, with the way to find it."""


class Best(NamedTuple):
    """The best mean over seeds of a score, and its cell."""

    value: float
    cell: dict[str, float]
    """Strength of the bias and of the regularisation, by the names of their axes."""


@dataclass(frozen=True)
class Entry:
    """One run directory."""

    path: Path
    settings: dict[str, Any]
    """All that has a flag, by the flag's name, as it is stored."""
    axes: dict[str, tuple[float, ...]]
    """The grid's two axes by name: bias, regularisation."""
    share: float
    """How much of the training is done, from 0 to 1."""
    finished: bool
    best: dict[str, Best]
    """Of a finished run, by the names in `BEST`; a score without any number is left out."""


def run_folders(folder: Path) -> Iterator[Path]:
    """Yield the folders at and below one that look like runs, in the order of their names.

    Hidden folders, and folders within a run, are not looked into; a link is followed once.
    """
    seen = set()
    for place, below, files in os.walk(folder, followlinks=True):
        here, again = os.path.realpath(place), os.path.realpath(place) in seen
        seen.add(here)
        is_run = any(name in files for name in SIGNS)
        below[:] = [] if is_run or again else sorted(n for n in below if not n.startswith("."))
        if is_run and not again:
            yield Path(place)


def read_entry(path: Path) -> Entry:
    """Read what is told of a run; raises RunDirectoryError or StorageError of one line."""
    try:
        return _entry(path)
    except (KeyError, ValueError, TypeError, AttributeError, OSError, RuntimeError) as error:
        if isinstance(error, RunDirectoryError | StorageError):
            raise
        raise RunDirectoryError(f"{path} cannot be read: {error}") from None


def _entry(path: Path) -> Entry:
    about = read_description(path)
    if about is None:
        raise RunDirectoryError(f"{path} holds results.nc but no config.json")
    plan, config = plan_of(about), about.get("config")
    if plan is None or not isinstance(config, dict):
        raise RunDirectoryError(f"{path} is no run: its config.json is something else's")
    settings, axes = stored_settings(config), stored_axes(config)
    cells = math.prod(len(values) for values in axes.values())
    size, steps = cells * int(settings["seeds"]), int(settings["steps"])
    if not 1 <= size <= MAX_MODELS or steps < 1:
        raise RunDirectoryError(f"{path / 'config.json'} names {size:,} models of {steps:,} steps")
    finished = is_finished(path)
    return Entry(
        path, settings, axes,
        share=1.0 if finished else _share(path, size, steps, plan["group"]),
        finished=finished,
        best=_best(path / "results.nc", axes, size) if finished else {},
    )  # fmt: skip


def stored_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that has a flag from a stored study, by the flag's name, as `study.settings` does.

    Raises KeyError, TypeError or ValueError where it has another shape.
    """
    if "format" not in config:
        return FLAT | dict(config)
    found: dict[str, Any] = {role: config[role]["kind"] for role in ROLES}
    for role in ROLES:
        found |= {n: v for n, v in config[role].items() if n not in ("kind", "version")}
    rest = {name: v for name, v in config.items() if name not in ("format", "training", "axes")}
    rest = {name: v for name, v in rest.items() if name not in ROLES}
    return found | config["axes"] | config["training"] | rest


def stored_axes(config: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """Return the values of a stored study's two axes by name, that of the bias first."""
    axes = config["axes"] if "format" in config else {n: config[n] for n in ("mu", "beta")}
    found = {str(name): tuple(map(float, values)) for name, values in axes.items()}
    if len(found) != 2:
        raise ValueError("it has not two axes")
    return found


def _share(path: Path, size: int, steps: int, group: int) -> float:
    """Count the steps taken by the names of finished groups and checkpoints, as a share."""
    newest: dict[int, int] = {}
    for number, step, _ in checkpoints(path):
        newest[number] = max(step, newest.get(number, 0))
    done = 0
    for number in range(-(-size // group)):
        part = portion(size, group, number)
        whole = models_folder(path, number).is_dir()
        taken = steps if whole else min(steps, newest.get(number, 0))
        done += (part.stop - part.start) * taken
    return done / (size * steps)


def _best(file: Path, axes: Mapping[str, tuple[float, ...]], size: int) -> dict[str, Best]:
    """Find the best cell of each score, by its mean over the seeds that have one."""
    found, names = {}, list(axes)
    stored = read_plain(file, most_bytes(size), BEST)
    for score, choose in BEST.items():
        if score not in stored:
            continue
        values = stored[score].transpose(*names, "seed").values.astype(float)
        if values.shape[:2] != tuple(map(len, axes.values())):
            raise ValueError(f"{score} in {file.name} is of another grid")
        count = np.isfinite(values).sum(-1)
        means = np.where(np.isfinite(values), values, 0).sum(-1) / np.maximum(count, 1)
        means = np.where(count > 0, means, np.nan)
        if count.any():
            i, j = np.unravel_index(choose(means), means.shape)
            cell = {names[0]: axes[names[0]][i], names[1]: axes[names[1]][j]}
            found[score] = Best(float(means[i, j]), cell)
    return found
