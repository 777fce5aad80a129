"""Runs of a page: sweeps like any other, made by name where they are missing, and read."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from biasvae_jax.cli import common
from biasvae_jax.cli.sweep import read_flags
from biasvae_jax.runs.directory import check_run
from biasvae_jax.runs.loading import LoadedRun, load_run
from biasvae_jax.runs.places import is_finished
from biasvae_jax.study import Study, settings


@dataclass(frozen=True)
class Plan:
    """Flags of `full_sweep` for a run."""

    flags: tuple[str, ...]
    quick: tuple[str, ...] | None = None
    """Flags added for a quick look, in which later ones win; None: left out of it."""

    def words(self, quick: bool) -> tuple[str, ...]:
        """Return the flags of the run, or of its quick look."""
        return (*self.flags, *(self.quick or ())) if quick else self.flags


def wanted(plans: Mapping[str, Plan], quick: bool) -> list[str]:
    """Return the names of the runs, or of those of a quick look."""
    return [name for name, plan in plans.items() if not quick or plan.quick is not None]


class Run(NamedTuple):
    """A finished sweep."""

    name: str
    study: Study
    scores: xr.Dataset
    """`results.nc`."""
    history: xr.Dataset
    """`history.nc`."""
    threshold: np.ndarray
    """β*(μ) of the linear optimum for endless data, `[mu]`; NaN where there is none."""
    minutes: float
    """From its start to its results; NaN if unknown."""
    path: Path = Path()
    """Its directory."""

    @classmethod
    def of(cls, loaded: LoadedRun) -> "Run":
        """Take what the page needs of a loaded run."""
        boundary = loaded.boundary
        if boundary is None:
            boundary = np.full(len(loaded.study.biases), np.nan)
        scores, history = loaded.scores, loaded.history
        name, took = loaded.path.name, loaded.took / 60
        return cls(name, loaded.study, scores, history, boundary, took, loaded.path)

    @property
    def mu(self) -> np.ndarray:
        """The strengths of the bias, of whatever kind, `[mu]`."""
        return np.asarray(self.study.biases)

    @property
    def beta(self) -> np.ndarray:
        """The strengths of the objective, such as the KL's weight, `[beta]`."""
        return np.asarray(self.study.strengths)

    def setting(self, name: str) -> Any:
        """Return what a flag of the run's command was, such as `kl`."""
        return settings(self.study)[name]

    @property
    def snapshots(self) -> np.ndarray:
        """Steps of the time course."""
        return self.history["snapshot"].values

    def values(self, name: str) -> np.ndarray:
        """Return a score `[mu, beta, seed]`, NaN for models that diverged."""
        scores = self.scores[name].where(self.scores["finite"] == 1)
        return scores.transpose(*self.study.grid.dims).values.astype(float)

    def course(self, name: str) -> np.ndarray:
        """Return a time course `[mu, beta, seed, snapshot]`."""
        dims = (*self.study.grid.dims, "snapshot")
        return self.history[name].transpose(*dims).values.astype(float)

    def row(self, mu: float) -> int:
        """Return the place of a bias."""
        return int(np.argmin(np.abs(self.mu - mu)))

    def column(self, beta: float) -> int:
        """Return the place of the β nearest to one."""
        return int(np.argmin(np.abs(self.beta - beta)))

    def below(self) -> np.ndarray:
        """Tell which cells have β < β*, `[mu, beta]`."""
        return self.beta < self.threshold[:, None]


Runs = Mapping[str, Run]


def call(arguments: Sequence[str], quiet: bool) -> None:
    """Run a sweep, as anyone would; what it made already, it goes on from, or is ended already."""
    _, study, execution = read_flags(arguments)
    if execution.out and is_finished(execution.out) and check_run(execution.out, study.sealed()):
        return  # a process for each would take seconds
    command = [sys.executable, "-m", "experiments.full_sweep", *arguments]
    status = subprocess.run([*command, *(["--quiet"] if quiet else [])]).returncode
    if status:
        sys.exit(status)  # it has said why


def read(path: Path) -> Run:
    """Read a finished run; raises UsageError of one line if it is not."""
    loaded = load_run(path)
    if not loaded.finished:
        raise common.UsageError(f"{path} is not finished; its command goes on where it stopped")
    return Run.of(loaded)
