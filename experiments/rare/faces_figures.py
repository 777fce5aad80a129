"""The figures of the page on faces."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.findings.figures.axes import WIDTH, beta_axis, legend, line, shades
from experiments.pages.words import short
from experiments.rare.apart import moved
from experiments.rare.asked import Asked
from experiments.rare.images import Row, rows_of_images
from experiments.rare.views import view_of

FACTORS = "hair", "skin"


def drawn(asked: Asked, beta: float) -> Figure:
    """Draw the shown test faces as models draw them."""
    world: Any = asked.run.study.world
    truth = np.asarray(world.render(view_of(world).shown)).reshape(-1, *world.image)
    rows = [Row("test face", truth)]
    for rho in asked.run.mu:
        rows += [
            Row(f"ρ = {short(rho)}:\nencoder's code", asked.pictures("encoded", rho, beta), True),
            Row("best code", asked.pictures("best", rho, beta)),
        ]
    return rows_of_images(rows)


def moved_pictures(asked: Asked, beta: float) -> Figure:
    """Draw hair moved, then skin moved, a row for each ρ."""
    rows = []
    for rho in asked.run.mu:
        strips = asked.pictures("moved", rho, beta)
        rows.append(Row(f"ρ = {short(rho)}", strips.reshape(-1, *strips.shape[2:])))
    between = [""] * (len(rows[0].images) // 2 - 2)
    return rows_of_images(rows, ["hair, from", *between, "to", "skin, from", *between, "to"])


def samples(asked: Asked, beta: float) -> Figure:
    """Draw samples of the prior, and the most blond and dark-skinned of many."""
    rows = []
    for rho in asked.run.mu:
        rows += [
            Row(f"ρ = {short(rho)}", asked.pictures("prior", rho, beta), space=True),
            Row("most blond\nand dark-skinned", asked.pictures("rarest", rho, beta)),
        ]
    return rows_of_images(rows)


def effects(asked: Asked) -> Figure:
    """Draw how far hair and skin move with themselves and with each other, against β."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    beta = np.asarray(asked.run.beta)
    for factor, axes in enumerate(panels):
        for i, (rho, colour) in enumerate(
            zip(asked.run.mu, shades(len(asked.run.mu)), strict=True)
        ):
            own, other = (moved(asked, factor, k)[i] for k in (factor, 1 - factor))
            line(axes, beta, own, color=colour, label=f"ρ = {short(rho)}")
            line(axes, beta, other, color=colour, linestyle="--")
        beta_axis(axes, beta)
        axes.set_title(f"{FACTORS[factor]} moved", fontsize=10)
    panels[0].set_ylabel("change of what is drawn")
    legend(figure, panels[0], 3)
    return figure
