"""The page on collapse: what collapses below β*, and what changes it."""

from functools import partial

import numpy as np

from biasvae_jax.statistics.bounded import count_interval
from biasvae_jax.statistics.intervals import t_interval
from experiments.findings.fates import (
    CELLS,
    alive,
    alive_in,
    collapse_order,
    dead_at_collapse,
    fates,
    leaky_alive,
    more_alive,
)
from experiments.findings.figures import training
from experiments.findings.runs import GRIDS
from experiments.pages.documents import Page, Picture
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Cell, Table, fixed
from experiments.pages.words import NONE, listed, number, of, sign, value

PLAIN = "collapse-sampled-relu-1e-3"  # the original study's way, with a time course


def collapse_page(runs: Runs) -> Page:
    """Write what collapses below β*, and what changes it."""
    named = [run for name, run in runs.items() if name.startswith("collapse-")]
    blog, exact = runs["blog"], runs["analytic-annealed"]
    return Page(
        "collapse",
        "Collapse: why do models lose their latents below the threshold?",
        f"**{_verdict(runs)}** Below β\\* the best linear model keeps latents active, and yet "
        f"with the original study's protocol {_of(alive(blog))} models keep one. With a KL in "
        "closed form and a warm-up, in which β grows from 0 over the first "
        f"{exact.setting('kl_warmup'):,} steps, {_of(alive(exact))} do.",
        [
            "A latent is *active* if its posterior mean varies by more than 0.01 over training "
            "images. A model is *collapsed* if none is: its decoder then draws one image, whatever "
            "the encoder sees. β\\*(μ) = λ/σ² is the β at which the best linear model collapses "
            "([the boundary](diagonal.md)).",
            "## What was changed",
            "On the grid of 11 biases and 11 β of the original study, the KL (one sample, as there "
            "and in many programs, or the closed form) and the warm-up. *In those cells*: of "
            f"{', '.join(f'μ = {m:g} and β = {b:g}' for m, b in CELLS)}. They were chosen because "
            "`blog` loses them, so that its own count there is low by choice. The last column "
            "counts all models below β\\*; its range, as the other's, is exact for a count "
            "(Clopper–Pearson, 95 %).",
            _grids(runs),
            f"Paired by seed, of the {int(blog.below().sum())} models of a seed below β\\*, "
            f"{value(more_alive(runs['annealed'], blog))} more stay active with the warm-up (one "
            f"sample), {value(more_alive(runs['analytic'], blog))} more with the closed form "
            f"without warm-up, and {value(more_alive(exact, runs['annealed']))} more with it.",
            "## What would look the same",
            "*Units that die.* A ReLU whose input is negative for every image passes no gradient "
            "on. If enough of them die, an encoder cannot come back, and one would blame them for "
            f"the collapse. On a smaller grid (μ = {_values(named[0].mu)}; "
            f"β = {_values(named[0].beta)}; {named[0].study.seeds} seeds; no warm-up) some models "
            "have leaky ReLUs, which cannot die, and some a lower learning rate. *Dead* is the "
            "median share of hidden units that no image changes any more, at the end.",
            _variants(named),
            f"With leaky ReLUs {value(leaky_alive(runs))} more models a seed stay active (one-"
            "sample KL, learning rate 0.001, paired by seed). " + _order(runs[PLAIN]),
            Picture(
                "findings_collapse",
                "Active latents and dead units over training",
                partial(training.collapse, runs),
                "Models below β\\*, learning rate 0.001: median, and band of 10 to 90 %. Collapsed "
                "ones are more often of a high μ, at which units die whether or not a model "
                "collapses; hence the comparison at the same μ above.",
            ),
            *_dead_then(runs[PLAIN]),
        ],
    )


def _values(numbers: np.ndarray) -> str:
    return ", ".join(f"{n:g}" for n in numbers)


def _of(counted: tuple[int, int]) -> str:
    return f"{counted[0]} of {counted[1]}"


def _share(count: int, whole: int) -> Cell:
    if not whole:
        return Cell(NONE, {"": np.nan})
    found = count_interval(count, whole)
    text = f"{count} of {whole} ({100 * found.low:.0f} to {100 * found.high:.0f} %)"
    return Cell(text, {"": count, "_of": whole})


def _grids(runs: Runs) -> Table:
    rows = []
    for name in GRIDS:
        run = runs[name]
        warm = run.setting("kl_warmup")
        counted = [_share(*alive_in(run)), _share(*alive(run))]
        kl = {"sampled": "one sample", "analytic": "closed form"}[run.setting("kl")]
        rows.append([f"`{name}`", kl, warm or "none", run.study.seeds, *counted])
    columns = {
        "run": "run",
        "KL": "kl",
        "warm-up, steps": "warmup_steps",
        "seeds": "seeds",
        "active in those cells": "active_in_cells",
        "active below β\\*": "active_below_threshold",
    }
    return Table("collapse_grids", columns, rows)


def _variants(named: list[Run]) -> Table:
    rows = []
    for run in named:
        dead, (lost, kept) = run.course("dead_units")[..., -1], fates(run)
        rows.append(
            [
                {"sampled": "one sample", "analytic": "closed form"}[run.setting("kl")],
                run.setting("activation").replace("_", " "),
                run.setting("learning_rate"),
                _share(*alive(run)),
                *(fixed(float(np.median(dead[w])) if w.any() else np.nan, 2) for w in (lost, kept)),
            ]
        )
    columns = {
        "KL": "kl",
        "activation": "activation",
        "learning rate": "learning_rate",
        "active below β\\*": "active_below_threshold",
        "dead, if collapsed": "dead_share_if_collapsed",
        "dead, if not": "dead_share_if_active",
    }
    return Table("collapse_variants", columns, rows)


def _order(plain: Run) -> str:
    gone, dead = collapse_order(plain)
    if not gone.size:
        return ""
    died = np.isfinite(dead)
    first = int((dead < gone).sum())
    return (
        f"In `{plain.name}` the last latent of a collapsed model is gone after "
        f"{np.median(gone):,.0f} steps (median of {gone.size}; {gone.min():,.0f} to "
        f"{gone.max():,.0f}). Nine tenths of the hidden units die in "
        f"{of(int(died.sum()), gone.size, 'model')}"
        + (f", after {np.median(dead[died]):,.0f} steps (median)" if died.any() else "")
        + f"; before the last latent goes, in {of(first, gone.size, 'model')}."
    )


def _dead_then(run: Run) -> list[str]:
    rows = dead_at_collapse(run)
    if not len(rows):
        return []
    by_seed = [rows[rows[:, 2] == seed] for seed in range(run.study.seeds)]
    apart = t_interval(
        np.array([np.mean(r[:, 0] - r[:, 1]) if len(r) else np.nan for r in by_seed])
    )
    then, others = np.median(rows[:, :2], 0)
    return [
        "*Dead units as an effect of μ.* When the last latent of a model goes, "
        f"{number(float(then))} of its units are dead. In the models of the same μ that stay "
        f"active it is {number(float(others))} at the same step (medians of {len(rows)} models; "
        f"the mean difference is {value(apart)}, over {run.study.seeds} seeds)."
    ]


def _verdict(runs: Runs) -> str:
    blog = runs["blog"]
    causes = {
        "the missing warm-up": more_alive(runs["annealed"], blog),
        "the noise of the one-sample KL": more_alive(runs["analytic"], blog),
    }
    found = [cause for cause, more in causes.items() if sign(more) > 0]
    verb = "are" if len(found) > 1 else "is"
    words = f"{listed(found)} {verb} part of it."
    parts = [words[0].upper() + words[1:] if found else ""]
    parts.append(
        "Units that die are part of it."
        if sign(leaky_alive(runs)) > 0
        else "Hidden units that die are not shown to be: where none can die as many models "
        "collapse, as far as seeds can tell."
    )
    return " ".join(p for p in parts if p)
