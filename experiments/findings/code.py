"""The page on the code: whether it follows the true variables more closely with a larger β."""

from functools import partial

import numpy as np

from biasvae_jax.statistics.bounded import share_interval
from biasvae_jax.statistics.intervals import Interval, paired_interval, t_interval
from experiments.findings.best_beta import (
    asked,
    best_table,
    finite_only,
    grids_table,
    helped,
    most_words,
    yes,
)
from experiments.findings.controls import controls_table, gains_in_controls
from experiments.findings.evidence import CODE, HUNDREDTH, WEAK, sizes, stopped
from experiments.findings.figures import against_beta
from experiments.findings.networks import code_by_network
from experiments.findings.optima import Best, best
from experiments.findings.rivals import rivals, rivals_table
from experiments.findings.runs import RIVAL_SIZE
from experiments.pages.documents import Page, Picture
from experiments.pages.run import Run, Runs
from experiments.pages.words import of, sign, value

MEAN = "recovery_r2_mean"


def code_page(runs: Runs) -> Page:
    """Answer for the code."""
    endless = runs["n-endless"]
    found, of_mean = (asked(runs, score, "higher") for score in (CODE, MEAN))
    return Page(
        "code",
        "The code: does stronger regularisation recover more of the true variables?",
        _answer(runs, found),
        [
            "`recovery_r2` is the share of the true variables' variance that a linear map of the "
            "code explains. The code is one sample of the posterior; the test images show every "
            "combination of three intensities, without bias and without noise "
            "([definition](../scores.md#what-is-scored)).",
            Picture(
                "findings_code",
                "R² of the code against β",
                partial(against_beta.code, runs),
                f"Means over {endless.study.seeds} seeds, bands their 95 % intervals. β = 0 is "
                "drawn at the left end. N is the number of training images.",
            ),
            "## Where the best β lies",
            f"*Best β*: of the grid ({', '.join(f'{b:g}' for b in endless.beta)}), with a 95 % "
            "bootstrap interval over seeds. *Gain*: R² at the best β, chosen on the other seeds, "
            "minus R² at the weakest β, paired by seed. It is 0 where all seeds choose the "
            "weakest.",
            best_table("code_best_beta", runs, found, "gain of R²", "gain_r2"),
            "## What would look the same",
            "*A score that is high for any network.* Networks of the same shape before training "
            f"have an R² of {value(_untrained(endless))}.",
            "*The noise of the code.* A larger β makes the posterior wider, and so a sampled code "
            "noisier, whatever it follows. With the posterior's mean in its place a β above the "
            f"weakest gains more than {HUNDREDTH:g} at {_of_mean(of_mean)}; the mean flatters "
            "latents that barely move:",
            best_table("code_best_beta_mean", runs, of_mean, "gain of R²", "gain_r2"),
            "*A peak that the KL's noise or the missing warm-up hides.* The grid of the original "
            "study, endless data, with the KL of one sample or in closed form, with and without a "
            "warm-up, in which β grows from 0. A *gain* is surely more than "
            f"{HUNDREDTH:g}:",
            grids_table("code_grids", runs, CODE, "higher"),
            "*A peak that training for too long hides.* With every model stopped where its loss on "
            f"unseen images is lowest, a β above {endless.beta.min():g} gains at {_early(runs)}.",
            f"*Another regulariser in β's place.* From {RIVAL_SIZE:,} images, R² at the end of "
            "training with weight decay, narrow hidden layers or noise on the input. β = 1 is "
            f"better than β = {WEAK:g} in {_stronger_is_better(runs)}:",
            rivals_table(
                "code_rivals",
                runs,
                {"R²": ("r2", lambda run: run.course(CODE)[..., -1], share_interval)},
            ),
            *code_by_network(runs),
            *controls_table("code_controls", runs, (CODE,)),
            f"A β above the weakest gains R² in {gains_in_controls(runs, CODE, 'higher')}.",
        ],
    )


def _of_mean(found: dict[str, Best]) -> str:
    fresh, (gains, _, pairs) = found["n-endless"].helps, helped(finite_only(found))
    return (
        f"{of(int(fresh.sum()), len(fresh), 'bias', 'biases')} with endless data and at "
        f"{of(gains, pairs, 'pair')} of a bias and a number of images"
    )


def _answer(runs: Runs, every: dict[str, Best]) -> str:
    endless = runs["n-endless"]
    fresh, (gains, _, pairs) = every[endless.name], helped(finite_only(every))
    below = sum(int((np.asarray(found.gain.high) < HUNDREDTH).sum()) for found in every.values())
    whole = sum(found.gain.high.size for found in every.values())
    return (
        f"**Endless data: {yes(int(fresh.helps.sum()))}. Finite data: {yes(gains)}.** A β above "
        f"{endless.beta.min():g} raises R², the share of the true variables that can be read off "
        f"the code, by more than {HUNDREDTH:g} at "
        f"{of(int(fresh.helps.sum()), len(endless.mu), 'bias', 'biases')} with endless data, and "
        f"with finite data at {of(gains, pairs, 'pair')} of a bias and a number of images. The "
        f"largest change is {most_words(runs, every)}; at {below} of all "
        f"{whole} the interval excludes a gain of {HUNDREDTH:g}."
    )


def _untrained(run: Run) -> Interval:
    """Return the R² of networks before training, over networks."""
    name = f"random_{CODE}"
    return t_interval(np.ravel(run.scores[name]) if name in run.scores else np.array([np.nan]))


def _early(runs: Runs) -> str:
    found = [
        best(stopped(run).recovery, run.beta, "higher")
        for _, run in sizes(runs)
        if run.study.training.training_images
    ]
    gains = sum(int(each.helps.sum()) for each in found)
    return of(gains, sum(each.helps.size for each in found), "pair") + " of N and μ"


def _stronger_is_better(runs: Runs) -> str:
    found = [
        sign(paired_interval(recovery[run.column(1)], recovery[run.column(WEAK)]))
        for run in rivals(runs).values()
        for recovery in (run.course(CODE)[run.row(mu), ..., -1] for mu in (0, 2))
    ]
    return of(found.count(1), len(found), "row")
