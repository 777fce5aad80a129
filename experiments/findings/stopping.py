"""Fewer steps of training as a rival of β: words and a table."""

import numpy as np

from experiments.findings.best_beta import images_cell
from experiments.findings.evidence import EXACT, WEAK, sizes, stopped
from experiments.findings.optima import ShortAgainstStrong
from experiments.findings.runs import RIVAL_SIZE
from experiments.pages.run import Runs
from experiments.pages.tables import Table
from experiments.pages.words import of, sign


def rival_verdict(wins: list[int]) -> str:
    """Say what a shorter training means for β, by the signs of its differences."""
    if wins.count(1) > len(wins) / 2:
        return "And a shorter training does not replace it."
    if wins.count(-1) > len(wins) / 2:
        return "But a shorter training with a weak β does more."
    if wins.count(1) < len(wins) / 10:
        return "But a shorter training does as much without it."
    return "But in part a shorter training does as much without it."


def both_words(found: dict[str, ShortAgainstStrong]) -> str:
    """Say what a stronger β adds where every β is stopped early."""
    places = [(each, i) for each in found.values() for i in range(each.p.size)]
    signs = [sign(each.both.at(i)) for each, i in places]
    gains = [
        100 * e.both.mean[i] / e.early.mean[i]
        for (e, i), side in zip(places, signs, strict=True)
        if side == -1
    ]
    text = (
        "Where every β is stopped by its loss on unseen images, a stronger one is better at "
        f"{of(signs.count(-1), len(signs), 'pair')}"
    )
    return f"{text}, by {-min(gains):.0f} % at most." if gains else f"{text}."


def stopping_words(runs: Runs) -> str:
    """Say when training would best be stopped, and what the table compares."""
    run = runs.get(f"n-{RIVAL_SIZE}") or next(r for n, r in runs.items() if n[2:].isdigit())
    early, column = stopped(run), run.column(WEAK)
    generation, recovery = run.course(EXACT)[:, column], run.course("recovery_r2")[:, column]
    first = run.snapshots[np.nan_to_num(generation, nan=np.inf).argmin(-1)]
    last = run.snapshots[np.nan_to_num(recovery, nan=-np.inf).argmax(-1)]
    return (
        "A rival of β is to stop early. At "
        f"β = {run.beta[column]:g} with {run.study.training.training_images:,} images the decoder "
        f"is best after {np.median(first):,.0f} of {run.study.training.steps:,} steps, the loss on "
        f"unseen images after {np.median(early.step[:, column]):,.0f} and the code after "
        f"{np.median(last):,.0f} (medians over μ and seeds), among the steps measured. The weight "
        "of the KL is still rising to β there, which for a β so weak changes little.\n\n"
        f"In the table, the error with β = {run.beta[column]:g} at the end; of the same models, "
        "each stopped where its loss on unseen images is lowest; of the same models after the "
        f"number of steps that is best on the other seeds; and of the β from {run.beta[column]:g} "
        "on that is best on the other seeds, at the end. So steps and β are chosen alike. "
        "Differences are paired by seed. The verdict is on *fewer steps − best β*: equivalent if "
        "its 90 % interval lies within a tenth of the first column's error, else different if its "
        "95 % interval excludes 0. The last column stops every β by its loss on unseen images."
    )


def stopping_table(runs: Runs, found: dict[str, ShortAgainstStrong]) -> Table:
    """Lay out what fewer steps do beside the best β, for each number of images and bias."""
    rows = []
    for label, run in sizes(runs)[:-1]:
        parts = found[run.name]
        for i, mu in enumerate(run.mu):
            intervals = [part.at(i) for part in parts[:5]]
            rows.append(
                [
                    images_cell(label, run), mu, *intervals, str(parts.verdict[i]),
                    parts.both.at(i),
                ]
            )  # fmt: skip
    columns = {
        "images": "images",
        "μ": "mu",
        "weak β, end": "mse_weak_end",
        "stopped by unseen loss": "mse_weak_stopped",
        "fewer steps": "mse_weak_fewer_steps",
        "best β, end": "mse_best_end",
        "fewer steps − best β": "mse_fewer_steps_minus_best",
        "verdict": "verdict",
        "best β stopped − weak β stopped": "mse_best_stopped_minus_weak_stopped",
    }
    return Table("decoder_stopping", columns, rows)
