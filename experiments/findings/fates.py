"""Which models collapse below the threshold, when, and with how many dead units."""

import numpy as np

from biasvae_jax.statistics.intervals import Interval, paired_interval
from experiments.pages.run import Run, Runs

# cells below β* that the sampled KL leaves without an active latent, without warm-up
CELLS = ((0, 4), (0.5, 4), (1, 3), (1.5, 2), (2, 1.5), (2.5, 1), (3, 1), (5, 0.5))
DEAD = 0.9  # share of units that count as nearly all


def alive(run: Run) -> tuple[int, int]:
    """Count the models below β* with an active latent: (how many, out of how many)."""
    active, below = run.values("active_units") > 0, run.below()
    return int(active[below].sum()), int(below.sum() * run.study.seeds)


def more_alive(one: Run, other: Run) -> Interval:
    """Return how many more models a seed keep a latent below β* in one run, paired by seed.

    Of the seeds that both have: a seed has the same data in all runs.
    """
    seeds = min(one.study.seeds, other.study.seeds)
    counts = [
        (run.values("active_units") > 0)[run.below()][:, :seeds].sum(0).astype(float)
        for run in (one, other)
    ]
    return paired_interval(*counts)


def alive_in(run: Run, cells: tuple[tuple[float, float], ...] = CELLS) -> tuple[int, int]:
    """Count the same in some cells, of those that the run has."""
    active = run.values("active_units") > 0
    here = [
        active[run.row(m), run.column(b)]
        for m, b in cells
        if np.isclose(run.mu, m).any() and np.isclose(run.beta, b).any()
    ]
    return int(np.sum(here)), int(np.size(here))


def fates(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Tell which models below β* end without an active latent, and which with some.

    Each `[mu, beta, seed]`, by the last measurement of the time course.
    """
    active = run.course("active_units")[..., -1] > 0
    below = np.broadcast_to(run.below()[..., None], active.shape)
    return below & ~active, below & active


def _since(condition: np.ndarray) -> np.ndarray:
    """Return the first place from which on a condition stays true; -1 if it does not at the end."""
    stays = np.flip(np.logical_and.accumulate(np.flip(condition, -1), -1), -1)
    return np.where(stays.any(-1), stays.argmax(-1), -1)


def collapse_order(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at which collapsed models lose their last latent and nearly all units.

    Of those below β* that have no active latent at the end; infinite for what never happens.
    """
    lost, _ = fates(run)
    step = np.append(run.snapshots.astype(float), np.inf)  # the last is that of the place -1
    latents, units = run.course("active_units")[lost] == 0, run.course("dead_units")[lost] >= DEAD
    return step[_since(latents)], step[_since(units)]


def dead_at_collapse(run: Run) -> np.ndarray:
    """Return the share of dead units when a model loses its last latent, beside those that stay.

    Rows (share, median share of the models of the same μ that stay active at the same step, seed)
    of the models that collapse below β* at a μ at which some do not.
    """
    dead, (lost, kept) = run.course("dead_units"), fates(run)
    gone = _since(run.course("active_units") == 0)
    rows = []
    beside = np.any(kept, axis=(1, 2), keepdims=True)
    for i, j, seed in np.argwhere(lost & beside):
        since = gone[i, j, seed]
        rows.append((dead[i, j, seed, since], np.median(dead[i][kept[i]][:, since]), seed))
    return np.array(rows).reshape(-1, 3)


def leaky_alive(runs: Runs) -> Interval:
    """Return how many more models a seed stay alive with units that cannot die."""
    return more_alive(runs["collapse-sampled-leaky_relu-1e-3"], runs["collapse-sampled-relu-1e-3"])
