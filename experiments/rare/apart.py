"""Hair and skin of faces: which combinations are rare, and what is asked of models about them."""

import math

import numpy as np

from experiments.rare.asked import Asked
from experiments.rare.comparing import questions

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


def contrast(asked: Asked, code: str, number: int) -> np.ndarray:
    """Return how far rare faces differ in a number, over how far common ones do.

    1 where what is drawn tells hair from skin, −1 where one follows the other as in training.
    `code` is `best` or `encoded`, the number 0 (hair) or 1 (skin). `[bias, strength, seed]`.
    """
    drawn = asked.values(f"{code}_numbers")[..., number]  # [..., class]
    dark_light, dark_dark, blond_light, blond_dark = np.moveaxis(drawn, -1, 0)
    common = blond_light - dark_dark
    return (blond_dark - dark_light) / (-common if number else common)


def moved(asked: Asked, factor: int, number: int, head: str = "fair") -> np.ndarray:
    """Return how far a number moves with a factor (0 hair, 1 skin), `[bias, strength, seed]`."""
    return asked.values(f"moved_{head}")[..., factor, number]


QUESTIONS = questions(
    ("rare combinations in samples", "samples_rare"),
    share,
    ("hair and skin told, fair head", "told_fair"),
    mean_over,
)
