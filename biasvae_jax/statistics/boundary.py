"""Where models stop encoding: β̂(μ) from active units, its slope, its distance from β*(μ).

Everything is in log β (natural logarithms), where differences are ratios of β. numpy and SciPy.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

from biasvae_jax.statistics.intervals import Interval, t_interval
from biasvae_jax.statistics.staircase import boundary_steps as boundary_steps  # its name of old


class Boundary(NamedTuple):
    """The empirical boundary of each seed, and over seeds."""

    log_beta: np.ndarray
    """log β̂ `[mu, seed]`; ±inf where censored, NaN where no cell has a value."""
    censored: np.ndarray
    """`[mu, seed]`: +1 where at least half the latents stay active at the largest β, −1 where at
    most half are at the smallest, 0 where the grid holds the crossing."""
    bracket: np.ndarray
    """log β of the grid's points around the crossing `[mu, seed, 2]`; NaN where there is none."""
    interval: Interval
    """Student's interval for log β̂ over seeds `[mu]`; no value where a seed is censored, for the
    mean of the others would be biased. Seeds that jump between the same two β agree exactly: read
    its width beside the bracket's."""
    without_log: int = 0
    """How many β were left out because they are 0, where log β is undefined."""


def boundary(active: np.ndarray, beta: np.ndarray, latents: int, level: float = 0.95) -> Boundary:
    """Find β̂(μ), where half the latents are active, for each seed.

    `active` `[mu, beta, seed]` counts active units, NaN for a diverged model (`results.nc` stores 0
    there, with `finite` 0); `beta` in any order. Counts need not fall with β, so the convention is:
    their decreasing isotonic (least-squares) regression, joined by straight lines in log β, crosses
    latents/2 at log β̂; where it lies level at the half, log β̂ is the middle of that stretch.
    A diverged cell counts as the straight line between its neighbours. A column of β = 0 is left
    out and counted (`without_log`): log β is undefined there, and "the smallest β" is the smallest
    positive one. Raises ValueError if a β is below 0, latents < 1 or shapes disagree.
    """
    active, beta = np.asarray(active, float), np.asarray(beta, float)
    if active.ndim != 3 or beta.shape != active.shape[1:2]:
        raise ValueError(
            f"active must be [mu, beta, seed] of {beta.size} β; got the shape {active.shape}"
        )
    if not np.all(beta >= 0):
        raise ValueError(f"beta must be ≥ 0; got {beta}")
    if latents < 1:
        raise ValueError(f"latents must be ≥ 1; got {latents}")
    order = np.argsort(beta)[np.sort(beta) > 0]
    x, counts = np.log(beta[order]), active[:, order]
    shape = counts.shape[0], counts.shape[2]
    log_beta, censored = np.full(shape, np.nan), np.zeros(shape, np.int8)
    bracket = np.full((*shape, 2), np.nan)
    for place in np.ndindex(shape):
        column = counts[place[0], :, place[1]]
        known = np.isfinite(column)
        if known.any():
            crossing = _crossing(x[known], column[known] - latents / 2)
            log_beta[place], censored[place], bracket[place] = crossing
    whole = np.where(censored.any(-1, keepdims=True), np.nan, log_beta)
    left_out = len(beta) - len(order)
    return Boundary(log_beta, censored, bracket, t_interval(whole, level=level), left_out)


def _crossing(x: np.ndarray, excess: np.ndarray) -> tuple[float, int, tuple[float, float]]:
    """Where the isotonic fit of `excess` on ascending `x` passes 0: (place, censored, bracket)."""
    # rounded, so that a pool of counts whose mean is the half is at the half
    fit = isotonic_regression(excess, increasing=False).x.round(9)
    if fit[-1] >= 0:
        return np.inf, 1, (np.nan, np.nan)
    if fit[0] <= 0:
        return -np.inf, -1, (np.nan, np.nan)
    last, first = np.flatnonzero(fit > 0)[-1], np.flatnonzero(fit < 0)[0]
    reached = x[last] + (x[last + 1] - x[last]) * fit[last] / (fit[last] - fit[last + 1])
    left = x[first] - (x[first] - x[first - 1]) * fit[first] / (fit[first] - fit[first - 1])
    middle = float(reached + left) / 2  # the two are one, unless the fit is level at the half
    return middle, 0, (float(x[last]), float(x[first]))


def against_theory(found: Boundary, threshold: np.ndarray) -> Interval:
    """Student's interval for log β̂ − log β*, `[mu]`: 0 on the theory's line, log 2 at twice its β.

    `threshold` `[mu]` is β*(μ), a constant, so the interval of log β̂ moves and keeps its width; no
    value where a seed is censored. Raises ValueError unless β* > 0.
    """
    theory, over = _log_threshold(found, threshold), found.interval
    return over._replace(mean=over.mean - theory, low=over.low - theory, high=over.high - theory)


class Place(NamedTuple):
    """Where the boundary lies beside the theory's line; the fields' shape is `[mu]`."""

    interval: Interval
    """That of `against_theory`: of log β̂ − log β*, from the seeds alone."""
    side: np.ndarray
    """The seeds' verdict: −1 where the interval lies below 0 (β̂ < β*), +1 above, 0 where it holds
    0, NaN where there is none."""
    widened: Interval
    """The same interval, widened to the grid's β on both sides of every seed's β̂: the worst case,
    in which β̂ may be anywhere in its bracket."""
    widened_side: np.ndarray
    """The verdict in the worst case."""


def place(found: Boundary, threshold: np.ndarray) -> Place:
    """Judge the boundary's place by the seeds' interval, with the worst case of the grid beside it.

    Where seeds jump between the same two β the seeds' interval has no width, and its verdict is
    only as good as the convention of β̂; where they differ, the spacing is already part of their
    spread, and the worst case counts it once more. Raises ValueError unless β* > 0.
    """
    interval, theory = against_theory(found, threshold), _log_threshold(found, threshold)
    known = np.isfinite(interval.mean)  # no seed leaves the grid
    low = np.fmin.reduce(found.bracket[..., 0], -1) - theory
    high = np.fmax.reduce(found.bracket[..., 1], -1) - theory
    widened = interval._replace(
        low=np.where(known, np.fmin(interval.low, low), np.nan),
        high=np.where(known, np.fmax(interval.high, high), np.nan),
    )
    return Place(interval, _side(interval, 0.0), widened, _side(widened, 0.0))


def _side(interval: Interval, theory: Any) -> np.ndarray:
    """Return −1 for an interval below a number, +1 above, 0 around it, NaN if there is none."""
    low, high = np.asarray(interval.low), np.asarray(interval.high)
    side = (low > theory) * 1.0 - (high < theory)
    return np.where(np.isfinite(low) & np.isfinite(high) & np.isfinite(theory), side, np.nan)[()]


class Slope(NamedTuple):
    """How fast the boundary falls with the bias: d log β̂/dμ, per unit of μ."""

    interval: Interval
    """Of the seeds' least-squares slopes; no value below two usable μ."""
    theory: float
    """Least-squares slope of log β* over the same μ."""
    used: np.ndarray
    """The μ used, `[mu]` bool: those where β̂ is inside the grid for every seed."""
    resolution: float
    """The most that a slope can be off because β̂ is known only to lie in its bracket: Σ|wᵢ|rᵢ, w
    the least-squares weights, rᵢ the largest distance of log β̂ from its bracket's ends."""
    side: Any = np.nan
    """The seeds' verdict, without the resolution: −1 where the interval lies below the theory's
    slope (steeper, for slopes that fall), +1 above, 0 where it holds it, NaN where there is none.
    It takes β̂ by its convention; see `place` for when that says little."""
    widened: Interval | None = None
    """The interval, widened on both sides by the resolution: the worst case."""
    widened_side: Any = np.nan
    """The verdict in the worst case."""


def boundary_slope(
    found: Boundary, mu: np.ndarray, threshold: np.ndarray, level: float = 0.95
) -> Slope:
    """Effect size of the bias on the boundary, against that of β*(μ).

    Each seed's least-squares slope of log β̂ on μ, Σ wᵢ log β̂ᵢ with wᵢ = (μᵢ − μ̄)/Σ(μᵢ − μ̄)², then
    Student's t over seeds; `mu` and `threshold` (β*) are `[mu]`. The same μ are used for all seeds
    and for β*, so that curvature in μ enters both alike. Raises ValueError unless β* > 0.
    """
    log_threshold, mu = _log_threshold(found, threshold), np.asarray(mu, float)
    used = np.asarray(np.isfinite(found.log_beta).all(-1))
    if used.sum() < 2:
        nothing = t_interval(np.full(found.log_beta.shape[1], np.nan), level=level)
        return Slope(nothing, np.nan, used, np.nan, widened=nothing)
    centred = mu[used] - mu[used].mean()
    weights = centred / (centred**2).sum()
    apart = np.abs(found.bracket - found.log_beta[..., None])[used].max((1, 2))
    interval = t_interval(weights @ found.log_beta[used], level=level)
    theory, resolution = float(weights @ log_threshold[used]), float(np.abs(weights) @ apart)
    low, high = interval.low - resolution, interval.high + resolution
    widened = interval._replace(low=low, high=high)
    return Slope(
        interval=interval,
        theory=theory,
        used=used,
        resolution=resolution,
        side=_side(interval, theory),
        widened=widened,
        widened_side=_side(widened, theory),
    )


def _log_threshold(found: Boundary, threshold: np.ndarray) -> np.ndarray:
    threshold = np.asarray(threshold, float)
    if threshold.shape != found.log_beta.shape[:1] or not np.all(threshold > 0):
        raise ValueError(f"threshold must be one β* > 0 for each mu; got {threshold}")
    return np.log(threshold)


class MostActive(NamedTuple):
    """Counts of models with more than half their latents active: (how many, out of how many)."""

    before: tuple[int, int]
    """Among models with β < β*, where the linear optimum has active latents."""
    beyond: tuple[int, int]
    """Among models with β ≥ β*."""


def most_active(
    active: np.ndarray, beta: np.ndarray, threshold: np.ndarray, latents: int
) -> MostActive:
    """Count models with more than half their latents active, before and beyond β*(μ).

    `active` `[mu, beta, seed]` is the number of active latents (NaN counts as none), `beta`
    `[beta]`, `threshold` β*(μ) `[mu]`, `latents` how many a model has.
    """
    most = 2 * np.asarray(active, float) > latents
    below = np.asarray(beta)[:, None] < np.asarray(threshold)[:, None, None]
    sides = (np.broadcast_to(side, most.shape) for side in (below, ~below))
    return MostActive(*((int(most[side].sum()), int(side.sum())) for side in sides))
