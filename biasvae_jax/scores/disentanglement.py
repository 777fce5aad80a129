"""Does each latent hold one factor, and each factor sit in one latent: DCI, MIG and SAP.

On arrays as in `alignment`: truth `[rows, factors]`, code `[rows, latents]`, standardised first;
a constant column scores 0, never NaN. The definitions of the papers, for continuous factors;
`discrete` has those for labels.
"""

import warnings
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr
from scipy.stats import rankdata
from sklearn.base import is_classifier
from sklearn.ensemble import GradientBoostingRegressor

from biasvae_jax.scores.alignment import Regressor, column_r2, fitted, halves, standardised

Edges = Literal["width", "quantile"]
BOOSTED_TREES = GradientBoostingRegressor(n_estimators=30, learning_rate=0.2, random_state=0)


class DCI(NamedTuple):
    """The three scores of Eastwood & Williams; 1 is perfect."""

    disentanglement: float
    """Each latent is important for one factor alone."""
    completeness: float
    """Each factor needs one latent alone."""
    informativeness: float
    """R² on held-out rows, mean over factors; below 0 where the mean would predict better."""


def dci(
    truth: ArrayLike,
    code: ArrayLike,
    regressor: Regressor = BOOSTED_TREES,
    seed: int = 0,
) -> DCI:
    """Disentanglement, completeness and informativeness of a code, from a regressor's importances.

    A clone of `regressor` is fitted for each factor on one half of the rows (shuffled by `seed`);
    R `[latents, factors]` are its `feature_importances_`, or |`coef_`|, a list or one row.
    With H an entropy divided by its maximum,
    disentanglement = Σᵢ ρᵢ (1 − H(Rᵢ·/ΣⱼRᵢⱼ)), ρᵢ = ΣⱼRᵢⱼ/ΣR;
    completeness = meanⱼ (1 − H(R·ⱼ/ΣᵢRᵢⱼ)); informativeness = R² on the other half, where the
    paper has a normalised error. A constant latent weighs 0, a constant factor counts as 0 in
    completeness and informativeness. Raises ValueError as `standardised`, and if `regressor` has
    not one importance for each latent. Source: Eastwood & Williams 2018, "A Framework for the
    Quantitative Evaluation of Disentangled Representations".
    """
    truth, code = standardised(truth=truth, code=code)
    fit, held = halves(len(truth), seed)
    models = [fitted(regressor, code[fit], factor) for factor in truth[fit].T]
    importance = np.stack([importances(model, code.shape[1]) for model in models], axis=1)
    prediction = np.stack([model.predict(code[held]).reshape(-1) for model in models], axis=1)
    informativeness = column_r2(prediction, truth[held], truth[fit].mean(0)).mean()
    return concentrations(importance, float(informativeness))


def concentrations(importance: np.ndarray, informativeness: float) -> DCI:
    """Return the three scores of importances `[latents, factors]`."""
    weight = importance.sum(1) / (importance.sum() or 1)
    return DCI(
        disentanglement=float(weight @ _concentration(importance)),
        completeness=float(_concentration(importance.T).mean()),
        informativeness=informativeness,
    )


def importances(model: Regressor, latents: int) -> np.ndarray:
    """Return the importance of each latent for a fitted model, `[latents]`; raises as `dci`."""
    for name in ("feature_importances_", "coef_"):
        if hasattr(model, name):
            stored = np.asarray(getattr(model, name))
            importance = np.abs(np.atleast_2d(stored)).sum(0)  # over classes, if there are some
            if importance.size != latents:
                raise ValueError(
                    f"{_called(model)} must give one importance for each of the {latents} latents; "
                    f"{name} has the shape {stored.shape}"
                )
            return importance
    raise ValueError(f"{_called(model)} must have feature_importances_ or coef_; got {model}")


def _called(model: Regressor) -> str:
    return "classifier" if is_classifier(model) else "regressor"


def _concentration(importance: np.ndarray) -> np.ndarray:
    """1 − entropy of each row as shares, over the largest possible; 0 for a row of zeros."""
    total = importance.sum(1, keepdims=True)
    entropy = entr(importance / np.where(total > 0, total, 1)).sum(1)
    return np.where(total[:, 0] > 0, 1 - entropy / np.log(max(2, importance.shape[1])), 0)


def mig(truth: ArrayLike, code: ArrayLike, bins: int = 20, edges: Edges = "width") -> float:
    """Mutual information gap: how far a factor's best latent is ahead of the second best.

    meanⱼ (I(vⱼ; c₍₁₎) − I(vⱼ; c₍₂₎)) / H(vⱼ), latents in descending order of I, from histograms of
    `bins` bins a column; no second latent counts as I = 0. H is that of the binned factor, so that
    a perfect code scores 1 also where a factor has more values than bins; values that share a bin
    count as one. Each plug-in I is about (bins − 1)²/(2·rows) nats too high, which the gap mostly
    cancels unless the best is exact. A constant factor counts as 0.

    `edges` "width", the default, has bins of equal width between a column's extremes, as published
    values have. A few outliers then push all other rows into few bins, so a column of which the
    middle 98 % span less than a fifth of the range gives a warning; "quantile" has bins of equal
    count, which depend on order alone. A column and its negative are binned alike. Raises
    ValueError as `standardised`, for bins < 2, or for unknown `edges`. Source: Chen et al. 2018,
    "Isolating Sources of Disentanglement in VAEs".
    """
    if bins < 2:
        raise ValueError(f"bins must be at least 2; got {bins}")
    if edges not in get_args(Edges):
        raise ValueError(f"edges must be one of {get_args(Edges)}; got {edges}")
    columns = dict(zip(("truth", "code"), standardised(truth=truth, code=code), strict=True))
    if edges == "width":
        for name, x in columns.items():
            warn_of_outliers(name, x)
    binned_truth, binned_code = (binned(x, bins, edges) for x in columns.values())
    return information_gap(binned_truth, binned_code, bins)


def information_gap(truth: np.ndarray, code: np.ndarray, bins: int) -> float:
    """Return the gap of labels `[rows, factors]` and code `[rows, latents]`, in bins from 0."""
    joint = [[_entropy(factor * bins + latent) for latent in code.T] for factor in truth.T]
    entropy = np.array([_entropy(factor) for factor in truth.T])
    information = entropy[:, None] + [_entropy(latent) for latent in code.T]
    information = information - np.array(joint)
    return float(np.mean(gap(information) / np.where(entropy > 0, entropy, 1)))


def warn_of_outliers(name: str, x: np.ndarray) -> None:
    """Warn of a column of which most rows share few bins of equal width."""
    low, high = np.quantile(x, [0.01, 0.99], axis=0)
    squeezed = (high > low) & (high - low < 0.2 * np.ptp(x, axis=0))
    if squeezed.any():
        warnings.warn(
            f"{name} column {squeezed.argmax()}: outliers stretch mig's bins of equal width until "
            'most rows share a few; remove them, or pass edges="quantile"',
            stacklevel=3,
        )


def binned(x: np.ndarray, bins: int, edges: Edges) -> np.ndarray:
    """Return bin numbers, 0 to bins − 1; 0 in a constant column."""
    if edges == "width":
        width = np.ptp(x, axis=0)
        place = (x - x.min(0)) / np.where(width > 0, width, 1) * bins
    else:
        place = np.where(np.ptp(x, axis=0) > 0, (rankdata(x, axis=0) - 0.5) / len(x) * bins, 0)
    # what lies on an edge goes by neither rounding nor the column's sign
    place = np.round(place, 5)
    mostly_high = (place > bins / 2).sum(0) > (place < bins / 2).sum(0)
    place = np.where(mostly_high, bins - place, place)
    return np.minimum(place, bins - 1).astype(int)


def _entropy(labels: np.ndarray) -> float:
    """Plug-in entropy of small non-negative integers, nats."""
    return float(entr(np.bincount(labels) / len(labels)).sum())


def gap(scores: np.ndarray) -> np.ndarray:
    """Return the largest minus the second largest of each row; of one entry, that itself."""
    first, second, *_ = (*np.sort(scores, axis=1).T[::-1], np.zeros(len(scores)))
    return first - second


def sap(truth: ArrayLike, code: ArrayLike) -> float:
    """Separated attribute predictability: R² of the best latent alone minus that of the second.

    meanⱼ (S₍₁₎ⱼ − S₍₂₎ⱼ), Sᵢⱼ = R² of a line cᵢ → vⱼ = their squared correlation, on all rows; no
    second latent counts as S = 0. A constant column has S = 0. Raises ValueError as
    `standardised`. Source: Kumar, Sattigeri & Balakrishnan 2018, "Variational Inference of
    Disentangled Latent Concepts from Unlabeled Observations".
    """
    truth, code = standardised(truth=truth, code=code)
    return float(gap((truth.T @ code / len(truth)) ** 2).mean())
