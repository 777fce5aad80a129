"""The page on the code: whether it follows the true variables more closely with a larger β."""

from functools import partial

import numpy as np

from biasvae_jax.statistics.bounded import share_interval
from biasvae_jax.statistics.intervals import Interval, t_interval
from experiments.findings.best_beta import asked, best_table, grids_table, helped, most_words, yes
from experiments.findings.controls import controls_table
from experiments.findings.evidence import CODE, HUNDREDTH, sizes, stopped
from experiments.findings.figures import against_beta
from experiments.findings.optima import Best, best
from experiments.findings.rivals import rivals_table
from experiments.findings.runs import RIVAL_SIZE
from experiments.pages.documents import Page, Picture
from experiments.pages.run import Run, Runs
from experiments.pages.words import of, value

MEAN = "recovery_r2_mean"


def code_page(runs: Runs) -> Page:
    """Answer for the code."""
    endless = runs["n-endless"]
    fresh, finite = asked(runs, CODE, "higher")
    return Page(
        "code",
        "The code: does stronger regularisation recover more of the true variables?",
        _answer(endless, fresh, finite, runs),
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
            best_table("code_best_beta", runs, CODE, "higher", "gain of R²", "gain_r2"),
            "## What would look the same",
            "*A score that is high for any network.* Networks of the same shape before training "
            f"have an R² of {value(_untrained(endless))}.",
            "*The noise of the code.* A larger β makes the posterior wider, and so a sampled code "
            "noisier, whatever it follows. With the posterior's mean in its place a β above the "
            f"weakest gains more than {HUNDREDTH:g} at {_of_mean(runs)}; the mean flatters latents "
            "that barely move:",
            best_table("code_best_beta_mean", runs, MEAN, "higher", "gain of R²", "gain_r2"),
            "*A peak that the KL's noise or the missing warm-up hides.* The grid of the original "
            "study, endless data, with each KL with and without warm-up:",
            grids_table("code_grids", runs, CODE, "higher"),
            "*A peak that training for too long hides.* With every model stopped where its loss on "
            f"unseen images is lowest, a β above {endless.beta.min():g} gains at {_early(runs)}.",
            f"*Another regulariser in β's place.* From {RIVAL_SIZE:,} images, R² at the end of "
            "training, by weight decay, width of the hidden layers and noise on the input:",
            rivals_table(
                "code_rivals",
                runs,
                {"R²": ("r2", lambda run: run.course(CODE)[..., -1], share_interval)},
            ),
            *controls_table("code_controls", runs, (CODE,)),
        ],
    )


def _of_mean(runs: Runs) -> str:
    fresh, finite = asked(runs, MEAN, "higher")
    gains = [int(found.helps.sum()) for found in (fresh, *finite.values())]
    return (
        f"{of(gains[0], len(fresh.helps), 'bias', 'biases')} with endless data and at "
        f"{of(sum(gains[1:]), sum(len(f.helps) for f in finite.values()), 'pair')} of a number of "
        "images and a bias"
    )


def _answer(endless: Run, fresh: Best, finite: dict[str, Best], runs: Runs) -> str:
    gains, pairs = helped(finite)
    every = [fresh, *finite.values()]
    below = sum(int((np.asarray(found.gain.high) < HUNDREDTH).sum()) for found in every)
    whole = sum(found.gain.high.size for found in every)
    return (
        f"**Endless data: {yes(int(fresh.helps.sum()))}.** R² gains more than {HUNDREDTH:g} from a "
        f"β above {endless.beta.min():g} at "
        f"{of(int(fresh.helps.sum()), len(endless.mu), 'bias', 'biases')}. **Finite data: "
        f"{yes(gains)}.** It does at {of(gains, pairs, 'pair')} of a number of images and a bias; "
        f"{most_words(runs, {**finite, endless.name: fresh})}. At {below} of all {whole} the "
        f"interval excludes a gain of {HUNDREDTH:g}."
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
