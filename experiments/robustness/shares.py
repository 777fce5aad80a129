"""What makes scores differ: objectives, their strengths, or seeds."""

import numpy as np

from experiments.pages.run import Runs
from experiments.pages.tables import Table, fixed
from experiments.robustness.effects import CODE_Q, DECODER_Q, Question, biases_of, scores
from experiments.robustness.runs import OBJECTIVES, SIZES, name


def shares(values: np.ndarray) -> tuple[float, float, float]:
    """Split the variance of scores `[objective, strength, seed]` into three shares that add to 1.

    Of the objectives' means, of the strengths' means around their objective's, and of the seeds
    around their strength's (a nested analysis of variance). Models without a value are left out of
    the means.
    """
    cell = np.nanmean(values, 2, keepdims=True)
    of_objective = np.nanmean(cell, 1, keepdims=True)
    parts = (
        np.nanmean((of_objective - np.nanmean(of_objective)) ** 2),
        np.nanmean((cell - of_objective) ** 2),
        np.nanmean((values - cell) ** 2),
    )
    total = sum(parts)
    return tuple(float(part / total) if total else np.nan for part in parts)  # type: ignore[return-value]


def shares_table(runs: Runs) -> Table:
    """Return the shares for code and decoder, without a bias and under each."""
    rows = []
    for question in (CODE_Q, DECODER_Q):
        for images in SIZES:
            for bias, run_of, row in biases_of(runs, images):
                values = _values(runs, question, run_of, row, images)
                parts = (fixed(part, 2) for part in shares(values))
                rows.append([question.name, f"{images:,}" if images else "endless", bias, *parts])
    columns = {
        "question": "question",
        "images": "images",
        "bias": "bias",
        "objective": "share_objective",
        "strength": "share_strength",
        "seed": "share_seed",
    }
    return Table("robustness_shares", columns, rows)


def _values(
    runs: Runs, question: Question, run_of: str, row: int, images: int | None
) -> np.ndarray:
    found = [runs.get(name(objective, run_of, images)) for objective in OBJECTIVES]
    return np.stack([scores(run, question)[row] for run in found if run is not None])
