"""The page on faces: whether models tell hair from skin that vary together in training."""

from functools import partial

import numpy as np

from biasvae_jax.scores.events import BATCH
from biasvae_jax.statistics.bounded import share_interval
from biasvae_jax.statistics.intervals import Interval, t_interval
from experiments.pages.documents import Page, Picture
from experiments.pages.ratios import geometric_interval
from experiments.pages.run import Runs
from experiments.pages.tables import Table
from experiments.pages.words import value
from experiments.rare import faces_figures as figures
from experiments.rare.apart import COMMON, QUESTIONS, RARE, mean_over, moved, rate, share
from experiments.rare.asked import Asked
from experiments.rare.comparing import Line, gains_table, helped
from experiments.rare.percents import percent, percents
from experiments.rare.views import FACE_BATCHES

MIDDLE = 30  # the β of the pictures
SAMPLES = BATCH * FACE_BATCHES
HEADS = {"fair": "fair", "biased": "as in training"}


def faces_page(runs: Runs) -> Page:
    """Answer for faces."""
    asked = Asked.of(runs["faces"])
    rho = asked.run.mu
    return Page(
        "faces",
        "Faces: does a model tell hair from skin where they vary together?",
        _answer(asked),
        [
            "Drawn faces of 64×64 pixels in colour; hair is dark or blond, skin anything from "
            "light to dark. In training their latents have the correlation ρ (a Gaussian copula): "
            "at ρ = 0 all four combinations are as frequent, at a negative ρ blond hair goes with "
            "light skin and dark hair with dark skin. The *rare* combinations are the two others: "
            + ", ".join(f"{percent(rate(float(r)))} of the faces at ρ = {r:g}" for r in rho)
            + ". At ρ = −1 hair is a function of skin, and nothing in the training images says "
            "that they are two: the control, in which no model can have learned it. A picture is "
            "read at the crown and at the neck. A convolutional network, "
            f"{asked.run.study.training.steps:,} steps of {asked.run.study.training.batch_size} "
            f"images, each of them a fresh one; {asked.run.study.seeds} seeds.",
            "## What the decoder can draw",
            Picture(
                "faces_drawn",
                "Six test faces, and how models draw them",
                partial(figures.drawn, asked, MIDDLE),
                f"The first two test faces are common in training, the others rare; "
                f"β = {MIDDLE:g}, seed 0. From the encoder's code, and from the code that is "
                "decoded nearest to the face of all codes, which needs no encoder.",
            ),
            "Error of rare test faces with the best code, and over that of common ones. Blond and "
            "dark are not equally hard to draw, so the last column divides that ratio by the same "
            "at ρ = 0, seed by seed: 1 if the correlation does nothing. *Drawn as such*: share of "
            "the rare test faces whose drawing is read as what it is.",
            _decoder(asked),
            "## What the code says",
            "*Hair* is the balanced accuracy of a logistic head (½: chance), *skin* the R² of a "
            "linear one, both on fair test faces. *Told*: whether linear heads fitted on fair "
            "test faces, or on faces as correlated as the model's own, find hair and the half of "
            "the skin's range for rare test faces.",
            _code(asked),
            "## One without the other",
            Picture(
                "faces_moved",
                "Hair and skin moved one at a time through the code",
                partial(figures.moved_pictures, asked, MIDDLE),
                "A test face whose hair (left), and one whose skin (right), is moved from one "
                "value to its opposite, from common to rare, along the direction of the code that "
                "a linear head gives it; "
                f"β = {MIDDLE:g}, seed 0.",
            ),
            Picture(
                "faces_effects",
                "How far hair and skin move with one another",
                partial(figures.effects, asked),
                "How far what is drawn moves when a factor is moved by 1 (fair head). Full lines: "
                "the factor itself, 1 is right. Dashed: the other, 0 is right. Bands are 95 % "
                "intervals over seeds.",
            ),
            "The head that gives the direction is fitted on fair test faces (which knows that hair "
            "and skin are two), or on faces as in training.",
            _moved(asked),
            "## What comes out of the prior",
            Picture(
                "faces_samples",
                "Samples of the prior",
                partial(figures.samples, asked, MIDDLE),
                f"Samples at β = {MIDDLE:g} (seed 0): the first eight, and of {SAMPLES:,} the "
                "eight most blond and dark-skinned, which are picked and no fair impression.",
            ),
            _prior(asked),
            "## Does a stronger regularisation help?",
            "Of rare combinations: the value at the β chosen on the other seeds, minus that at "
            f"β = {asked.run.beta.min():g}, paired by seed; bold where it is not 0 after Holm's "
            "correction over the whole table, the best β in brackets. For errors, below 0 is "
            "better.",
            _gains(asked),
        ],
    )


def _answer(asked: Asked) -> str:
    rows = {float(r): asked.row(float(r)) for r in asked.run.mu}
    strong = [r for r in rows if -1 < r < 0]
    j = asked.column(MIDDLE)
    told = [
        f"at ρ = {r:g} {percents(mean_over(asked, 'best_same')[i, j])}" for r, i in rows.items()
    ]
    own = [(r, t_interval(moved(asked, 0, 1)[rows[r], j])) for r in (*strong, -1.0) if r in rows]
    skin = " and ".join(f"{value(found)} at ρ = {r:g}" for r, found in own)
    return (
        "**What a model dissociates is what its training images showed apart.** With the best "
        f"code that there is, a rare combination of hair and skin is drawn as such in "
        f"{', '.join(told)} of the rare test faces (β = {MIDDLE:g}). Hair moved from dark to blond "
        f"through the code moves the skin by {skin} (0: dissociated; 1: from the lightest to the "
        f"darkest). A β above {asked.run.beta.min():g} is surely better in "
        f"{helped(_lines(asked), QUESTIONS, 'a ρ')}."
    )


def _cells(asked: Asked):
    """Yield (ρ, β, their places), by ρ."""
    for i, r in enumerate(asked.run.mu):
        for j, b in enumerate(asked.run.beta):
            yield [float(r), float(b)], (i, j)


def _decoder(asked: Asked) -> Table:
    logs = {}
    for code in ("best", "encoded"):
        rare, common = (mean_over(asked, f"{code}_error", c) for c in (RARE, COMMON))
        logs[code] = np.log(rare / common)
    fair = asked.row(0)
    rows = [
        [
            *names,
            t_interval(mean_over(asked, "best_error")[at]),
            geometric_interval(logs["best"][at]),
            geometric_interval(logs["best"][at] - logs["best"][fair, at[1]]),
            geometric_interval(logs["encoded"][at] - logs["encoded"][fair, at[1]]),
            share_interval(mean_over(asked, "best_same")[at]),
            share_interval(mean_over(asked, "encoded_same")[at]),
        ]
        for names, at in _cells(asked)
    ]
    columns = {
        "ρ": "rho",
        "β": "beta",
        "error, best code": "error_best_code",
        "÷ common": "ratio_best_code",
        "÷ the same at ρ = 0": "ratio_of_ratios_best_code",
        "encoder's, likewise": "ratio_of_ratios_encoded",
        "drawn as such, best code": "drawn_best_code",
        "encoder's code": "drawn_encoded",
    }
    return Table("faces_decoder", columns, rows)


def _code(asked: Asked) -> Table:
    recovered = asked.values("recovered")
    rows = [
        [
            *names,
            *(t_interval(recovered[at][:, k]) for k in (0, 1)),
            *(share_interval(mean_over(asked, f"told_{head}")[at]) for head in HEADS),
        ]
        for names, at in _cells(asked)
    ]
    columns = {
        "ρ": "rho",
        "β": "beta",
        "hair, accuracy": "hair_accuracy",
        "skin, R²": "skin_r2",
        "told, fair head": "told_fair_head",
        "told, head as in training": "told_biased_head",
    }
    return Table("faces_code", columns, rows)


def _moved(asked: Asked) -> Table:
    rows = [
        [
            HEADS[head],
            *names,
            *(
                t_interval(moved(asked, *pair, head)[at])
                for pair in ((0, 0), (0, 1), (1, 1), (1, 0))
            ),
        ]
        for head in HEADS
        for names, at in _cells(asked)
    ]
    columns = {
        "head": "head",
        "ρ": "rho",
        "β": "beta",
        "hair moved: hair": "hair_by_hair",
        "skin": "skin_by_hair",
        "skin moved: skin": "skin_by_skin",
        "hair": "hair_by_skin",
    }
    return Table("faces_moved", columns, rows)


def _prior(asked: Asked) -> Table:
    found = share(asked)
    rows = []
    for names, at in _cells(asked):
        known = rate(names[0])
        over = t_interval(found[at] / known) if known > 1e-6 else _none(found[at])
        rows.append([*names, 100 * known, t_interval(100 * found[at]), over])
    columns = {
        "ρ": "rho",
        "β": "beta",
        "training, %": "training_percent",
        "samples, %": "samples_percent",
        "samples ÷ training": "mass",
    }
    return Table("faces_prior", columns, rows)


def _none(like: np.ndarray) -> Interval:
    return t_interval(np.full_like(like, np.nan))


def _gains(asked: Asked) -> Table:
    return gains_table("faces_strengths", {"ρ": "rho"}, _lines(asked), QUESTIONS)


def _lines(asked: Asked) -> list[Line]:
    return [Line([float(rho)], asked, float(rho)) for rho in asked.run.mu]
