"""The page on methods: seeds, intervals, limits, loss curves, prior art, commands."""

from collections.abc import Mapping

import numpy as np

from experiments.findings.curves import REACHED, noise_ratio, time_ratio
from experiments.findings.networks import networks
from experiments.pages.documents import Page, Part, commands_table
from experiments.pages.run import Runs
from experiments.pages.tables import Table
from experiments.pages.words import listed, number

PRIOR_ART = (
    "Lucas, Tucker, Grosse & Norouzi 2019 (the linear VAE's optimum and its collapse threshold)",
    "Dai, Wang & Wipf 2020 (collapse as a property of the optimisation of deep VAEs)",
    "Wang & Ziyin 2022 (the threshold of linear latent models)",
    "Ichikawa & Hukushima 2024 (β, the amount of data and collapse in the high-dimensional limit "
    "of linear VAEs)",
    "Li et al. 2025, arXiv 2510.01621 (the same threshold for nonlinear models, with a jump of the "
    "KL)",
)


def methods_page(runs: Runs, commands: Mapping[str, str]) -> Page:
    """Say how far to trust the answers, what they rest on and how to make them again."""
    seeds = sorted({run.study.seeds for run in runs.values()})
    hidden = "-".join(map(str, runs["blog"].setting("hidden")))
    minutes = float(np.nansum([run.minutes for run in runs.values()]))
    return Page(
        "methods",
        "Methods: how far to trust it, and how to make it again",
        f"{len(runs)} sweeps of {listed((f'{s}' for s in seeds), 'no')} seeds are behind these "
        "pages. One optimiser, one world and one bias are tried, and one network but for a control "
        f"of {len(networks(runs))} others; what differs between runs is β, the bias, the number of "
        "images, the KL, the warm-up and the rivals of β.",
        [
            "## How far to trust it",
            "A seed is a replicate of initialisation, noise and training set; the same seed has "
            "the same data in all runs, so that runs are compared seed by seed. Intervals are "
            "95 %, Student's t over seeds unless said otherwise; those of the best β are "
            "bootstraps over seeds ([statistics](../mathematics.md#statistics)). Many are shown, "
            "and one in twenty would exclude 0 by chance; the counts of the decoder's answer are "
            "also given after Holm's correction over all their pairs. Other verdicts over several "
            "cells are counts, not tests.",
            f"The network has hidden layers of {hidden}, the optimiser is Adam, the world is "
            "independent squares in Gaussian noise, and the bias shifts their latents. The best β "
            "and the best number of steps are chosen by the score itself on other training sets, "
            "and stopping by the loss on unseen images uses 1,024 of them: someone with one "
            "training set has neither. A best step is among those measured. Whether any of it "
            "holds for other worlds and biases is open.",
            *_curves(runs),
            "## Prior art",
            "That β above the largest eigenvalue over σ² collapses a latent is known: "
            f"{listed(PRIOR_ART)}. New here is what it does to a biased test, to the prior's "
            "samples and at finite data, with its rivals.",
            "## Commands and times",
            "`python -m experiments.findings` makes these runs where they are missing, goes on "
            "where it stopped, and writes these pages. Each run is a sweep like any other, `python "
            f"-m experiments.full_sweep …`. All together took {number(minutes, 0)} minutes, from a "
            "run's start to its results, pauses included.",
            commands_table("methods_commands", runs, commands),
        ],
    )


def _curves(runs: Runs) -> list[Part]:
    """Say whether the loss is noisier with β, and whether training takes longer with it."""
    blog, exact = runs["blog"], runs["analytic"]
    noise = [noise_ratio(run) for run in (blog, exact)]
    longer = [time_ratio(run) for run in (blog, exact)]
    low, high = blog.beta.min(), blog.beta.max()
    return [
        "## What the original study saw in its loss curves",
        "It writes that more regularisation gives a higher loss, a noisier one, and longer "
        "training. The loss is higher with β because β multiplies one of its terms. The table has "
        f"the ratio of β = {high:g} to β = {low:g}, a geometric mean over μ with an interval over "
        f"{blog.study.seeds} seeds. *Noise* is the standard deviation of the loss over the second "
        "half of training (of means over bins of steps, without their trend), *length* the "
        f"number of steps until {100 * REACHED:.0f} % of the loss's fall. Above 1 is noisier, or "
        "longer.",
        Table(
            "methods_loss_curves",
            {"KL": "kl", "noise": "noise_ratio", "length": "steps_ratio"},
            [["one sample", noise[0], longer[0]], ["closed form", noise[1], longer[1]]],
        ),
    ]
