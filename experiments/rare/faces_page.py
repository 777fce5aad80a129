"""The page on faces: whether models tell hair from skin that vary together in training."""

from functools import partial

import numpy as np

from biasvae_jax.scores.events import BATCH
from biasvae_jax.statistics.intervals import Interval, t_interval
from experiments.pages.documents import Page, Picture
from experiments.pages.run import Runs
from experiments.pages.words import listed, short, value
from experiments.rare import faces_figures as figures
from experiments.rare.apart import QUESTIONS, contrast, moved, rate
from experiments.rare.asked import Asked
from experiments.rare.comparing import helped
from experiments.rare.faces_tables import (
    code_table,
    contrast_table,
    decoder_table,
    lines,
    moved_table,
    prior_table,
    strengths_table,
)
from experiments.rare.percents import percent
from experiments.rare.views import FACE_BATCHES

MIDDLE = 30  # the β of the pictures
LARGELY = 0.8  # contrast from which on a model tells hair from skin
SAMPLES = BATCH * FACE_BATCHES


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
            + ", ".join(f"{percent(rate(float(r)))} of the faces at ρ = {short(r)}" for r in rho)
            + ". At ρ = −1 hair is a function of skin, and nothing in the training images says "
            "that they are two: whatever tells them apart there is the network's. A picture is "
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
            "dark are not equally hard to draw, so that ratio is divided by the same at ρ = 0, "
            "seed by seed: 1 if the correlation does nothing. *Drawn as such*: share of "
            "the rare test faces whose drawing is read as what it is, hair and the half of the "
            "skin's range.",
            decoder_table(asked),
            "A drawing read as what it is may still be half way. How far do rare faces differ, "
            "blond and dark-skinned from dark-haired and light-skinned, over how far common ones "
            "do? 1 is right, −1 is training's rule applied to them:",
            contrast_table(asked),
            "*What would look the same.* Crown and neck are different pixels, and a network that "
            "draws parts of a picture by themselves, as convolutions may, tells hair from skin "
            "without having been shown that they are two. So this says what these models do, not "
            "that the images taught it to them; no other network was tried. And hair has two "
            "colours while skin has all shades, so that even at ρ = −1 skin varies where hair does "
            "not.",
            "## What the code says",
            "*Hair* is the balanced accuracy of a logistic head (½: chance), *skin* the R² of a "
            "linear one, both on fair test faces. *Told*: whether linear heads fitted on fair "
            "test faces, or on faces as correlated as the model's own, find hair and the half of "
            "the skin's range for rare test faces.",
            code_table(asked),
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
            moved_table(asked),
            "## What comes out of the prior",
            Picture(
                "faces_samples",
                "Samples of the prior",
                partial(figures.samples, asked, MIDDLE),
                f"Samples at β = {MIDDLE:g} (seed 0): the first eight, and of {SAMPLES:,} the "
                "eight most blond and dark-skinned, which are picked and no fair impression.",
            ),
            "How often samples are read as a rare combination, and their mean skin (0 light, 1 "
            "dark, read at ½): near ½ they are faces of middling skin rather than the opposite of "
            "what training showed.",
            prior_table(asked),
            "## Does a stronger regularisation help?",
            "Of rare combinations: the value at the β chosen on the other seeds, minus that at "
            f"β = {asked.run.beta.min():g}, paired by seed; bold where it is not 0 after Holm's "
            "correction over the whole table, the best β in brackets. For errors, below 0 is "
            "better.",
            strengths_table(asked),
        ],
    )


def _answer(asked: Asked) -> str:
    rows, j = {float(r): asked.row(float(r)) for r in asked.run.mu}, asked.column(MIDDLE)
    of_hair, of_skin = (contrast(asked, "best", k)[:, j] for k in (0, 1))
    never, strongest = min(rows), float(asked.run.beta.max())
    by_hair = t_interval(moved(asked, 0, 1)[rows[never], j])
    encoded = contrast(asked, "encoded", 1)[rows[never]]
    weak, strong = (
        value(t_interval(encoded[asked.column(b)])) for b in (asked.run.beta.min(), strongest)
    )
    return (
        f"**{apart_verdict(t_interval(of_skin[rows[never]]))}** Rare faces were drawn with the "
        "best code that there is. Their skins differ from one another by so much of what those of "
        f"common faces do: {_over(of_skin, rows)}; their hair by {_over(of_hair, rows)} "
        f"(β = {MIDDLE:g}). 1 is a model that tells the two apart, −1 one whose skin follows hair "
        "as it does in training. Hair moved from dark to blond through the code moves the skin by "
        f"{value(by_hair)} at ρ = {short(never)}, where 0 is right and −1 is training's. "
        "What regularisation does: with the encoder's code the skins differ by "
        f"{weak} at ρ = {short(never)} with β = {asked.run.beta.min():g}, and by {strong} with "
        f"β = {strongest:,g}; a β above {asked.run.beta.min():g} is surely better in "
        f"{helped(lines(asked), QUESTIONS, 'a ρ')}."
    )


def _over(found: np.ndarray, rows: dict[float, int]) -> str:
    return listed(f"{value(t_interval(found[i]))} at ρ = {short(r)}" for r, i in rows.items())


def apart_verdict(found: Interval) -> str:
    """Answer the title by the contrast of skin where training never showed the two apart."""
    if float(found.low) > LARGELY:
        return "Yes, even where training never showed them apart."
    if float(found.low) > 0:
        return "In part, even where training never showed them apart."
    return "Not where training never showed them apart."
