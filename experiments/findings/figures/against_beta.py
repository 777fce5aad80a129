"""Figures of what is best, and of scores against β: runs in, a matplotlib Figure out."""

import numpy as np
from matplotlib.figure import Figure

from biasvae_jax.statistics.intervals import t_interval
from experiments.findings.evidence import EXACT, at_end, sizes, stopped
from experiments.findings.figures.axes import (
    VERMILION,
    ZERO,
    beta_axis,
    legend,
    line,
    panels,
    shades,
    those_of,
)
from experiments.findings.optima import best, questions
from experiments.pages.run import Runs


def _by_size(runs: Runs, name: str, label: str) -> tuple[Figure, list]:
    biases, named = those_of(runs["n-endless"].mu, (0, 2, 4)), sizes(runs)
    figure, ((*every,),) = panels(len(biases), 3.6)
    for axes, mu in zip(every, biases, strict=True):
        for (text, run), colour in zip(named, shades(len(named)), strict=True):
            line(axes, run.beta, run.values(name)[run.row(mu)], color=colour, label=text)
        beta_axis(axes, named[-1][1].beta)
        axes.set_title(f"μ = {mu:g}", fontsize=10)
    every[0].set_ylabel(label)
    return figure, every


def optimal(runs: Runs) -> Figure:
    """Draw the best β of code, decoder and prior against μ, a line for each number of images."""
    named = sizes(runs)
    figure, ((*every,),) = panels(3, 3.8)
    for number, ((text, run), colour) in enumerate(zip(named, shades(len(named)), strict=True)):
        for axes, asked in zip(every, questions(run).values(), strict=True):
            found = best(asked.values, run.beta, asked.better).optimum
            middle, low, high = (
                np.where(np.asarray(b) == 0, ZERO, b)
                for b in (found.strength, found.low, found.high)
            )
            x = asked.mu + 0.12 * (number - (len(named) - 1) / 2)  # side by side
            reach = [middle - low, high - middle]
            axes.errorbar(
                x, middle, reach, fmt="o-", color=colour, label=text, markersize=3, linewidth=1
            )
            axes.set_title(asked.label, fontsize=10)
    endless = runs["n-endless"]
    for axes, asked in zip(every, questions(endless).values(), strict=True):
        wanted = endless.beta[asked.best_reference]
        axes.plot(
            asked.mu, np.where(wanted == 0, ZERO, wanted), "--", color=VERMILION, zorder=0,
            label="linear optimum, endless",
        )  # fmt: skip
        axes.set_yscale("log")
        ticks = [(ZERO, "0"), *((b, f"{b:g}") for b in (0.01, 0.1, 1, 10))]
        axes.set_yticks([p for p, _ in ticks], [t for _, t in ticks])
        axes.set_yticks([], minor=True)
        axes.set_xlabel("bias μ", fontsize=9)
        axes.grid(alpha=0.3)
    every[0].set_ylabel("best β")
    legend(figure, every[0], 3)
    return figure


def code(runs: Runs) -> Figure:
    """Draw R² of the code against β, a line for each number of images."""
    figure, every = _by_size(runs, "recovery_r2", "R² of the code (1 is best)")
    legend(figure, every[0], 3)
    return figure


def decoder(runs: Runs) -> Figure:
    """Draw the decoder's error against β, at the end of training and stopped early."""
    biases, named = those_of(runs["n-endless"].mu, (0, 2, 4)), sizes(runs)[:-1]
    figure, ((*every,),) = panels(len(biases), 3.9)
    colours = shades(len(named) + 1)
    for axes, mu in zip(every, biases, strict=True):
        for (text, run), colour in zip(named, colours, strict=False):
            row = run.row(mu)
            end = at_end(run, EXACT)[row]
            line(axes, run.beta, end, color=colour, label=text)
            early = stopped(run).generation[row]
            mean = np.asarray(t_interval(early).mean)
            axes.plot(np.where(run.beta == 0, ZERO, run.beta), mean, "--", color=colour)
        endless = runs["n-endless"]
        values = at_end(endless, EXACT)[endless.row(mu)]
        line(axes, endless.beta, values, color=colours[-1], label="endless")
        beta_axis(axes, endless.beta)
        axes.set_title(f"μ = {mu:g}", fontsize=10)
    every[0].set_ylabel("generation_mse (0 is best)")
    every[0].plot([], [], "--", color="0.4", label="stopped by unseen loss")
    legend(figure, every[0], 3)
    return figure


def prior(runs: Runs) -> Figure:
    """Draw the mass of the rare event under the prior: by μ with endless data, by N at one μ."""
    endless = runs["n-endless"]
    figure, ((left, right),) = panels(2, 4.0)
    for mu, colour in zip(endless.mu, shades(len(endless.mu)), strict=True):
        values = endless.values("prior_mass")[endless.row(mu)]
        line(left, endless.beta, values, color=colour, label=f"μ = {mu:g}")
    named, mu = sizes(runs), next(m for m in (1, 2, 0) if np.isclose(endless.mu, m).any())
    for (text, run), colour in zip(named, shades(len(named)), strict=True):
        line(right, run.beta, run.values("prior_mass")[run.row(mu)], color=colour, label=text)
    for axes, title in ((left, "endless data"), (right, f"μ = {mu:g}")):
        axes.axhline(1, color=VERMILION, linewidth=1.5)
        beta_axis(axes, endless.beta)
        axes.set_yscale("symlog", linthresh=0.1)
        axes.set_ylim(bottom=0)
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=8, frameon=False)
    left.set_ylabel("P(rare event) of samples ÷ of data")
    return figure
