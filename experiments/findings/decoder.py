"""The page on the decoder: what draws the rare, a larger β or fewer steps of training."""

from functools import partial

import numpy as np

from biasvae_jax.statistics.intervals import t_interval
from experiments.findings.best_beta import asked, best_table, finite_only, helped, most_words, yes
from experiments.findings.controls import controls_table, gains_in_controls
from experiments.findings.evidence import DECODER, EXACT, WEAK, at_end, sizes, stopped
from experiments.findings.figures import against_beta, training
from experiments.findings.linear import linear_table
from experiments.findings.networks import decoder_by_network
from experiments.findings.optima import Best, ShortAgainstStrong, short_against_strong, surely
from experiments.findings.rivals import rivals, rivals_table
from experiments.findings.runs import RIVAL_SIZE
from experiments.findings.stopping import (
    both_words,
    rival_verdict,
    stopping_table,
    stopping_words,
)
from experiments.pages.documents import Page, Picture
from experiments.pages.run import Runs
from experiments.pages.words import number, of, sign


def decoder_page(runs: Runs) -> Page:
    """Answer for the decoder."""
    endless = runs["n-endless"]
    best = asked(runs, DECODER, "lower")
    found = {run.name: short_against_strong(run) for _, run in sizes(runs)[:-1]}
    share, theory = linear_table(runs)
    return Page(
        "decoder",
        "The decoder: does it make the images that the bias left out?",
        _answer(runs, best, found),
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
            _numbers(runs, finite_only(best), found),
            "## Where the best β lies",
            "Each seed is a training set of its own, and every image of it is shown once an epoch. "
            f"*Best β*: of the grid ({', '.join(f'{b:g}' for b in endless.beta)}), with a 95 % "
            "bootstrap interval over seeds. *Change*: the error at the best β, chosen on the other "
            "seeds, minus that at the weakest β, paired by seed.",
            best_table("decoder_best_beta", runs, best, "change of the error", "mse_change"),
            "## Is it β, or the length of training?",
            stopping_words(runs),
            stopping_table(runs, found),
            Picture(
                "findings_course",
                "Error of generated images and R² of the code over training",
                partial(training.course, runs),
                f"With {RIVAL_SIZE:,} images; means over seeds with bands of 95 %.",
            ),
            "## What would look the same",
            "*Any other regulariser.* Weight decay, narrow layers and noise on the input also keep "
            f"a network from learning its training set by heart. From {RIVAL_SIZE:,} images, with "
            f"β = {WEAK:g}: {_best_rival(runs)}. The table has the error at the end of training, "
            "and stopped early by the loss on unseen images:",
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
            *decoder_by_network(runs),
            *controls_table("decoder_controls", runs, (DECODER,)),
            "A β above the weakest lowers the error by more than a tenth in "
            f"{gains_in_controls(runs, DECODER, 'lower')}.",
        ],
    )


def _answer(runs: Runs, best: dict[str, Best], found: dict[str, ShortAgainstStrong]) -> str:
    endless = runs["n-endless"]
    few = int(best[endless.name].helps.sum())
    helps, _, pairs = helped(finite_only(best))
    wins = [sign(each.apart.at(i)) for each in found.values() for i in range(each.p.size)]
    return (
        f"**Endless data: {yes(few)}. Finite data: {yes(helps)}. {rival_verdict(wins)}** A β above "
        f"{endless.beta.min():g} lowers the error of drawn images by more than a tenth at "
        f"{of(few, len(endless.mu), 'bias', 'biases')} with endless data, and with finite data at "
        f"{of(helps, pairs, 'pair')} of a bias and a number of images. But β = {WEAK:g} with fewer "
        f"steps draws better than the best β from {WEAK:g} on with all steps at "
        f"{of(wins.count(-1), len(wins), 'pair')}, and worse at {wins.count(1)}."
    )


def _numbers(runs: Runs, finite: dict[str, Best], found: dict[str, ShortAgainstStrong]) -> str:
    """Say more of the answer: after correction, where most, and with every β stopped."""
    _, sure, pairs = helped(finite)
    fewer = surely(
        [np.asarray(e.apart.high) < 0 for e in found.values()], [e.p for e in found.values()]
    )
    return (
        f"After Holm's correction for {pairs} tests a larger β lowers the error by more than a "
        f"tenth at {sure} of them, and fewer steps with β = {WEAK:g} draw better at {fewer}. The "
        f"largest change by β is {most_words(runs, finite)}. {both_words(found)}"
    )


def _best_rival(runs: Runs) -> str:
    """Say how near the best of them comes to stopping early, which needs none of them."""
    named, words = rivals(runs), []
    plain = next(iter(named.values()))
    for mu in (0, 2):
        at = {
            name: float(at_end(run, EXACT)[run.row(mu), run.column(WEAK)].mean())
            for name, run in named.items()
        }
        best = min(at, key=lambda name: at[name])
        early = float(stopped(plain).generation[plain.row(mu), plain.column(WEAK)].mean())
        words.append(
            f"at μ = {mu} the error at the end is {number(next(iter(at.values())), 3)} without any "
            f"of them, {number(at[best], 3)} with the best ({best}), and {number(early, 3)} "
            "without any but stopped early"
        )
    return "; ".join(words)
