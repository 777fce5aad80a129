"""Numbers on the diagonal: where latents stop being active, and which way level sets run."""

from typing import NamedTuple, get_args

import numpy as np

from biasvae_jax.statistics.boundary import (
    Boundary,
    MostActive,
    Slope,
    against_theory,
    boundary,
    boundary_slope,
    most_active,
)
from biasvae_jax.statistics.intervals import Interval
from biasvae_jax.statistics.level_sets import BETA, MU, HoldOut, ModelComparison, compare_models
from experiments.findings.evidence import Run

JUDGED = ("recovery_r2", "kl", "pmi", "generation_mse")


class Edge(NamedTuple):
    """Where half the latents stop being active, against β*(μ)."""

    found: Boundary
    against: Interval
    """log β̂ − log β*, `[mu]`."""
    slope: Slope
    agrees: np.ndarray
    """Whether β* lies in β̂'s interval, widened to the grid's β around it, `[mu]` bool."""
    known: np.ndarray
    """Whether no seed leaves the grid, `[mu]` bool."""


def edge(run: Run) -> Edge:
    """Find the boundary of a run; models that diverged are bridged."""
    found = boundary(run.values("active_units"), run.beta, run.config.latents)
    known = np.asarray(np.isfinite(found.log_beta).all(-1))
    # both are NaN, and nothing agrees, where a seed leaves the grid
    low = np.fmin(found.interval.low, found.bracket[..., 0].min(-1))
    high = np.fmax(found.interval.high, found.bracket[..., 1].max(-1))
    limit = np.log(run.threshold)
    return Edge(
        found,
        against_theory(found, run.threshold),
        boundary_slope(found, run.mu, run.threshold),
        (low <= limit) & (limit <= high),
        known,
    )


def level_sets(run: Run, name: str) -> dict[HoldOut, ModelComparison]:
    """Compare the models of a score, on held-out seeds and on held-out rows."""
    values = run.values(name)
    return {
        hold_out: compare_models(values, run.mu, run.beta, run.threshold, hold_out)
        for hold_out in get_args(HoldOut)
    }


def orientation(found: ModelComparison) -> str:
    """Name the level sets: diagonal if μ alone and log β alone both predict worse than the best.

    Worse: the paired interval of R² − the best model's lies below 0. If only one of the two is
    worse, the other suffices, and they are horizontal (μ) or vertical (β).
    """
    worse = dict(zip(found.names, np.asarray(found.behind.high) < 0, strict=True))
    names = {(True, True): "diagonal", (False, True): "horizontal", (True, False): "vertical"}
    return names.get((bool(worse[MU]), bool(worse[BETA])), "undecided")


def sides(run: Run) -> MostActive:
    """Count the models with most latents active on either side of β*(μ)."""
    return most_active(run.values("active_units"), run.beta, run.threshold, run.config.latents)


class Diagonal(NamedTuple):
    """Evidence on the first question; keys are names of runs."""

    runs: dict[str, Run]
    edges: dict[str, Edge]
    levels: dict[str, dict[str, dict[HoldOut, ModelComparison]]]
    """Of each main grid and score of `JUDGED`."""


def diagonal(*grids: Run, fine: Run) -> Diagonal:
    """Gather it; what takes seconds is done once. `fine` has too few μ for models of scores."""
    runs = {run.name: run for run in (*grids, fine)}
    return Diagonal(
        runs,
        {name: edge(run) for name, run in runs.items()},
        {run.name: {name: level_sets(run, name) for name in JUDGED} for run in grids},
    )
