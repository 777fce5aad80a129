"""How well do the columns of a code line up with the factors: R² and matched correlations.

All scores of this package take numpy arrays, truth `[rows, factors]` and code `[rows, latents]`,
and standardise their columns first: no score depends on a column's offset or scale. A column that
is constant to rounding becomes 0 and scores 0, never NaN.
"""

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline

Correlation = Literal["pearson", "spearman"]
Regressor = Any
"""A scikit-learn regressor, unfitted: every fit is on a clone of it."""


def standardised(**arrays: ArrayLike) -> list[np.ndarray]:
    """Check arrays `[rows, columns]` that share their rows; give columns mean 0 and variance 1.

    Whatever numpy reads as an array of real numbers is taken, a DataFrame too. A column constant
    to rounding (of its dtype) becomes exactly 0; any other may have any scale a float can have.
    Raises ValueError naming the array that has masked entries or no real numbers, is not 2-D, has
    fewer rows than columns or holds NaN or infinity, or the pair whose rows differ in number.
    """
    taken = {name: _real(name, array) for name, array in arrays.items()}
    first = next(iter(taken))
    for name, array in taken.items():
        shape = array.shape
        if len(shape) != 2 or not shape[1]:
            raise ValueError(f"{name} must be [rows, columns]; got shape {shape}")
        if shape[0] < max(2, shape[1]):
            raise ValueError(f"{name} needs at least 2 rows and as many as columns; got {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite; got NaN or infinity")
        if shape[0] != len(taken[first]):
            raise ValueError(
                f"{name} must have as many rows as {first}; got {shape[0]} and {len(taken[first])}"
            )
    return [_standardise(array) for array in taken.values()]


def _real(name: str, array: ArrayLike) -> np.ndarray:
    if np.ma.is_masked(array):
        raise ValueError(f"{name} has masked entries; leave out the rows that hold them")
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers; got dtype {array.dtype}")
    return array


def _standardise(x: np.ndarray) -> np.ndarray:
    eps = np.finfo(x.dtype if np.issubdtype(x.dtype, np.floating) else float).eps
    x = x.astype(float)
    # by a power of 2, which is exact: squares of 1e-170 or 1e160 are no floats
    x = np.ldexp(x, -np.frexp(np.abs(x).max(0))[1])
    # the range is exact; a standard deviation would carry the rounding of the mean
    varies = np.ptp(x, axis=0) > 8 * eps * np.abs(x).max(0)
    return np.where(varies, (x - x.mean(0)) / np.where(varies, x.std(0), 1), 0)


def column_r2(
    prediction: np.ndarray, target: np.ndarray, mean: np.ndarray | float = 0.0
) -> np.ndarray:
    """1 − (squared error)/(squared error of `mean`) for each column; 0 where that is nothing.

    Shapes: `[rows, columns]` both, `mean` `[columns]` or one number → `[columns]`.
    """
    error, spread = (np.mean((target - guess) ** 2, axis=0) for guess in (prediction, mean))
    varies = spread > 1e-12
    return np.where(varies, 1 - error / np.where(varies, spread, 1), 0)


def halves(rows: int, seed: int) -> list[np.ndarray]:
    """Row numbers of two random halves, one to fit on and one held out."""
    return np.array_split(np.random.default_rng(seed).permutation(rows), 2)


def fitted(regressor: Regressor, x: np.ndarray, y: np.ndarray) -> Regressor:
    """Fit a clone of `regressor`."""
    model: Regressor = clone(regressor)
    return model.fit(x, y)


def linear_r2(source: ArrayLike, target: ArrayLike) -> float:
    """R² of the least-squares affine map source → target, averaged over target columns.

    Fitted and scored on the same rows: for independent columns its mean is (source columns)/rows,
    not 0. Both directions are asked for by swapping the arguments. A constant target column
    counts as 0, a constant source column explains nothing. Raises ValueError as `standardised`.
    """
    source, target = standardised(source=source, target=target)
    weight = np.linalg.lstsq(source, target, rcond=None)[0]
    return float(column_r2(source @ weight, target).mean())


def smooth_regressor(rows: int) -> Regressor:
    """Return the default probe: ridge on 200 features of a wide RBF kernel, penalty by LOO error.

    For standardised inputs. Wide, exp(−0.02·‖x − x'‖²): nearly linear where the map is linear,
    so that on few rows the probe does not lose to `linear_r2`.
    """
    features = Nystroem(gamma=0.02, n_components=min(200, rows), random_state=0)
    return make_pipeline(features, RidgeCV(np.logspace(-5, 3, 9)))


def probe_r2(
    source: ArrayLike, target: ArrayLike, regressor: Regressor | None = None, seed: int = 0
) -> float:
    """R² of a small nonlinear regressor source → target on held-out rows, mean over columns.

    Fitted on one half of the rows, shuffled by `seed`, and scored on the other against the fitted
    half's mean; below 0 where that mean would predict better. `regressor` takes several targets at
    once; None is `smooth_regressor`. A constant target column counts as 0, a constant source
    column explains nothing. Raises ValueError as `standardised`.
    """
    source, target = standardised(source=source, target=target)
    fit, held = halves(len(source), seed)
    if regressor is None:
        regressor = smooth_regressor(len(fit))
    prediction = fitted(regressor, source[fit], target[fit]).predict(source[held])
    prediction = prediction.reshape(len(held), -1)  # one target may come back flat
    return float(column_r2(prediction, target[held], target[fit].mean(0)).mean())


class Matching(NamedTuple):
    """One-to-one pairs of factors and latents, `[min(factors, latents)]` each, by factor."""

    factor: np.ndarray
    latent: np.ndarray
    correlation: np.ndarray
    """Signed; 0 where a column is constant."""


def match(truth: ArrayLike, code: ArrayLike, correlation: Correlation = "pearson") -> Matching:
    """Assign latents to factors, one to one, so that the sum of |correlation| is largest.

    The Hungarian method. Raises ValueError as `standardised`, or for an unknown `correlation`.
    """
    if correlation not in get_args(Correlation):
        raise ValueError(f"correlation must be one of {get_args(Correlation)}; got {correlation}")
    truth, code = standardised(truth=truth, code=code)
    if correlation == "spearman":
        truth, code = (_standardise(rankdata(a, axis=0)) for a in (truth, code))
    matrix = truth.T @ code / len(truth)
    factor, latent = linear_sum_assignment(np.abs(matrix), maximize=True)
    return Matching(factor, latent, matrix[factor, latent])


def mcc(truth: ArrayLike, code: ArrayLike, correlation: Correlation = "pearson") -> float:
    """Mean correlation coefficient: |correlation| of matched columns, averaged over factors.

    1 for a permutation with any signs and scales; about 0.61 for a random rotation of nine equal
    factors. A factor left without a latent (latents < factors), or constant, counts as 0; spare
    latents are ignored. Raises as `match`. Source: Hyvärinen & Morioka 2016, "Unsupervised
    Feature Extraction by Time-Contrastive Learning and Nonlinear ICA"; Khemakhem et al. 2020.
    """
    return float(np.abs(match(truth, code, correlation).correlation).sum() / np.shape(truth)[1])
