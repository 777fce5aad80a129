"""The page on the boundary: whether it is the theory's diagonal, and how the KL ends there."""

from functools import partial

import numpy as np

from biasvae_jax.statistics.boundary import Slope
from biasvae_jax.statistics.level_sets import compare_models
from experiments.findings.best_beta import protocol
from experiments.findings.boundary import beside_theory, jumps, kl_before_collapse, slope
from experiments.findings.controls import controls_table
from experiments.findings.figures import training
from experiments.findings.kink import kink_parts
from experiments.findings.runs import GRIDS
from experiments.pages.documents import Page, Part
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Cell, Table, code, fixed
from experiments.pages.words import escaped, listed, number, of, value

SCORES = ("recovery_r2", "kl", "generation_mse")
SIDES = {0: "not told apart", 1: "flatter", -1: "steeper"}


def diagonal_page(runs: Runs) -> Page:
    """Write how the boundary runs, and how the KL ends."""
    grids = [runs[name] for name in GRIDS]
    fine = [run for name, run in runs.items() if name.startswith("fine-")]
    return Page(
        "diagonal",
        "The diagonal: where does a model lose its latents, and how?",
        _answer(grids, fine),
        [
            "The original study saw diagonals in its maps of bias against log β: beyond a line "
            "that falls with μ, models have collapsed. The optimum of a *linear* β-VAE has such a "
            "line, β\\*(μ) = λ(μ)/σ² ([mathematics](../mathematics.md#the-linear-optimum)): λ is "
            "the variance of the training images along one square, noise included, and σ² that of "
            "the noise. β̂(μ) is where half the latents of the networks are active, interpolated in "
            "log β between the grid's β; its slope is d log β̂/dμ.",
            "## Its slope",
            "*By the seeds*: the 95 % interval of the slope against the theory's. *In the worst "
            "case* β̂ lies anywhere between the two β of the grid around it; then the slope can be "
            "off by as much as stands there.",
            _slopes(grids),
            "## Its place",
            "The range of β̂/β\\* over μ, and at how many μ β̂ lies below / at / above β\\*. Since "
            "β̂ is interpolated, it can lie above β\\* though at no β of the grid beyond β\\* half "
            "the latents are active; the worst case tells.",
            _places(grids),
            "## What would look the same",
            *_contest(grids[-1]),
            *controls_table("diagonal_controls", runs, ("active_units", "kl")),
            *kink_parts(fine, partial(training.kink, runs)),
        ],
    )


def _answer(grids: list[Run], fine: list[Run]) -> str:
    found = [slope(run) for run in grids]
    falls = sum(float(s.interval.high) < 0 for s in found)
    apart = sum(_sign(s.side) != 0 for s in found)
    worst = sum(_sign(s.widened_side) != 0 for s in found)
    before = [kl_before_collapse(run) for run in fine]
    last = listed(
        f"{value(kl)} nats at μ = {run.mu[0]:g}"
        for run, kl in zip(fine, before, strict=True)
        if kl is not None
    )
    return (
        f"**A boundary that falls with μ there is, in {of(falls, len(found), 'run')}. Its slope "
        f"differs from the theory's in {apart} by the seeds alone, and in {worst} where the "
        "spacing of the grid's β is allowed for.** "
        + (
            "Near β\\* the KL jumps, "
            if any(jumps(run) for run in fine)
            else "Near β\\* the KL falls to 0 without a jump of note: a kink, as in the linear "
            "model, "
        )
        + f"from {last}."
    )


def _sign(side: float) -> int:
    return 0 if np.isnan(side) else int(side)


def _slopes(grids: list[Run]) -> Table:
    rows = []
    for run in grids:
        found: Slope = slope(run)
        worst = SIDES[_sign(found.widened_side)]
        rows.append(
            [
                *protocol(run),
                run.study.seeds,
                found.interval,
                fixed(found.theory, 2),
                SIDES[_sign(found.side)],
                Cell(f"{worst} (±{number(found.resolution)})", {"": worst}),
                Cell(f"{found.used.sum()} of {len(run.mu)}", {"": int(found.used.sum())}),
            ]
        )
    columns = {
        "run": "run",
        "KL": "kl",
        "warm-up, steps": "warmup_steps",
        "seeds": "seeds",
        "d log β̂/dμ": "slope",
        "theory": "theory_slope",
        "by the seeds": "by_seeds",
        "in the worst case": "worst_case",
        "μ used": "biases_used",
    }
    return Table("diagonal_slopes", columns, rows)


def _places(grids: list[Run]) -> Table:
    """Count the μ at which the boundary lies below, at and above the theory's."""
    rows = []
    for run in grids:
        found = beside_theory(run)
        ratio = np.exp(np.asarray(found.interval.mean, float))
        known = ratio[np.isfinite(ratio)]
        low, high = (known.min(), known.max()) if known.size else (np.nan, np.nan)
        sides = []
        for side in (found.side, found.widened_side):
            counts = [int((side == s).sum()) for s in (-1, 0, 1)]
            ends = ("_below", "_at", "_above")
            behind: dict[str, str | float] = dict(zip(ends, counts, strict=True))
            sides.append(Cell("/".join(map(str, counts)), behind))
        place = Cell(f"{number(low)} to {number(high)}", {"_least": low, "_most": high})
        rows.append([run.name, place, *sides])
    columns = {
        "run": "run",
        "β̂/β\\*": "ratio",
        "by the seeds": "by_seeds",
        "in the worst case": "worst_case",
    }
    return Table("diagonal_places", columns, rows)


def _contest(run: Run) -> list[Part]:
    if len(run.mu) < 3:
        return []  # none can be held out
    rows, names = [], ()
    for score in SCORES:
        found = compare_models(run.values(score), run.mu, run.beta, run.threshold, "mu")
        names = found.names
        cells = [_contender(found.intervals.at(k), k == found.best) for k in range(len(names))]
        rows.append([code(score), *cells])
    columns = {"score": "score"} | {
        escaped(name): f"r2_{plain}"
        for name, plain in zip(
            names, ("mu", "log_beta", "additive", "distance", "fitted_slope"), strict=True
        )
    }
    return [
        "*A diagonal of another origin.* Five models of each score, by R² on biases held out of "
        "the fit (best in bold): μ or β alone; both, added up; the distance log β − log β\\*, in "
        "which nothing is fitted to where the line runs; and one in which its slope is fitted. "
        f"`{run.name}`, {run.study.seeds} seeds:",
        Table("diagonal_models", columns, rows),
    ]


def _contender(found, best: bool) -> Cell:
    ends = {"": found.mean, "_low": found.low, "_high": found.high}
    return Cell(f"**{value(found)}**" if best else value(found), ends)
