"""Hair and skin of faces: which combinations are rare, and what is asked of models about them."""

import math

import numpy as np

from biasvae_jax.statistics.bounded import share_interval
from biasvae_jax.statistics.intervals import t_interval
from experiments.rare.asked import Asked
from experiments.rare.comparing import Question, Questions

RARE, COMMON = [0, 3], [1, 2]
"""Classes under a negative correlation: dark hair with light skin and blond with dark; the others.
"""


def rate(rho: float) -> float:
    """Return P(a rare combination), 2·(¼ + arcsin ρ/2π), of a Gaussian copula's two medians."""
    return 0.5 + math.asin(rho) / math.pi


def share(asked: Asked) -> np.ndarray:
    """Return the share of the prior's samples with a rare combination, `[bias, strength, seed]`."""
    found = asked.values("prior")
    return found[..., RARE].sum(-1) / found.sum(-1)


def mean_over(asked: Asked, name: str, classes: list[int] = RARE) -> np.ndarray:
    """Return an answer's mean over test images of some classes, `[bias, strength, seed]`."""
    return asked.values(name)[..., classes].mean(-1)


def moved(asked: Asked, factor: int, number: int, head: str = "fair") -> np.ndarray:
    """Return how far a number moves with a factor (0 hair, 1 skin), `[bias, strength, seed]`."""
    return asked.values(f"moved_{head}")[..., factor, number]


QUESTIONS: Questions = {
    "prior": Question(
        "rare combinations in samples",
        "samples_rare",
        share,
        "higher",
        share_interval,
    ),
    "drawn": Question(
        "drawn as such, best code",
        "drawn_best_code",
        lambda a: mean_over(a, "best_same"),
        "higher",
        share_interval,
    ),
    "encoded": Question(
        "drawn as such, encoder's code",
        "drawn_encoded",
        lambda a: mean_over(a, "encoded_same"),
        "higher",
        share_interval,
    ),
    "decoder": Question(
        "error, best code",
        "error_best_code",
        lambda a: mean_over(a, "best_error"),
        "lower",
        t_interval,
    ),
    "code": Question(
        "hair and skin told, fair head",
        "told_fair",
        lambda a: mean_over(a, "told_fair"),
        "higher",
        share_interval,
    ),
}
