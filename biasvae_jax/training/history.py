"""Training curves: means over at most 200 bins of steps, kept as running sums."""

from typing import Any, NamedTuple

import numpy as np

MAX_BINS = 200
TAIL = 0.05


class History(NamedTuple):
    """Running sums over the steps so far, for a stack of models; float64 numpy."""

    bins: np.ndarray
    """Sums of the objective's terms in each bin, `[models, bins, terms]`, nats."""
    tail: np.ndarray
    """Their sums over the last 5 % of the steps, `[models, terms]`, nats."""
    finite: np.ndarray
    """Whether every loss was finite, `[models]`."""
    steps: np.ndarray
    """Steps taken, `[models]`; a model that has converged takes no more."""


def bin_of(step: np.ndarray, steps: int) -> np.ndarray:
    """Return the bin that a step (counted from 0) belongs to."""
    return step * min(MAX_BINS, steps) // steps


def tail_start(steps: int) -> int:
    """Return the first of the last 5 % of the steps."""
    return min(steps - 1, round((1 - TAIL) * steps))


def empty(models: int, steps: int, terms: int = 3) -> History:
    """Return the history of models that have taken no step; the β-ELBO has three `terms`."""
    return History(
        bins=np.zeros((models, min(MAX_BINS, steps), terms)),
        tail=np.zeros((models, terms)),
        finite=np.ones(models, bool),
        steps=np.zeros(models, np.int32),
    )


def extend(history: History, first_step: int, losses: Any, steps: int) -> History:
    """Add the losses of a chunk, a NamedTuple of `[models, chunk]`, that began at `first_step`."""
    values = np.stack([np.asarray(part, np.float64) for part in losses], axis=-1)
    step = first_step + np.arange(values.shape[1])
    bins, tail = history.bins.copy(), history.tail.copy()
    # one step after another, so that the sums do not depend on where chunks begin
    for column, (bin_, in_tail) in enumerate(
        zip(bin_of(step, steps), step >= tail_start(steps), strict=True)
    ):
        bins[:, bin_] += values[:, column]
        if in_tail:
            tail += values[:, column]
    finite = history.finite & np.isfinite(values).all(axis=(1, 2))
    return History(bins, tail, finite, history.steps + np.int32(len(step)))


def means(history: History, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the means over bins `[models, bins, terms]` and the last 5 % `[models, terms]`."""
    counts = np.bincount(bin_of(np.arange(steps), steps))
    return history.bins / counts[:, None], history.tail / (steps - tail_start(steps))


def bin_centres(steps: int) -> np.ndarray:
    """Return the mean step of each bin, counted from 1."""
    step = np.arange(steps)
    bins = bin_of(step, steps)
    return np.bincount(bins, step + 1) / np.bincount(bins)
