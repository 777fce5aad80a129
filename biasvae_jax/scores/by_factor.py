"""What a linear head finds of each factor, by its kind: R², or accuracy and AUROC."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from biasvae_jax.factors import MOST_CLASSES, Factor
from biasvae_jax.scores.alignment import column_r2, standardised
from biasvae_jax.scores.discrete import balanced_accuracy, class_halves, classes

MEASURES = {
    "continuous": "R²",
    "binary": "balanced accuracy",
    "categorical": "balanced accuracy",
}
"""What `FactorScores.recovery` is of each kind of factor."""
NONE_VARIES = "no such factor varies in the test set"


class FactorScores(NamedTuple):
    """Of each factor, `[factors]`; NaN where it has no meaning: the factor does not vary."""

    recovery: np.ndarray
    """R² of a continuous factor, balanced accuracy of another."""
    auroc: np.ndarray
    """Of binary factors alone."""


def factor_scores(
    truth: ArrayLike, code: ArrayLike, kinds: Sequence[str], seed: int = 0
) -> FactorScores:
    """Score what linear heads code → factor find of each factor; `kinds` as `Factor.kind`.

    Continuous: R² of least squares, fitted and scored on all rows; (latents)/rows for nothing.
    Else: a logistic head (multinomial for more than two classes; scikit-learn's, C = 1, on the
    standardised code), fitted on one half of the rows and scored on the other (`class_halves`).
    Its accuracy is balanced, the mean over classes of the share predicted right, and so is its fit,
    in which each class weighs the same: where 4 % of the rows have an attribute, a head that never
    finds it is right in 96 %, and has 1/2 here, as chance has (1/K for K classes). AUROC is the
    probability that the head ranks a row of each class right; it asks for no threshold.

    truth `[rows, factors]`, code `[rows, latents]`. Raises ValueError as `standardised`.
    """
    truth = np.asarray(truth)
    scaled, code = standardised(truth=truth, code=code)
    weight = np.linalg.lstsq(code, scaled, rcond=None)[0]
    r2 = np.where(scaled.any(0), column_r2(code @ weight, scaled), np.nan)
    found = FactorScores(r2, np.full(len(kinds), np.nan))
    for j, kind in enumerate(kinds):
        if kind != "continuous":
            accuracy, auroc = _logistic(truth[:, j], code, seed)
            found.recovery[j] = accuracy
            found.auroc[j] = auroc if kind == "binary" else np.nan
    return found


def _logistic(factor: np.ndarray, code: np.ndarray, seed: int) -> tuple[float, float]:
    """Return balanced accuracy and, of two classes, AUROC on held-out rows; else NaN."""
    labels = np.unique(factor, return_inverse=True)[1]
    if not 2 <= classes(labels) <= MOST_CLASSES:
        return np.nan, np.nan
    fit, held = class_halves(labels, seed)
    head = LogisticRegression(class_weight="balanced", max_iter=1_000)
    head.fit(code[fit], labels[fit])
    accuracy = balanced_accuracy(np.asarray(head.predict(code[held])), labels[held])
    if len(head.classes_) > 2:
        return accuracy, np.nan
    ranked = head.decision_function(code[held])
    return accuracy, float(roc_auc_score(labels[held] == head.classes_[1], ranked))


def summaries(found: FactorScores, kinds: Sequence[str]) -> list[float | str]:
    """Return mean accuracy (binary and categorical factors), mean AUROC and mean R².

    Over the factors that vary; a text in place of a mean where none does.
    """
    continuous = np.array([kind == "continuous" for kind in kinds])
    parts = found.recovery[~continuous], found.auroc, found.recovery[continuous]
    return [float(np.nanmean(part)) if np.isfinite(part).any() else NONE_VARIES for part in parts]


def chance(truth: np.ndarray, kinds: Sequence[str]) -> np.ndarray:
    """Return what `FactorScores.recovery` is where nothing is found, `[factors]`.

    0 for R², 1/K for K classes; NaN for a factor that does not vary.
    """
    found = np.zeros(len(kinds))
    for j, kind in enumerate(kinds):
        counts = np.unique(truth[:, j], return_counts=True)[1]
        if kind != "continuous":
            number = (counts > 1).sum()
            found[j] = 1 / number if 2 <= number <= MOST_CLASSES else np.nan
        elif len(counts) < 2:
            found[j] = np.nan
    return found


def attributes(factors: Sequence[Factor], truth: np.ndarray) -> Mapping[str, Mapping[str, Any]]:
    """Return what the files say of the dimension `factor` and of each variable.

    Names, kinds and measures as JSON lists, one entry a factor; chance levels as numbers.
    """
    kinds = [factor.kind for factor in factors]
    of_each = chance(truth, kinds)
    guessed = of_each[of_each > 0]
    return {
        "factor": {
            "long_name": "ground-truth factor",
            "units": "1",
            "names": _listed(factor.name for factor in factors),
            "kinds": _listed(kinds),
        },
        "factor_recovery": {
            "measures": _listed(MEASURES.get(kind, kind) for kind in kinds),
            "chance": of_each,
        },
        "factor_auroc": {"chance": 0.5},
        "recovery_accuracy": {"chance": float(guessed.mean()) if guessed.size else np.nan},
        "recovery_auroc": {"chance": 0.5},
        "factor_r2": {"chance": 0.0},
    }


def _listed(texts: Any) -> str:
    return json.dumps(list(texts), ensure_ascii=False)
