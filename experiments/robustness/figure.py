"""The figure: gains over the plain VAE, a panel for each question and number of images."""

import numpy as np
from matplotlib.figure import Figure

from experiments.robustness.effects import BETTER, QUESTIONS, SAME, WORSE, Effect, Question
from experiments.robustness.sizes import data

WIDTH = 7.6  # inches, near the width of the page
SIGNS = {BETTER: "+", WORSE: "−", SAME: "="}


def maps(found: list[Effect]) -> Figure:
    """Draw the gains of objectives (rows) under biases (columns)."""
    sizes = list(dict.fromkeys(e.images for e in found))
    asked = [q for q in QUESTIONS if any(e.question is q for e in found)]
    objectives = list(dict.fromkeys(e.objective for e in found))
    biases = list(dict.fromkeys(e.bias for e in found))
    figure = Figure(figsize=(WIDTH, 0.8 + 2.5 * len(asked)), layout="constrained")
    panels = figure.subplots(len(asked), len(sizes), squeeze=False, sharex=True, sharey=True)
    for row, question in zip(panels, asked, strict=True):
        of_question = [e for e in found if e.question is question]
        drawn, gains = None, [float(e.gain.mean) for e in of_question]
        most = np.nanmax([3 * question.margin, *gains])  # what is as bad, or worse, is darkest
        for axes, images in zip(row, sizes, strict=True):
            if not any(e.images == images for e in of_question):
                axes.set_visible(False)
                continue
            values = np.full((len(objectives), len(biases)), np.nan)
            for e in of_question:
                if e.images == images:
                    place = objectives.index(e.objective), biases.index(e.bias)
                    values[place] = e.gain.mean
                    sign, pale = SIGNS.get(e.verdict, ""), e.gain.mean > 0.3 * most
                    axes.text(
                        *place[::-1], sign, ha="center", va="center",
                        color="black" if pale else "white",
                    )  # fmt: skip
            drawn = axes.imshow(values, cmap="viridis", vmin=-most, vmax=most, aspect="auto")
            axes.set_facecolor("0.9")
            title = question.title if images == sizes[0] else ""
            axes.set_title(f"{title}\n{data(images)}", fontsize=9, loc="left")
            axes.set_xticks(range(len(biases)), biases, rotation=40, ha="right", fontsize=8)
            axes.tick_params(labelbottom=question is _lowest(found, images))
            axes.set_yticks(range(len(objectives)), objectives, fontsize=8)
        unit = "gain, ln" if question.unit == "ln" else f"gain, {question.unit}"
        assert drawn is not None  # there is a size at least
        figure.colorbar(drawn, ax=list(row), label=unit, shrink=0.9)
    return figure


def _lowest(found: list[Effect], images: int | None) -> Question:
    """Return the question whose panel is the lowest of an amount of data."""
    return [q for q in QUESTIONS if any((e.question, e.images) == (q, images) for e in found)][-1]
