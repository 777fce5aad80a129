"""The page on the decoder: what draws the rare, a larger β or fewer steps of training."""

from functools import partial

import numpy as np

from biasvae_jax.statistics.intervals import t_interval
from experiments.findings.best_beta import asked, best_table, helped, images_cell, most_words, yes
from experiments.findings.controls import controls_table
from experiments.findings.evidence import DECODER, WEAK, at_end, sizes, stopped
from experiments.findings.figures import against_beta, training
from experiments.findings.linear import linear_table
from experiments.findings.optima import ShortAgainstStrong, short_against_strong
from experiments.findings.rivals import rivals_table
from experiments.findings.runs import RIVAL_SIZE
from experiments.pages.documents import Page, Picture
from experiments.pages.run import Runs
from experiments.pages.tables import Table
from experiments.pages.words import of, sign

EXACT = "generation_mse_exact"


def decoder_page(runs: Runs) -> Page:
    """Answer for the decoder."""
    endless = runs["n-endless"]
    found = {run.name: short_against_strong(run) for _, run in sizes(runs)[:-1]}
    share, theory = linear_table(runs)
    return Page(
        "decoder",
        "The decoder: does it make the images that the bias left out?",
        _answer(runs, found),
        [
            "`generation_mse` is the squared error a pixel of test images that the decoder draws "
            "from their true variables, through the best linear map from those to the code; the "
            "test images show every combination of three intensities, without bias and without "
            "noise ([definition](../mathematics.md#what-the-scores-are-at-that-optimum)).",
            Picture(
                "findings_decoder",
                "Error of generated images against β",
                partial(against_beta.decoder, runs),
                "Full lines: at the end of training, means over "
                f"{endless.study.seeds} seeds with bands of 95 %. Dashed: each model stopped where "
                "its loss on unseen images is lowest.",
            ),
            "## Where the best β lies",
            "Each seed is a training set of its own, and every image of it is shown once an epoch. "
            f"*Best β*: of the grid ({', '.join(f'{b:g}' for b in endless.beta)}), with a 95 % "
            "bootstrap interval over seeds. *Change*: the error at the best β, chosen on the other "
            "seeds, minus that at the weakest β, paired by seed.",
            best_table(
                "decoder_best_beta", runs, DECODER, "lower", "change of the error", "mse_change"
            ),
            "## Is it β, or the length of training?",
            _stopping_words(runs),
            _stopping(runs, found),
            Picture(
                "findings_course",
                "Error of generated images and R² of the code over training",
                partial(training.course, runs),
                f"With {RIVAL_SIZE:,} images; means over seeds with bands of 95 %.",
            ),
            "## What would look the same",
            "*Any other regulariser.* Weight decay, narrow layers and noise on the input also keep "
            f"a network from learning its training set by heart. From {RIVAL_SIZE:,} images, the "
            "error at the end of training, and stopped early by the loss on unseen images:",
            rivals_table(
                "decoder_rivals",
                runs,
                {
                    "end": ("mse_end", lambda run: at_end(run, EXACT), t_interval),
                    "early": ("mse_early", lambda run: stopped(run).generation, t_interval),
                },
            ),
            "*What any model would lose to a small training set.* The linear optimum on the "
            "training set's own covariance ([mathematics](../mathematics.md#finite-training-sets)) "
            "overfits too: noise is worth a latent wherever its sample eigenvalue exceeds β. At "
            f"β = {WEAK:g} it explains {share} of what the networks lose in `{DECODER}` to "
            "the training set (theirs minus that with endless data):",
            theory,
            *controls_table("decoder_controls", runs, (DECODER,)),
        ],
    )


def _answer(runs: Runs, found: dict[str, ShortAgainstStrong]) -> str:
    endless = runs["n-endless"]
    fresh, finite = asked(runs, DECODER, "lower")
    helps, pairs = helped(finite)
    places = [(e, i) for e in found.values() for i in range(len(e.apart.mean))]
    wins = [sign(e.apart.at(i)) for e, i in places]
    both = [sign(e.both.at(i)) for e, i in places]
    return (
        f"**Endless data: {yes(int(fresh.helps.sum()))}.** The error falls by more than a tenth "
        f"with a β above {endless.beta.min():g} at "
        f"{of(int(fresh.helps.sum()), len(endless.mu), 'bias', 'biases')}. **Finite data: "
        f"{yes(helps)}**, at {of(helps, pairs, 'pair')} of a number of images and a bias; "
        f"{most_words(runs, finite)}. **{rival_verdict(wins)}** With fewer steps, chosen on the "
        f"other seeds as β is, β = {WEAK:g} is better than the best β from {WEAK:g} on with all "
        f"steps at {of(wins.count(-1), len(wins), 'pair')}, worse at {wins.count(1)}, and not told "
        f"apart at {wins.count(0)}. {_both_words(places, both)}"
    )


def _both_words(places: list[tuple[ShortAgainstStrong, int]], signs: list[int]) -> str:
    """Say what a stronger β adds where every β is stopped early."""
    gains = [
        100 * e.both.mean[i] / e.early.mean[i]
        for (e, i), found in zip(places, signs, strict=True)
        if found == -1
    ]
    text = (
        "Where every β is stopped by its loss on unseen images, a stronger one is better at "
        f"{of(signs.count(-1), len(signs), 'pair')}"
    )
    return f"{text}, by {-min(gains):.0f} % at most." if gains else f"{text}."


def rival_verdict(wins: list[int]) -> str:
    """Say what a shorter training means for β, by the signs of its differences."""
    if wins.count(1) > len(wins) / 2:
        return "And a shorter training does not replace it."
    if wins.count(-1) > len(wins) / 2:
        return "But a shorter training with a weak β does more."
    if wins.count(1) < len(wins) / 10:
        return "But a shorter training does as much without it."
    return "But in part a shorter training does as much without it."


def _stopping_words(runs: Runs) -> str:
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


def _stopping(runs: Runs, found: dict[str, ShortAgainstStrong]) -> Table:
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
