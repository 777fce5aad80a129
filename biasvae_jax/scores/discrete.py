"""DCI, MIG and SAP of factors that are labels: the definitions of the papers for discrete factors.

Truth `[rows, factors]` holds any numbers, of which equal ones are one label; their order and their
distance do not count. Code `[rows, latents]` is standardised. Classifiers are fitted on one half of
the rows and scored on the other, with each class halved alike (`class_halves`); a class of one row
is in neither. A constant factor counts as 0.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.svm import LinearSVC

from biasvae_jax.factors import MOST_CLASSES
from biasvae_jax.scores.alignment import fitted, standardised
from biasvae_jax.scores.disentanglement import (
    DCI,
    binned,
    concentrations,
    gap,
    importances,
    information_gap,
    warn_of_outliers,
)

Classifier = Any
"""A scikit-learn classifier, unfitted: every fit is on a clone of it."""
BOOSTED_CLASSIFIER = GradientBoostingClassifier(random_state=0)
LINEAR_SVM = LinearSVC(C=0.01, class_weight="balanced", dual="auto")


def labelled(truth: ArrayLike, code: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Number each factor's values from 0, `[rows, factors]`, and standardise the code.

    Raises ValueError as `alignment.standardised`, or for more than 100 labels.
    """
    _, code = standardised(truth=truth, code=code)
    columns = np.asarray(truth).T
    labels = np.stack([np.unique(a, return_inverse=True)[1] for a in columns], axis=1)
    most = labels.max(0)
    if most.max() >= MOST_CLASSES:
        raise ValueError(
            f"truth column {most.argmax()} has {most.max() + 1} values, over the {MOST_CLASSES} "
            "that labels may have; a continuous factor has other scores"
        )
    return labels, code


def class_halves(labels: np.ndarray, seed: int) -> list[np.ndarray]:
    """Row numbers of two random halves, one to fit on and one held out, with every class in both.

    Of `labels` `[rows]`, 0, 1, …; a class of one row is in neither half.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    order = order[np.bincount(labels)[labels[order]] > 1]
    return [order[::2], order[1::2]]


def classes(labels: np.ndarray) -> int:
    """Count the classes of two rows or more; a factor of one, or none, does not vary."""
    return int((np.bincount(labels) > 1).sum())


def balanced_accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of each class that is predicted right, mean over classes; both `[rows]`."""
    right = predicted == labels
    return float(np.mean([right[labels == each].mean() for each in np.unique(labels)]))


def mig_discrete(truth: ArrayLike, code: ArrayLike, bins: int = 20) -> float:
    """Mutual information gap of labels, meanⱼ (I(vⱼ; c₍₁₎) − I(vⱼ; c₍₂₎)) / H(vⱼ).

    As `disentanglement.mig`, but a factor's values are themselves and share no bin; the code has
    `bins` bins of equal width. Each plug-in I is about (labels − 1)(bins − 1)/(2·rows) nats too
    high. 1 is perfect, 0 a code that knows nothing or two latents that know as much. Raises
    ValueError as `standardised`, or for bins < 2. Source: Chen et al. 2018, "Isolating Sources of
    Disentanglement in VAEs"; the histogram is that of Locatello et al. 2019, "Challenging Common
    Assumptions in the Unsupervised Learning of Disentangled Representations".
    """
    if bins < 2:
        raise ValueError(f"bins must be at least 2; got {bins}")
    labels, code = labelled(truth, code)
    warn_of_outliers("code", code)
    return information_gap(labels, binned(code, bins, "width"), bins)


def sap_discrete(
    truth: ArrayLike, code: ArrayLike, classifier: Classifier = LINEAR_SVM, seed: int = 0
) -> float:
    """Separated attribute predictability of labels: a gap of accuracies from single latents.

    meanⱼ (S₍₁₎ⱼ − S₍₂₎ⱼ), Sᵢⱼ the balanced accuracy, on held-out rows, of a classifier cᵢ → vⱼ.
    One that knows nothing has 1/K of K classes, so a perfect code scores 1 − 1/K, not 1; no second
    latent counts as such. The default classifier, a linear SVM with balanced classes, is that of
    published values; one against the rest cannot find a class between two others, so that even a
    perfect latent of three or more ordered classes stays below 1. A `DecisionTreeClassifier` with
    K leaves has Kumar et al.'s thresholds. Raises ValueError as `standardised`. Sources: Kumar,
    Sattigeri & Balakrishnan 2018, "Variational Inference of Disentangled Latent Concepts from
    Unlabeled Observations"; Locatello et al. 2019 (the SVM, C = 0.01, and accuracy: the same where
    the classes are equally often).
    """
    labels, code = labelled(truth, code)
    code = code if code.shape[1] > 1 else np.hstack([code, np.zeros_like(code)])

    def accuracies(factor: np.ndarray) -> list[float]:
        if classes(factor) < 2:
            return [0.0] * code.shape[1]
        fit, held = class_halves(factor, seed)
        found = []
        for latent in code.T:
            model = fitted(classifier, latent[fit, None], factor[fit])
            predicted = model.predict(latent[held, None])
            found.append(balanced_accuracy(predicted, factor[held]))
        return found

    return float(gap(np.array([accuracies(factor) for factor in labels.T])).mean())


def dci_discrete(
    truth: ArrayLike,
    code: ArrayLike,
    classifier: Classifier = BOOSTED_CLASSIFIER,
    seed: int = 0,
) -> DCI:
    """Disentanglement, completeness and informativeness of labels, from a classifier's importances.

    As `disentanglement.dci` with a classifier for each factor: its `feature_importances_`, or
    |`coef_`| summed over classes. Informativeness is the accuracy on held-out rows, mean over
    factors: one that knows nothing has the share of the largest class. Raises ValueError as
    `standardised`, and if `classifier` has not one importance for each latent. Sources: Eastwood &
    Williams 2018, "A Framework for the Quantitative Evaluation of Disentangled Representations";
    Locatello et al. 2019 (scikit-learn's boosted trees as they come, accuracy).
    """
    labels, code = labelled(truth, code)
    importance = np.zeros((code.shape[1], labels.shape[1]))
    accuracy = np.zeros(labels.shape[1])
    for j, factor in enumerate(labels.T):
        if classes(factor) > 1:
            fit, held = class_halves(factor, seed)
            model = fitted(classifier, code[fit], factor[fit])
            importance[:, j] = importances(model, code.shape[1])
            accuracy[j] = model.score(code[held], factor[held])
    return concentrations(importance, float(accuracy.mean()))
