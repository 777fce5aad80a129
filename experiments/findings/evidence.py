"""The original study's questions, answered from runs: runs in, numbers out.

Intervals are Student's t over seeds. Names of scores are those of `results.nc`.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import stats

from biasvae_jax.config import Config
from biasvae_jax.statistics.intervals import Interval, paired_interval, t_interval
from biasvae_jax.theory import Prediction

TERMS = ("generation_offset", "generation_shrinkage", "generation_head")
MOSTLY = 0.5  # share of signal below which a model encodes mostly noise
SPARE_RUNS = ("spare-9", "spare-12", "spare-18")  # runs whose names say their latents
BEATS = 0.1  # nats below the linear optimum that count


class Run(NamedTuple):
    """A finished sweep and its closed form."""

    name: str
    config: Config
    scores: xr.Dataset
    """`results.nc`, with `scores.nc` if there."""
    history: xr.Dataset
    """`history.nc`."""
    threshold: np.ndarray
    """β*(μ), `[mu]`."""
    theory: Prediction
    """Each `[mu, beta]`."""
    minutes: float
    """From its start to its results; NaN if unknown."""

    @property
    def mu(self) -> np.ndarray:
        """The biases, `[mu]`."""
        return np.asarray(self.config.mu)

    @property
    def beta(self) -> np.ndarray:
        """The weights of the KL term, `[beta]`."""
        return np.asarray(self.config.beta)

    def values(self, name: str) -> np.ndarray:
        """Return a score `[mu, beta, seed]`, NaN for models that diverged."""
        scores = self.scores[name].where(self.scores["finite"] == 1)
        return scores.transpose("mu", "beta", "seed").values.astype(float)

    def predicted(self, name: str) -> np.ndarray | None:
        """Return the closed form of a score, `[mu, beta]`, if there is one."""
        return getattr(self.theory, name, None)

    def regimes(self) -> np.ndarray:
        """Return codes of `Regime`, `[mu, beta, seed]`."""
        return self.scores["regime"].transpose("mu", "beta", "seed").values.astype(int)


def mean(values: np.ndarray, axis: int | tuple[int, ...] = -1) -> np.ndarray:
    """Return the mean of what is finite; NaN, without a warning, where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis)
    count = known.sum(axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def best_at_weakest(values: np.ndarray, beta: np.ndarray) -> int:
    """Count the μ at which `values` `[mu, beta, seed]` are highest at the least β in every seed."""
    best = np.nan_to_num(values, nan=-np.inf).argmax(1)
    return int((best == np.argmin(beta)).all(-1).sum())


# Why do the two maps seem to disagree? -----------------------------------------------------------


def deviation(run: Run, name: str) -> Interval:
    """Return the mean |measured − predicted| over cells; cells without either are left out."""
    predicted = run.predicted(name)
    if predicted is None:
        raise ValueError(f"there is no closed form of {name}")
    return t_interval(mean(np.abs(run.values(name) - predicted[..., None]), (0, 1)))


def shares(run: Run, row: int) -> dict[str, Interval]:
    """Return each term's share of `generation_mse` summed over a row (one μ)."""
    terms = {name: run.values(name)[row] for name in TERMS}
    whole = mean(np.sum(list(terms.values()), axis=0), 0)
    return {name: t_interval(mean(values, 0) / whole) for name, values in terms.items()}


class Trend(NamedTuple):
    """Spearman's rank correlation with β and with μ, within rows and columns, their mean."""

    along_beta: Interval
    along_mu: Interval


def trend(values: np.ndarray) -> Trend:
    """Tell which way a score `[mu, beta, seed]` moves; lines that do not vary are left out."""
    along_beta, along_mu = values, values.swapaxes(0, 1)
    return Trend(*(t_interval(_rank_correlation(v)) for v in (along_beta, along_mu)))


def _rank_correlation(lines: np.ndarray) -> np.ndarray:
    """Mean over lines of the rank correlation with position: `[line, place, seed]` → `[seed]`."""
    found = np.full((lines.shape[0], lines.shape[2]), np.nan)
    for i, j in np.ndindex(found.shape):
        known = np.isfinite(lines[i, :, j])
        values = lines[i, known, j]
        if len(values) > 2 and np.ptp(values) > 0:
            place = np.arange(len(values))
            found[i, j] = np.corrcoef(place, stats.rankdata(values))[0, 1]
    return mean(found, 0)


class Collapsed(NamedTuple):
    """What scores say about models without an active latent, by bias."""

    models: int
    value: Interval
    """Of the score, mean over β of such models, `[mu]`."""
    change: Interval
    """The largest μ that has such models in every seed minus the smallest, paired."""
    ends: tuple[float, float]
    """Those two μ; NaN if there are none."""


def collapsed(run: Run, name: str) -> Collapsed:
    """Look at a score where nothing is active."""
    where = run.values("active_units") == 0  # not so for NaN, the diverged
    rows = mean(np.where(where, run.values(name), np.nan), 1)
    usable = np.flatnonzero(np.isfinite(rows).all(-1))
    if not usable.size:
        nothing = t_interval(np.full(run.config.seeds, np.nan))
        return Collapsed(int(where.sum()), t_interval(rows), nothing, (np.nan, np.nan))
    first, last = usable[[0, -1]]
    difference = paired_interval(rows[last], rows[first])
    return Collapsed(
        int(where.sum()), t_interval(rows), difference, (float(run.mu[first]), float(run.mu[last]))
    )


def beside_collapsed(run: Run, name: str, row: int, column: int) -> Interval:
    """Return a cell's score over the mean of its row's models without an active latent, paired."""
    values, active = run.values(name)[row], run.values("active_units")[row]
    return t_interval(values[column] / mean(np.where(active == 0, values, np.nan), 0))


class Worst(NamedTuple):
    """The cell whose mean over seeds is farthest from its closed form."""

    mu: float
    beta: float
    measured: Interval
    predicted: float


def worst(run: Run, name: str) -> Worst:
    """Find it; of a score without a finite value anywhere, the first cell."""
    values, predicted = run.values(name), run.predicted(name)
    assert predicted is not None, name
    away = np.nan_to_num(np.abs(mean(values) - predicted), nan=-1)
    i, j = np.unravel_index(np.argmax(away), away.shape)
    return Worst(run.mu[i], run.beta[j], t_interval(values[i, j]), float(predicted[i, j]))


class Change(NamedTuple):
    """How a score changes from the first to the last value of one axis, along the other."""

    measured: Interval
    predicted: np.ndarray


def change(run: Run, name: str, axis: int) -> Change:
    """Return last − first along μ (axis 0, for each β) or along β (axis 1, for each μ), paired."""
    predicted = run.predicted(name)
    if predicted is None:
        raise ValueError(f"there is no closed form of {name}")
    first, last = (np.take(run.values(name), end, axis) for end in (0, -1))
    ends = (np.take(predicted, end, axis) for end in (-1, 0))
    return Change(paired_interval(last, first), np.subtract(*ends))


# Signal or noise? --------------------------------------------------------------------------------


class Noise(NamedTuple):
    """How many models of a seed are active, and how many of them encode mostly noise."""

    active: Interval
    mostly_noise: Interval
    lowest: Interval
    """Share of signal at the smallest β, `[mu]`."""
    predicted: np.ndarray
    """The same in closed form, `[mu]`."""


def noise(run: Run) -> Noise:
    """Read `active_units` with `signal_share`."""
    share, smallest = run.values("signal_share"), int(np.argmin(run.beta))
    return Noise(
        t_interval((run.values("active_units") > 0).sum((0, 1))),
        t_interval((share < MOSTLY).sum((0, 1))),
        t_interval(share[:, smallest]),
        run.theory.signal_share[:, smallest],
    )


def beaten(run: Run) -> Interval:
    """Return how many models of a seed are better than the linear optimum by `BEATS` or more."""
    return t_interval((run.values("gap") < -BEATS).sum((0, 1)))
