"""What is asked of many runs: their training sets, early stopping, masses."""

from typing import NamedTuple

import numpy as np

from experiments.pages.run import Run, Runs

WEAK = 0.1  # the weak β that rivals of a strong one are asked of
CODE, DECODER = "recovery_r2", "generation_mse"
EXACT = "generation_mse_exact"  # of the time course, with a least-squares head
MOST = 3  # μ up to which the training data show the rare event once in a thousand squares
LEAST = 1e-3  # mass, below what a sample of 8,192 can tell from 0
HUNDREDTH, TENTH = 0.01, 0.1  # margins, of R² and of an error


def sizes(runs: Runs) -> list[tuple[str, Run]]:
    """Return the runs of training sets, the smallest first and endless data last, with labels."""
    named = [(f"N = {int(n[2:]):,}", r) for n, r in runs.items() if n[2:].isdigit()]
    return [*named, ("endless", runs["n-endless"])]


class Stopped(NamedTuple):
    """A model at the step where its loss on fresh images is lowest; each `[mu, beta, seed]`."""

    step: np.ndarray
    generation: np.ndarray
    """`generation_mse_exact` there."""
    recovery: np.ndarray
    """`recovery_r2` there."""


def stopped(run: Run) -> Stopped:
    """Stop every model of a run early, by its loss on images that it never sees."""
    loss = np.nan_to_num(run.course("test_loss"), nan=np.inf)
    at = loss.argmin(-1)
    take = lambda name: np.take_along_axis(run.course(name), at[..., None], -1)[..., 0]  # noqa: E731
    return Stopped(run.snapshots[at], take(EXACT), take("recovery_r2"))


def at_end(run: Run, name: str) -> np.ndarray:
    """Return the last measurement of a time course, `[mu, beta, seed]`."""
    return run.course(name)[..., -1]


def log_mass(run: Run, name: str = "prior_mass") -> np.ndarray:
    """Return |ln mass| `[mu, beta, seed]`: 0 where the model gives the rare event its probability.

    A mass of 0 counts as `LEAST`.
    """
    return np.abs(np.log(np.maximum(run.values(name), LEAST)))
