"""Figures of training, and of the KL near the threshold: runs in, a matplotlib Figure out."""

import numpy as np
from matplotlib.figure import Figure

from experiments.findings.boundary import kl_near
from experiments.findings.evidence import sizes
from experiments.findings.fates import fates
from experiments.findings.figures.axes import (
    BLUE,
    VERMILION,
    legend,
    line,
    panels,
    shades,
    those_of,
)
from experiments.findings.runs import RIVAL_SIZE
from experiments.pages.run import Run, Runs


def course(runs: Runs) -> Figure:
    """Draw the decoder's error and the code's R² over training, for some β and two biases."""
    run = runs.get(f"n-{RIVAL_SIZE}") or sizes(runs)[0][1]
    biases = those_of(run.mu, (0, 2))
    figure, every = panels(len(biases), 5.2, rows=2)
    betas = those_of(run.beta, (0.1, 0.6, 1, 2, 3))
    parts = (("generation_mse_exact", "generation_mse"), ("recovery_r2", "R² of the code"))
    for axes_row, (name, label) in zip(every, parts, strict=True):
        for axes, mu in zip(axes_row, biases, strict=True):
            for beta, colour in zip(betas, shades(len(betas)), strict=True):
                values = run.course(name)[run.row(mu), run.column(beta)]
                line(axes, run.snapshots, values.T, color=colour, label=f"β = {beta:g}")
            axes.set_xscale("log")
            axes.grid(alpha=0.3)
            axes.set_title(f"μ = {mu:g}", fontsize=10)
        axes_row[0].set_ylabel(label)
    for axes in every[-1]:
        axes.set_xlabel("training steps", fontsize=9)
    legend(figure, every[0][0], 5)
    return figure


def collapse(runs: Runs) -> Figure:
    """Draw active latents and dead units over training, of models below β* that end without any."""
    named = [r for n, r in runs.items() if n.startswith("collapse-") and n.endswith("1e-3")]
    figure, every = panels(len(named), 4.4, rows=2)
    for column, run in enumerate(named):
        active, dead = run.course("active_units"), run.course("dead_units")
        lost, kept = fates(run)
        kinds = ((lost, VERMILION, "end collapsed"), (kept, BLUE, "end active"))
        for where, colour, text in kinds:
            for axes, values in zip(every[:, column], (active, dead), strict=True):
                if where.any():
                    middle = np.median(values[where], 0)
                    ends = np.quantile(values[where], [0.1, 0.9], axis=0)
                    axes.fill_between(run.snapshots, *ends, color=colour, alpha=0.2, linewidth=0)
                    axes.plot(run.snapshots, middle, color=colour, label=text)
                axes.set_xscale("log")
                axes.grid(alpha=0.3)
        activation = run.setting("activation").replace("_", " ")
        every[0, column].set_title(f"{run.setting('kl')} KL\n{activation}", fontsize=9)
        every[1, column].set_xlabel("training steps", fontsize=9)
    every[0, 0].set_ylabel("active latents")
    every[1, 0].set_ylabel("share of dead units")
    legend(figure, every[0, 0], 2)
    return figure


def kink(runs: Runs) -> Figure:
    """Draw the KL around β*, beside the closed form."""
    fine = [run for name, run in runs.items() if name.startswith("fine-")]
    figure, ((*every,),) = panels(len(fine), 3.4, y=False)
    for axes, run in zip(every, fine, strict=True):
        _kink(axes, run)
    every[0].set_ylabel("KL, nats")
    legend(figure, every[0], 2)
    return figure


def _kink(axes, run: Run) -> None:
    kl, predicted = kl_near(run)
    ratio = run.beta / run.threshold[0]
    axes.plot(ratio, predicted, color=VERMILION, label="closed form")
    for seed in range(kl.shape[1]):
        label = "networks, a line a seed" if seed == 0 else None
        axes.plot(ratio, kl[:, seed], "o-", color=BLUE, alpha=0.6, markersize=3, label=label)
    axes.axvline(1, color="0.6", linewidth=1)
    axes.set_xlabel("β/β*", fontsize=9)
    axes.set_title(f"μ = {run.mu[0]:g}", fontsize=10)
    axes.grid(alpha=0.3)
