"""The figures of the page on rivers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from biasvae_jax.statistics.intervals import t_interval
from experiments.findings.figures.axes import WIDTH, legend, shades
from experiments.rare.asked import Asked
from experiments.rare.images import Row, rows_of_images
from experiments.rare.left import COUNTS, SAMPLES, TURNS
from experiments.rare.views import view_of

FLOOR = 0.3 / SAMPLES  # where a share of 0 is drawn on a logarithmic axis
FINITE, ENDLESS = "rivers-1000", "rivers-endless"
SHOWN = (FINITE, 0.5), (FINITE, 0.9), (ENDLESS, 0.9)


def samples(asked: Mapping[str, Asked]) -> Figure:
    """Draw samples of the prior, and the most left-curving of many."""
    rows = []
    for name, p in SHOWN:
        each = asked[name]
        rows += [
            Row(f"p = {p:g}, {each.size}", each.pictures("prior", p, 1), space=True),
            Row("most left turns", each.pictures("rarest", p, 1)),
        ]
    return rows_of_images(rows)


def drawn(asked: Mapping[str, Asked]) -> Figure:
    """Draw the shown test rivers as models draw them."""
    world: Any = asked[FINITE].run.study.world
    truth = np.asarray(world.render(view_of(world).shown)).reshape(-1, *world.image[:2])
    rows = [Row("test river", truth)]
    for name, p in SHOWN:
        each = asked[name]
        rows += [
            Row(f"p = {p:g}, {each.size}:\nencoder's code", each.pictures("encoded", p, 1), True),
            Row("best code", each.pictures("best", p, 1)),
        ]
    left = (1 - view_of(world).shown).sum(-1)
    return rows_of_images(rows, [f"{int(k)} of {TURNS} left" for k in left])


def turns(finite: Asked, endless: Asked) -> Figure:
    """Draw the distribution of left turns over the prior's samples at p = .9."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, asked in zip(panels, (finite, endless), strict=True):
        counts = asked.values("prior")[asked.row(0.9)]
        parts = np.maximum(counts / counts.sum(-1, keepdims=True), FLOOR)
        for j, (strength, colour) in enumerate(
            zip(asked.run.beta, shades(len(asked.run.beta)), strict=True)
        ):
            found = t_interval(parts[j], axis=0)
            low = np.maximum(found.low, FLOOR)
            axes.fill_between(COUNTS, low, found.high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(COUNTS, found.mean, color=colour, label=f"β = {strength:g}")
        for p, style in ((0.9, "k-"), (0.5, "k:")):
            known = np.maximum(stats.binom.pmf(COUNTS, TURNS, 1 - p), FLOOR)
            name = "training images" if p == 0.9 else "fair rivers"
            axes.plot(COUNTS, known, style, linewidth=1.5, label=name)
        axes.axvspan(TURNS / 2 + 0.5, TURNS + 0.3, color="0.92", zorder=-2)
        axes.set_yscale("log")
        axes.set_xlim(-0.3, TURNS + 0.3)
        axes.set_title(f"p = .9, {asked.size}", fontsize=10)
        axes.set_xlabel(f"turns to the left, of {TURNS} (grey: curves left)", fontsize=9)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("share of samples")
    legend(figure, panels[0], 4)
    return figure


def error(finite: Asked, endless: Asked) -> Figure:
    """Draw error and likeness of test rivers against their number of left turns."""
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    panels = figure.subplots(2, 2, sharey="row", sharex=True)
    for column, asked in enumerate((finite, endless)):
        for p, colour in zip(asked.run.mu, shades(len(asked.run.mu)), strict=True):
            for code, style in (("best", "-"), ("encoded", "--")):
                for row, kind in enumerate(("error", "same")):
                    values = asked.values(f"{code}_{kind}")[asked.row(p), asked.column(1)]
                    found = t_interval(values, axis=0)
                    axes = panels[row, column]
                    axes.fill_between(
                        COUNTS, found.low, found.high, color=colour, alpha=0.15, linewidth=0
                    )
                    label = f"p = {p:g}" if code == "best" else None
                    axes.plot(COUNTS, found.mean, style, color=colour, label=label)
        panels[0, column].set_title(asked.size, fontsize=10)
        panels[1, column].set_xlabel(f"turns to the left, of {TURNS}", fontsize=9)
    panels[0, 0].set_ylabel("squared error a pixel")
    panels[1, 0].set_ylabel("drawn with as many left turns")
    panels[1, 0].set_ylim(-0.05, 1.05)
    for axes in panels.flat:
        axes.grid(alpha=0.3)
    legend(figure, panels[0, 0], 3)
    return figure
