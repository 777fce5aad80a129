"""The page on rivers: whether those that curve left come out of a model that hardly saw any."""

from functools import partial

import numpy as np

from biasvae_jax.statistics.intervals import t_interval
from experiments.pages.documents import Page, Picture
from experiments.pages.run import Runs
from experiments.pages.words import listed, value
from experiments.rare import rivers_figures as figures
from experiments.rare import rivers_tables as tables
from experiments.rare.asked import Asked
from experiments.rare.comparing import ALPHA, helped
from experiments.rare.left import (
    COUNTS,
    LEFT,
    QUESTIONS,
    RIGHT,
    RIVERS,
    SAMPLES,
    TURNS,
    mean_over,
    rate,
    share,
)
from experiments.rare.percents import percent, percents
from experiments.rare.rivers_tables import ENDLESS, FAIR, FINITE, STRONG
from experiments.rare.runs import SIZE


def rivers_page(runs: Runs) -> Page:
    """Answer for rivers."""
    asked = {name: Asked.of(run) for name, run in runs.items() if name.startswith("rivers-")}
    both = finite, endless = asked[FINITE], asked[ENDLESS]
    always = (RIVERS * (TURNS - COUNTS))[LEFT].sum() / RIVERS[LEFT].sum() / TURNS
    return Page(
        "rivers",
        "Rivers: do those that curve left come out?",
        _answer(asked),
        [
            "The original study's motivation. A river flows down the picture and makes "
            f"{TURNS} turns; in training each is to the right with probability p, .5 being fair. "
            "A river *curves left* if more than half of its turns are to the left. Of all rivers "
            f"{RIVERS[LEFT].sum():.0f} of {RIVERS.sum():.0f} do: {percent(rate(FAIR))} of the "
            f"training images at p = .5, {percent(rate(0.7))} at p = .7 and "
            f"{percent(rate(STRONG))} at p = .9, which are {SIZE * rate(STRONG):.1f} of "
            f"{SIZE:,}. A picture is read as the river, of all that there are, that it is nearest "
            "to in squared error, so that noise in a picture hardly changes what it shows.",
            "## What comes out of the prior",
            Picture(
                "rivers_samples",
                "Samples of models of fair and of biased rivers",
                partial(figures.samples, asked),
                f"Samples of the prior at β = 1 (seed 0): the first eight, and of {SAMPLES:,} the "
                "eight with most turns to the left, which are picked and no fair impression.",
            ),
            Picture(
                "rivers_turns",
                "Turns to the left of samples, against training and fair rivers",
                partial(figures.turns, finite, endless),
                f"How many of {TURNS} turns are to the left: samples at p = .9 (bands: 95 % "
                "intervals over seeds), training images, fair rivers. None at all is drawn at "
                "the bottom.",
            ),
            "How many models draw left-curving rivers more often than their training images show "
            f"them, or more rarely: exact binomial tests of {SAMPLES:,} samples a model, Holm's "
            "correction over the models of a row. *Samples*: mean over the strengths. The rows of "
            "p = .5 are the control: there a left-curving river is not rare, and what differs is "
            "no effect of a bias. At p = .9 only an excess can be seen: of so many samples "
            f"{SAMPLES * rate(STRONG):.1f} are expected, too few to tell from none. "
            f"{_poor(finite)}",
            tables.prior_table(asked),
            "## What the decoder can draw",
            Picture(
                "rivers_drawn",
                "Six test rivers, as models of fair and biased rivers draw them",
                partial(figures.drawn, asked),
                "Test rivers from all right to all left, and what becomes of them at β = 1 "
                "(seed 0): from the encoder's code, and from the *best code*, the one that is "
                "decoded nearest to the river, which needs no encoder.",
            ),
            Picture(
                "rivers_error",
                "Error of test rivers against their turns to the left",
                partial(figures.error, finite, endless),
                "β = 1. Full lines: the best code; dashed: the encoder's. Above: squared error a "
                "pixel. Below: share of the test rivers whose drawing has as many left turns. "
                "Bands are 95 % intervals over seeds.",
            ),
            "Squared error a pixel of left-curving test rivers at β = 1, and over that of "
            "right-curving ones. Those are their mirror images, so that at p = .5 the ratio must "
            "be about 1. What the best code cannot draw is not the encoder's fault. The best code "
            "has the least error, not the most likeness: a blur in the middle can beat a sharp "
            "river in a wrong place.",
            tables.decoder_table(both),
            "## What the code says",
            "*Accuracy of a turn*: balanced, of a logistic head, on held-out test rivers; ½ is "
            "chance. *Heads*: share of the turns of left- and of right-curving test rivers that a "
            "linear map of the code tells, fitted on fair test rivers or on rivers as biased as "
            f"the model's own. Always saying “right” tells {always:.2f} of the turns of "
            "left-curving ones. β = 1.",
            tables.code_table(both),
            "## Which objective, which strength, how many images",
            "At p = .9, of left-curving test rivers and samples. For each question an objective "
            "has the strength that is best for the *other* seeds, so that a lucky strength gains "
            "nothing. Bold: different from the β-ELBO with as many images, paired by seed, after "
            f"Holm's correction over the whole table (p < {ALPHA:g}). *Drawn as such*: with as "
            "many left turns.",
            tables.objectives_table(asked),
            "Does a stronger regularisation than the weakest of the grid help? The value at the "
            "strength chosen on the other seeds, minus that at the weakest, paired by seed; bold "
            "where it is not 0 after Holm's correction over the whole table, the best strength in "
            "brackets. For errors, below 0 is better.",
            tables.strengths_table(asked),
            "## Every strength at p = .9",
            "[`prior_mass`](../scores.md#generation-outside-the-training-distribution) counts "
            "single left turns, with the world's own reader, over those of training images. That "
            "reader takes noise in a picture for turns.",
            tables.cells_table(asked),
        ],
    )


def _answer(asked: tables.Runs) -> str:
    """Answer for prior, decoder and code, and say what is best."""
    finite, endless = asked[FINITE], asked[ENDLESS]
    line, other = (tables.lines(asked)[name] for name in (FINITE, ENDLESS))
    drawn = [percents(each.chosen(QUESTIONS["encoded"])) for each in (line, other)]
    words = (
        f"**Hardly ever.** At p = .9, where {percent(rate(STRONG))} of the training rivers curve "
        f"left, {_shares(finite)} of the samples do with {SIZE:,} images, and {_shares(endless)} "
        f"with endless data (of fair rivers {percent(rate(FAIR))} do). **Nor can the decoder draw "
        f"them:** at the best β, {drawn[0]} of the left-curving test rivers come out with as many "
        f"left turns ({drawn[1]} with endless data); of models of fair rivers "
        f"{_at(finite, FAIR, 'encoded_same')} do at β = 1. **The code still knows them:** a head "
        f"fitted on fair rivers tells {_at(finite, STRONG, 'told_fair')} of their turns (models of "
        f"fair rivers: {_at(finite, FAIR, 'told_fair')}), but one fitted on rivers as biased as "
        f"the training images {_at(finite, STRONG, 'told_biased')}. **More regularisation hardly "
        f"helps:** a strength above the weakest is surely better in "
        f"{helped(list(tables.lines(asked).values()), QUESTIONS, 'a run')}."
    )
    return " ".join(filter(None, (words, _rivals(asked))))


def _shares(asked: Asked) -> str:
    """Return the share of left-curving samples at the weakest β and at 1, at the strong bias."""
    found = share(asked)[asked.row(STRONG)]
    weakest, one = (percents(found[asked.column(b)]) for b in (0, 1))
    return f"{weakest} (β = {asked.run.beta.min():g}) and {one} (β = 1)"


def _poor(asked: Asked) -> str:
    """Say how far left- and right-curving samples are from a river, at the weakest β."""
    at = asked.row(STRONG), asked.column(0)
    count, away = asked.values("prior")[at], asked.values("prior_numbers")[at][..., 1]
    with np.errstate(invalid="ignore"):  # a seed may have none
        left, right = (
            t_interval(np.nansum((count * away)[:, side], -1) / count[:, side].sum(-1))
            for side in (LEFT, RIGHT)
        )
    return (
        f"With {SIZE:,} images at β = {asked.run.beta.min():g} left-curving samples are "
        f"{value(left)} from the nearest river (squared, a pixel), right-curving ones "
        f"{value(right)}."
    )


def _at(asked: Asked, bias: float, name: str) -> str:
    return percents(mean_over(asked, name)[asked.row(bias), asked.column(1)])


def _rivals(asked: tables.Runs) -> str:
    """Say which rivals do better than the β-ELBO, after Holm; nothing if there are none."""
    apart = tables.differences(asked)
    if not apart:
        return ""
    better = [
        f"{asked[name].objective} ({QUESTIONS[key].label}, {asked[name].size})"
        for (name, key), (difference, p) in apart.items()
        if p < ALPHA and (np.nanmean(difference) > 0) == (QUESTIONS[key].better == "higher")
    ]
    return (
        f"Better than the β-ELBO, each at its best strength: {listed(better)}."
        if better
        else "No other objective does better than the β-ELBO on any of these questions."
    )
