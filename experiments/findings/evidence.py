"""Finished runs as the page reads them, and what is asked of many of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.statistics.intervals import Interval, t_interval
from biasvae_jax.study import Study, settings

WEAK = 0.1  # the weak β that rivals of a strong one are asked of
CODE, DECODER = "recovery_r2", "generation_mse"
MOST = 3  # μ up to which the training data show the rare event once in a thousand squares
LEAST = 1e-3  # mass, below what a sample of 8,192 can tell from 0
HUNDREDTH, TENTH = 0.01, 0.1  # margins, of R² and of an error


class Run(NamedTuple):
    """A finished sweep."""

    name: str
    study: Study
    scores: xr.Dataset
    """`results.nc`."""
    history: xr.Dataset
    """`history.nc`."""
    threshold: np.ndarray
    """β*(μ) of the linear optimum for endless data, `[mu]`."""
    minutes: float
    """From its start to its results; NaN if unknown."""

    @classmethod
    def of(cls, loaded: LoadedRun) -> "Run":
        """Take what the page needs of a loaded run."""
        boundary = loaded.boundary
        assert boundary is not None  # squares have one
        scores, history = loaded.scores, loaded.history
        name, took = loaded.path.name, loaded.took / 60
        return cls(name, loaded.study, scores, history, boundary, took)

    @property
    def mu(self) -> np.ndarray:
        """The biases, `[mu]`."""
        return np.asarray(self.study.biases)

    @property
    def beta(self) -> np.ndarray:
        """The weights of the KL term, `[beta]`."""
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
        return scores.transpose("mu", "beta", "seed").values.astype(float)

    def course(self, name: str) -> np.ndarray:
        """Return a time course `[mu, beta, seed, snapshot]`."""
        return self.history[name].transpose("mu", "beta", "seed", "snapshot").values.astype(float)

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


def sizes(runs: Runs) -> list[tuple[str, Run]]:
    """Return the runs of training sets, the smallest first and endless data last, with labels."""
    named = [(f"N = {int(n[2:]):,}", r) for n, r in runs.items() if n[2:].isdigit()]
    return [*named, ("endless", runs["n-endless"])]


class Stopped(NamedTuple):
    """A model at the step where its loss on fresh images is lowest; each `[mu, beta, seed]`."""

    step: np.ndarray
    generation: np.ndarray
    """`generation_mse_exact` there."""
    recovery: np.ndarray
    """`recovery_r2` there."""


def stopped(run: Run) -> Stopped:
    """Stop every model of a run early, by its loss on images that it never sees."""
    loss = np.nan_to_num(run.course("test_loss"), nan=np.inf)
    at = loss.argmin(-1)
    take = lambda name: np.take_along_axis(run.course(name), at[..., None], -1)[..., 0]  # noqa: E731
    return Stopped(run.snapshots[at], take("generation_mse_exact"), take("recovery_r2"))


def at_end(run: Run, name: str) -> np.ndarray:
    """Return the last measurement of a time course, `[mu, beta, seed]`."""
    return run.course(name)[..., -1]


def geometric_interval(logs: np.ndarray) -> Interval:
    """Return a geometric mean over seeds with its interval, of logarithms `[..., seed]`."""
    found = t_interval(logs)
    return found._replace(**{f: np.exp(getattr(found, f)) for f in ("mean", "low", "high")})


def log_mass(run: Run, name: str = "prior_mass") -> np.ndarray:
    """Return |ln mass| `[mu, beta, seed]`: 0 where the model gives the rare event its probability.

    A mass of 0 counts as `LEAST`.
    """
    return np.abs(np.log(np.maximum(run.values(name), LEAST)))
