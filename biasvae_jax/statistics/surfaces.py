"""Models of a score over the grid, fitted to cells seen. numpy, SciPy and scikit-learn."""

from typing import Any, NamedTuple

import numpy as np
from scipy.interpolate import BSpline
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import SplineTransformer

MU, BETA, ADDITIVE, THEORY = "μ alone", "log β alone", "additive", "log β − log β*"
SLOPE = "log β − a·μ"
MODELS = (MU, BETA, ADDITIVE, THEORY, SLOPE)
MOST_KNOTS = 9
STEEPEST = 2  # a, in units of the range of log β over that of μ, which joins the grid's corners
TRIED = 25  # slopes, before the best is refined


class Cells(NamedTuple):
    """Cells laid out flat: three coordinates and the score, each `[cells]`."""

    mu: np.ndarray
    log_beta: np.ndarray
    distance: np.ndarray
    """log β − log β*."""
    score: np.ndarray

    def at(self, where: np.ndarray) -> "Cells":
        """Select cells, as an array is indexed."""
        return Cells(*(field[where] for field in self))


def predict(seen: Cells, unseen: Cells) -> np.ndarray:
    """Fit each model on `seen` and predict `unseen`, `[model, cells]`; NaN if nothing was seen."""
    seen = seen.at(np.isfinite(seen.score))
    if not len(seen.score):
        return np.full((len(MODELS), len(unseen.score)), np.nan)
    slope = fitted_slope(seen)

    def fitted(model: str) -> np.ndarray:
        known, asked = (_features(model, seen, cells, slope) for cells in (seen, unseen))
        return LinearRegression().fit(known, seen.score).predict(asked)

    return np.stack([fitted(model) for model in MODELS])


def fitted_slope(seen: Cells) -> float:
    """Find the a of the spline in log β − a·μ that fits the cells best, by least squares.

    Between ± twice (range of log β)/(range of μ): beyond, level sets would be horizontal but for a
    tilt. The squares can have several minima, so they are compared at 25 slopes, and the best is
    refined between its neighbours. 0 where the cells have one μ or none that is finite.
    """
    seen = seen.at(np.isfinite(seen.score))
    if len(np.unique(seen.mu)) < 2:
        return 0.0

    most_knots = _most_knots(seen)

    def misfit(slope: float) -> float:
        along = seen.log_beta - slope * seen.mu
        knots = _quantiles(along, most_knots)
        # the space of `_spline`'s functions, in a basis that is quicker to lay out
        basis = BSpline.design_matrix(along.clip(knots[0], knots[-1]), np.pad(knots, 3, "edge"), 3)
        features = basis.toarray()
        found = np.linalg.lstsq(features, seen.score, rcond=None)[0]
        return float(((features @ found - seen.score) ** 2).sum())

    most = STEEPEST * np.ptp(seen.log_beta) / np.ptp(seen.mu)
    tried = np.linspace(-most, most, TRIED)
    misfits = [misfit(slope) for slope in tried]
    best = int(np.argmin(misfits))
    between = tried[max(best - 1, 0)], tried[min(best + 1, TRIED - 1)]
    refined = minimize_scalar(misfit, bounds=between, method="bounded", options={"maxiter": 12})
    return float(refined.x if refined.fun < misfits[best] else tried[best])


def _features(model: str, seen: Cells, cells: Cells, slope: float) -> np.ndarray:
    """Lay out a model's regressors `[cells, coefficients]`, its knots set by the cells seen."""
    if model in (THEORY, SLOPE):
        along, known = (
            each.distance if model == THEORY else each.log_beta - slope * each.mu
            for each in (cells, seen)
        )
        return _spline(along, _quantiles(known, _most_knots(seen)), degree=3)
    rows, columns = np.unique(seen.mu), np.unique(seen.log_beta)
    by_row, by_column = _spline(cells.mu, rows), _spline(cells.log_beta, columns)
    return {MU: by_row, BETA: by_column, ADDITIVE: np.hstack([by_row, by_column])}[model]


def _most_knots(seen: Cells) -> int:
    return min(MOST_KNOTS, max(len(np.unique(seen.mu)), len(np.unique(seen.log_beta))) - 2)


def _quantiles(along: np.ndarray, most: int) -> np.ndarray:
    """Return knots at quantiles of the distinct values, two at least."""
    # rounded, since log β − log β* of two cells may differ by rounding alone
    distinct = np.unique(along.round(9))
    return np.quantile(distinct, np.linspace(0, 1, max(2, min(most, len(distinct)))))


def _spline(values: np.ndarray, knots: np.ndarray, degree: int = 1) -> np.ndarray:
    """Evaluate B-splines, constant outside the knots; of degree 1, one level for each knot."""
    if knots[0] == knots[-1]:
        return np.ones((len(values), 1))
    column: Any = knots[:, None]  # its annotation knows only the names of rules
    basis = SplineTransformer(degree=degree, knots=column, extrapolation="constant")
    return basis.fit(column).transform(values[:, None])
