"""Does each latent hold one factor, and each factor sit in one latent: DCI, MIG and SAP.

On arrays as in `alignment`: truth `[rows, factors]`, code `[rows, latents]`, standardised first;
a constant column scores 0, never NaN. The definitions of the papers, for continuous factors.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import entr
from sklearn.ensemble import GradientBoostingRegressor

from biasvae_jax.scores.alignment import Regressor, column_r2, fitted, halves, standardised

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
    truth: np.ndarray,
    code: np.ndarray,
    regressor: Regressor = BOOSTED_TREES,
    seed: int = 0,
) -> DCI:
    """Disentanglement, completeness and informativeness of a code, from a regressor's importances.

    A clone of `regressor` is fitted for each factor on one half of the rows (shuffled by `seed`);
    R `[latents, factors]` are its `feature_importances_`, or |`coef_`|. With H an entropy divided
    by its maximum,
    disentanglement = Σᵢ ρᵢ (1 − H(Rᵢ·/ΣⱼRᵢⱼ)), ρᵢ = ΣⱼRᵢⱼ/ΣR;
    completeness = meanⱼ (1 − H(R·ⱼ/ΣᵢRᵢⱼ)); informativeness = R² on the other half, where the
    paper has a normalised error. A constant latent weighs 0, a constant factor counts as 0 in
    completeness and informativeness. Raises ValueError as `standardised`, and if `regressor` has
    no importances. Source: Eastwood & Williams 2018, "A Framework for the Quantitative Evaluation
    of Disentangled Representations".
    """
    truth, code = standardised(truth=truth, code=code)
    fit, held = halves(len(truth), seed)
    models = [fitted(regressor, code[fit], factor) for factor in truth[fit].T]
    importance = np.stack([_importance(model) for model in models], axis=1)
    prediction = np.stack([model.predict(code[held]) for model in models], axis=1)
    weight = importance.sum(1) / (importance.sum() or 1)
    return DCI(
        disentanglement=float(weight @ _concentration(importance)),
        completeness=float(_concentration(importance.T).mean()),
        informativeness=float(column_r2(prediction, truth[held], truth[fit].mean(0)).mean()),
    )


def _importance(model: Regressor) -> np.ndarray:
    for name in ("feature_importances_", "coef_"):
        if hasattr(model, name):
            return np.abs(getattr(model, name))
    raise ValueError(f"regressor must have feature_importances_ or coef_; got {model}")


def _concentration(importance: np.ndarray) -> np.ndarray:
    """1 − entropy of each row as shares, over the largest possible; 0 for a row of zeros."""
    total = importance.sum(1, keepdims=True)
    entropy = entr(importance / np.where(total > 0, total, 1)).sum(1)
    return np.where(total[:, 0] > 0, 1 - entropy / np.log(max(2, importance.shape[1])), 0)


def mig(truth: np.ndarray, code: np.ndarray, bins: int = 20) -> float:
    """Mutual information gap: how far a factor's best latent is ahead of the second best.

    meanⱼ (I(vⱼ; c₍₁₎) − I(vⱼ; c₍₂₎)) / H(vⱼ), latents in descending order of I, from histograms of
    `bins` bins of equal width between each column's extremes; no second latent counts as I = 0.
    Each plug-in I is about (bins − 1)²/(2·rows) nats too high, which the gap mostly cancels unless
    the best is exact. A constant factor counts as 0. Raises ValueError as `standardised`, or for
    bins < 2. Source: Chen et al. 2018, "Isolating Sources of Disentanglement in VAEs".
    """
    if bins < 2:
        raise ValueError(f"bins must be at least 2; got {bins}")
    truth, code = (_binned(a, bins) for a in standardised(truth=truth, code=code))
    joint = [[_entropy(factor * bins + latent) for latent in code.T] for factor in truth.T]
    entropy = np.array([_entropy(factor) for factor in truth.T])
    information = entropy[:, None] + [_entropy(latent) for latent in code.T] - np.array(joint)
    return float(np.mean(_gap(information) / np.where(entropy > 0, entropy, 1)))


def _binned(x: np.ndarray, bins: int) -> np.ndarray:
    """Bin numbers, 0 to bins − 1, by equal width; 0 in a constant column."""
    low, width = x.min(0), np.ptp(x, axis=0)
    return np.minimum((x - low) / np.where(width > 0, width, 1) * bins, bins - 1).astype(int)


def _entropy(labels: np.ndarray) -> float:
    """Plug-in entropy of small non-negative integers, nats."""
    return float(entr(np.bincount(labels) / len(labels)).sum())


def _gap(scores: np.ndarray) -> np.ndarray:
    """Largest minus second largest of each row; the largest itself where a row has one entry."""
    first, second, *_ = (*np.sort(scores, axis=1).T[::-1], np.zeros(len(scores)))
    return first - second


def sap(truth: np.ndarray, code: np.ndarray) -> float:
    """Separated attribute predictability: R² of the best latent alone minus that of the second.

    meanⱼ (S₍₁₎ⱼ − S₍₂₎ⱼ), Sᵢⱼ = R² of a line cᵢ → vⱼ = their squared correlation, on all rows; no
    second latent counts as S = 0. A constant column has S = 0. Raises ValueError as
    `standardised`. Source: Kumar, Sattigeri & Balakrishnan 2018, "Variational Inference of
    Disentangled Latent Concepts from Unlabeled Observations".
    """
    truth, code = standardised(truth=truth, code=code)
    return float(_gap((truth.T @ code / len(truth)) ** 2).mean())
