"""Which of seven things happened to a model: arrays in, codes out (numpy only)."""

import enum

import numpy as np

ACTIVE_THRESHOLD = 0.01
"""Variance of a posterior mean above which its latent is active (Burda et al. 2016)."""


class Regime(enum.IntEnum):
    """What became of a model; each model is in exactly one."""

    RECOVERED = 0
    """As many latents are active as there are factors to find, min(latent_dim, factors)."""
    PARTIAL = 1
    """Some are active, but fewer than that."""
    COLLAPSED_BY_OBJECTIVE = 2
    """None is active, and at the linear optimum none would be."""
    COLLAPSED_BY_OPTIMISER = 3
    """None is active, although the linear optimum has active latents."""
    ACTIVE_BEYOND = 4
    """Some are active where the linear optimum has none."""
    DIVERGED = 5
    """Losses, parameters or optimiser left the finite numbers."""
    COLLAPSED = 6
    """None is active, and no theory says whether one would be at the optimum."""


def regime(
    beta: np.ndarray,
    threshold: np.ndarray | None,
    active_units: np.ndarray,
    finite: np.ndarray,
    wanted: int,
) -> np.ndarray:
    """Classify models by their active latents and the side of β* they are on: int8 codes.

    The optimum's largest Var(posterior mean) is 1 − β/β*, so it counts as active up to
    β = 0.99·β*: without active latents a model is collapsed by the objective from there on, by
    the optimiser below. With some, it is active beyond from β = 1.01·β* on, as far on the other
    side, and otherwise recovered if at least `wanted` are active, else partial. `beta` and
    `threshold` (β*, the largest over the directions of the data) broadcast with the others; without
    a threshold (None) there is only one kind of collapse.
    """
    active = active_units > 0
    if threshold is None:
        share, collapsed = np.zeros(np.shape(active)), Regime.COLLAPSED
    else:
        share, collapsed = beta / threshold, Regime.COLLAPSED_BY_OPTIMISER
    codes = np.select(
        [
            ~np.asarray(finite, bool),
            ~active & (share >= 1 - ACTIVE_THRESHOLD),
            ~active,
            share >= 1 + ACTIVE_THRESHOLD,
            active_units >= wanted,
        ],
        [
            Regime.DIVERGED,
            Regime.COLLAPSED_BY_OBJECTIVE,
            collapsed,
            Regime.ACTIVE_BEYOND,
            Regime.RECOVERED,
        ],
        Regime.PARTIAL,
    )
    return codes.astype(np.int8)
