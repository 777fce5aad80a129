"""Which way do a score's level sets run over the grid: models of it, compared on held-out cells.

A score in μ alone has horizontal level sets, one in β alone vertical ones; "diagonal" is neither,
and the theory says which diagonal: log β − log β*(μ). Its rival is any straight one,
log β − a·μ. numpy, SciPy and scikit-learn.
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
from sklearn.metrics import r2_score

from biasvae_jax.statistics.intervals import Interval, paired_interval, t_interval
from biasvae_jax.statistics.surfaces import ADDITIVE as ADDITIVE  # their names of old
from biasvae_jax.statistics.surfaces import BETA as BETA
from biasvae_jax.statistics.surfaces import MODELS, Cells, fitted_slope, predict
from biasvae_jax.statistics.surfaces import MU as MU
from biasvae_jax.statistics.surfaces import SLOPE as SLOPE
from biasvae_jax.statistics.surfaces import THEORY as THEORY

HoldOut = Literal["seed", "mu"]


class ModelComparison(NamedTuple):
    """Held-out R² of each model of a score, in the order of `names`."""

    names: tuple[str, ...]
    r2: np.ndarray
    """`[model, seed]`, over the held-out cells of that seed; NaN where they do not vary."""
    intervals: Interval
    """Student's interval for R² over seeds, `[model]`."""
    best: int
    """The model of the largest mean R²."""
    behind: Interval
    """Paired interval for R² minus the best model's, `[model]`; 0 for the best itself."""
    saturated: Interval
    """R² of each held-out cell's mean over the other seeds, a level for every cell: about the most
    there is to explain (a right model passes it a little, having fewer levels to err in)."""
    slope: np.ndarray
    """a of log β − a·μ fitted to all cells of a seed, per unit of μ, `[seed]`; d log β/dμ along the
    level sets, to be read beside d log β*/dμ."""
    without_log: int = 0
    """How many β were left out because they are 0, where log β is undefined."""


def compare_models(
    score: np.ndarray,
    mu: np.ndarray,
    beta: np.ndarray,
    threshold: np.ndarray,
    hold_out: HoldOut = "seed",
    level: float = 0.95,
) -> ModelComparison:
    """Compare five models of a score by R² on cells that none of them has seen.

    `score` `[mu, beta, seed]`, `mu` `[mu]`, `beta` `[beta]`, `threshold` β*(μ) `[mu]`. The models,
    all fitted by least squares: a level for each μ; a level for each β; their sum; and a cubic
    spline in log β − log β* with knots at quantiles of its distinct values, at most 9 and two fewer
    than the longer axis has levels (but 2), so that it has no more coefficients than the larger of
    the first two. The fifth is the same spline in log β − a·μ, with one slope a fitted to the cells
    seen (`surfaces.fitted_slope`): the rival to which the theory must be superior if it is to say
    more than that there is a diagonal. Levels are joined by straight lines, which predict what lies
    between them. Columns of β = 0 are left out and counted, since log β is undefined there.

    `hold_out="seed"`: each seed is predicted from the others. Seeds share the whole grid, so this
    measures what is more than noise, not prediction of new cells, and its R² are not quite
    independent, since any two fits share seeds. `hold_out="mu"` is the sharper test: within each
    seed by itself, every μ but the smallest and the largest is predicted from the other rows; the
    first and third model interpolate, the fourth has nothing but β*(μ) for that row and the fifth
    nothing but a line through the others.

    R² is 1 − Σ(score − predicted)²/Σ(score − its mean)² over a seed's held-out cells, the same for
    all models; cells that are not finite are left out of fit and test.

    With one seed nothing can be held out by seed, and R² is NaN. Raises ValueError if shapes
    disagree, there are fewer than two μ (three to hold out one) or two β > 0, a β is below 0 or β*
    is not > 0.
    """
    score = np.asarray(score, float)
    mu, beta, threshold = (np.asarray(a, float) for a in (mu, beta, threshold))
    _check(score, mu, beta, threshold, hold_out)
    positive = beta > 0
    score, log_beta = score[:, positive], np.log(beta[positive])
    places = np.broadcast_arrays(mu[:, None], log_beta, log_beta - np.log(threshold)[:, None])
    flat = score.reshape(-1, score.shape[-1]).T  # [seed, cells]
    at_mu, at_beta, distance = (place.ravel() for place in places)
    seeds = [Cells(at_mu, at_beta, distance, values) for values in flat]
    if hold_out == "seed":
        predicted = np.stack([_predict_seed(seeds, s) for s in range(len(seeds))])
    else:
        predicted = np.stack([_predict_rows(cells) for cells in seeds])
    others = _mean_of_others(flat)
    tested = np.isfinite(flat) & np.isfinite(predicted).all(1)
    r2 = np.stack([_r2(flat, predicted[:, k], tested) for k in range(len(MODELS))])
    intervals = t_interval(r2, level=level)
    best = int(np.argmax(np.where(np.isnan(intervals.mean), -np.inf, intervals.mean)))
    behind = paired_interval(r2, np.broadcast_to(r2[best], r2.shape), level=level)
    saturated = t_interval(_r2(flat, others, tested & np.isfinite(others)), level=level)
    slope = np.array([fitted_slope(cells) for cells in seeds])
    slope[~np.isfinite(flat).any(1)] = np.nan
    return ModelComparison(
        MODELS, r2, intervals, best, behind, saturated, slope, int((~positive).sum())
    )


def _predict_seed(seeds: list[Cells], held: int) -> np.ndarray:
    """Predict all cells of a seed from the other seeds, `[model, cells]`."""
    nothing = seeds[held].at(np.zeros(0, int))  # all that one seed alone leaves
    others = [nothing, *seeds[:held], *seeds[held + 1 :]]
    seen = Cells(*(np.concatenate(fields) for fields in zip(*others, strict=True)))
    return predict(seen, seeds[held])


def _predict_rows(cells: Cells) -> np.ndarray:
    """Predict every inner row of a seed from its other rows, `[model, cells]`; NaN elsewhere."""
    predicted = np.full((len(MODELS), len(cells.mu)), np.nan)
    for value in np.unique(cells.mu)[1:-1]:
        row = cells.mu == value
        predicted[:, row] = predict(cells.at(~row), cells.at(row))
    return predicted


def _mean_of_others(flat: np.ndarray) -> np.ndarray:
    """Mean of each cell over the other seeds, `[seed, cells]`; NaN where there is none."""
    known = np.isfinite(flat)
    kept = np.where(known, flat, 0)
    count = known.sum(0) - known
    return np.where(count > 0, (kept.sum(0) - kept) / np.maximum(count, 1), np.nan)


def _r2(truth: np.ndarray, predicted: np.ndarray, where: np.ndarray) -> np.ndarray:
    """R² of each seed over its cells `where`, `[seed]`; NaN where they do not vary."""
    both = [(t[w], p[w]) for t, p, w in zip(truth, predicted, where, strict=True)]
    varies = [len(t) > 1 and np.ptp(t) > 0 for t, _ in both]
    return np.array([r2_score(*b) if v else np.nan for b, v in zip(both, varies, strict=True)])


def _check(
    score: np.ndarray, mu: np.ndarray, beta: np.ndarray, threshold: np.ndarray, hold_out: str
) -> None:
    if hold_out not in get_args(HoldOut):
        raise ValueError(f"hold_out must be seed or mu; got {hold_out}")
    if score.ndim != 3 or score.shape[:2] != (mu.size, beta.size) or threshold.shape != mu.shape:
        raise ValueError(
            f"score must be [mu, beta, seed] and threshold [mu], for {mu.size} mu and "
            f"{beta.size} beta; got the shapes {score.shape} and {threshold.shape}"
        )
    least = 3 if hold_out == "mu" else 2
    for name, values, fewest in (("mu", mu, least), ("beta > 0", beta[beta > 0], 2)):
        if len(np.unique(values)) < fewest:
            raise ValueError(f"{name} must hold {fewest} values or more; got {values}")
    if not np.all(beta >= 0):
        raise ValueError(f"beta must be ≥ 0; got {beta}")
    if not np.all(threshold > 0):
        raise ValueError(f"threshold must be > 0, for its logarithm; got {threshold}")
