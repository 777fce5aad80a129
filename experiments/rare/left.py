"""Which rivers curve left, and what is asked of models about them."""

import numpy as np
from scipy import stats

from biasvae_jax.scores.events import BATCH
from biasvae_jax.worlds import Rivers
from experiments.rare.asked import Asked
from experiments.rare.comparing import questions
from experiments.rare.views import RIVER_BATCHES

TURNS = Rivers().turns
COUNTS = np.arange(TURNS + 1)
"""Turns to the left that a river may have: the classes."""
RIVERS = stats.binom.pmf(COUNTS, TURNS, 0.5) * 2**TURNS
"""How many of all rivers have so many, which are the test images."""
LEFT, RIGHT = COUNTS > TURNS / 2, COUNTS < TURNS / 2
SAMPLES = BATCH * RIVER_BATCHES


def rate(right: float) -> float:
    """Return P(a river curves left) where each turn is to the right with a probability."""
    return float(stats.binom.sf(TURNS / 2, TURNS, 1 - right))


def share(asked: Asked) -> np.ndarray:
    """Return the share of the prior's samples that curve left, `[bias, strength, seed]`."""
    found = asked.values("prior")
    return found[..., LEFT].sum(-1) / found.sum(-1)


def mean_over(asked: Asked, name: str, side: np.ndarray = LEFT) -> np.ndarray:
    """Return an answer's mean over the test rivers of a side, `[bias, strength, seed]`."""
    weights = RIVERS * side
    return asked.values(name)[..., side] @ weights[side] / weights.sum()


QUESTIONS = questions(
    ("samples that curve left", "samples_left"),
    share,
    ("turns told, fair head", "turns_told_fair"),
    mean_over,
)


def differing(asked: Asked, right: float) -> np.ndarray:
    """Return p of each model's count of samples that curve left, against its training images'.

    Two-sided and exact (binomial), `[strength, seed]`, of the row of one probability.
    """
    count = asked.values("prior")[asked.row(right)][..., LEFT].sum(-1)
    low = stats.binom.cdf(count, SAMPLES, rate(right))
    high = stats.binom.sf(count - 1, SAMPLES, rate(right))
    return np.minimum(1, 2 * np.minimum(low, high))
