"""Finished runs as the page reads them, and what is asked of many of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.statistics.equivalence import equivalence
from biasvae_jax.statistics.intervals import Interval, paired_interval, t_interval
from biasvae_jax.statistics.optimum import Better, Optimum, gain_at_optimum, optimum
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


class Best(NamedTuple):
    """Where a score is best over β, for each μ of a run."""

    optimum: Optimum
    gain: Interval
    """At the optimum, chosen on the other seeds, minus at the weakest β."""
    better: Better
    margin: np.ndarray
    """A gain below it does not matter, `[mu]`."""

    @property
    def helps(self) -> np.ndarray:
        """Whether a β above the weakest is surely better by more than the margin, `[mu]`."""
        low, high = np.asarray(self.gain.low), np.asarray(self.gain.high)
        return low > self.margin if self.better == "higher" else high < -self.margin


def best(values: np.ndarray, beta: np.ndarray, better: Better) -> Best:
    """Find the best β of a score `[mu, beta, seed]`.

    What matters is a hundredth where higher is better (R²), else a tenth of the weakest β's value.
    """
    found = optimum(values, beta, better)
    weakest = values[:, int(np.argmin(beta))]
    tenth = TENTH * np.abs(np.asarray(t_interval(weakest).mean))
    margin = np.full(len(values), HUNDREDTH) if better == "higher" else tenth
    return Best(found, gain_at_optimum(values, beta, better), better, margin)


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


class ShortAgainstStrong(NamedTuple):
    """Fewer steps at the weak β beside a stronger β with all steps, for each μ.

    Steps and β are chosen alike: by the lowest mean error of the other seeds.
    """

    weak: Interval
    """generation_mse_exact of the weak β at the end, `[mu]`."""
    early: Interval
    """Of the same models, each stopped by its own loss on unseen images."""
    short: Interval
    """Of the same models after the chosen number of steps."""
    strong: Interval
    """Of the chosen β, as strong or stronger, at the end."""
    apart: Interval
    """Short minus strong, paired by seed: below 0, fewer steps are better."""
    verdict: np.ndarray
    """Whether short and strong are equivalent to within a tenth of the weak β's error, `[mu]`."""
    both: Interval
    """Best β, as strong or stronger, stopped early, minus the weak β stopped early."""


def short_against_strong(run: Run) -> ShortAgainstStrong:
    """Compare fewer steps at the weak β with stronger β at the end of training."""
    column, end = run.column(WEAK), at_end(run, "generation_mse_exact")
    early, stronger = stopped(run).generation, run.beta >= run.beta[column]
    strong, both = (chosen_by_others(each[:, stronger]) for each in (end, early))
    short = chosen_by_others(np.moveaxis(run.course("generation_mse_exact")[:, column], -1, 1))
    weak, apart = t_interval(end[:, column]), short - strong
    return ShortAgainstStrong(
        weak,
        t_interval(early[:, column]),
        t_interval(short),
        t_interval(strong),
        t_interval(apart),
        np.array([_verdict(a, TENTH * m) for a, m in zip(apart, weak.mean, strict=True)]),
        paired_interval(both, early[:, column]),
    )


def _verdict(apart: np.ndarray, margin: float) -> str:
    return str(equivalence(apart, margin).verdict) if margin > 0 else "–"


def chosen_by_others(values: np.ndarray) -> np.ndarray:
    """Return each seed's value at the column that is lowest in the mean of the other seeds.

    `[mu, beta, seed]` → `[mu, seed]`; NaN with one seed.
    """
    found = np.full((values.shape[0], values.shape[2]), np.nan)
    for seed in range(values.shape[2]):
        others = np.delete(values, seed, axis=2)
        if others.shape[2]:
            column = np.nan_to_num(others.mean(2), nan=np.inf).argmin(1)
            found[:, seed] = np.take_along_axis(values[..., seed], column[:, None], 1)[:, 0]
    return found


def geometric_interval(logs: np.ndarray) -> Interval:
    """Return a geometric mean over seeds with its interval, of logarithms `[..., seed]`."""
    found = t_interval(logs)
    return found._replace(**{f: np.exp(getattr(found, f)) for f in ("mean", "low", "high")})


def log_mass(run: Run, name: str = "prior_mass") -> np.ndarray:
    """Return |ln mass| `[mu, beta, seed]`: 0 where the model gives the rare event its probability.

    A mass of 0 counts as `LEAST`.
    """
    return np.abs(np.log(np.maximum(run.values(name), LEAST)))
