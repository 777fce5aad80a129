"""Where the best β of a score lies: words and tables."""

import numpy as np

from biasvae_jax.statistics.optimum import Better
from experiments.findings.evidence import sizes
from experiments.findings.optima import Best, best, surely
from experiments.findings.runs import GRIDS
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Cell, Table
from experiments.pages.words import of, value

EDGES = {-1: "weakest", 1: "strongest"}


def asked(runs: Runs, name: str, better: Better) -> dict[str, Best]:
    """Find the best β of a score by run: for each number of images, endless data last."""
    return {run.name: best(run.values(name), run.beta, better) for _, run in sizes(runs)}


def finite_only(found: dict[str, Best]) -> dict[str, Best]:
    """Leave out endless data."""
    return {name: each for name, each in found.items() if name != "n-endless"}


def yes(count: int) -> str:
    """Answer whether there is any."""
    return "yes" if count else "no"


def helped(found: dict[str, Best]) -> tuple[int, int, int]:
    """Count where a β above the weakest helps, after Holm's correction, and out of how many."""
    helps, p = ([getattr(each, f) for each in found.values()] for f in ("helps", "p"))
    whole = np.concatenate(helps)
    return int(whole.sum()), surely(helps, p), whole.size


def most_words(runs: Runs, found: dict[str, Best]) -> str:
    """Say where the change at the best β is largest."""
    sized = {
        (name, row): abs(change)
        for name, each in found.items()
        for row, change in enumerate(np.nan_to_num(each.gain.mean))
    }
    name, row = max(sized, key=lambda place: sized[place])
    run, at = runs[name], found[name]
    images = run.study.training.training_images
    data = f"{images:,} images" if images else "endless data"
    return (
        f"{value(at.gain.at(row))}, with {data} at μ = {run.mu[row]:g} and β = "
        f"{optimum_cell(at, row).text}"
    )


def optimum_cell(found: Best, row: int) -> Cell:
    """Write the best β of a row with its interval, and say if it may lie beyond the grid."""
    at = found.optimum
    best_beta, low, high = (float(field[row]) for field in (at.strength, at.low, at.high))
    text = f"{best_beta:g}" + (f" [{low:g}, {high:g}]" if np.isfinite(low) else "")
    edge = EDGES.get(int(at.censored[row]), "") if best_beta else ""  # nothing is below 0
    behind = {"": best_beta, "_low": low, "_high": high, "_grid_edge": edge}
    return Cell(text + (f" (the grid's {edge})" if edge else ""), behind)


def best_table(name: str, runs: Runs, found: dict[str, Best], change: str, plain: str) -> Table:
    """Lay out the best β of a score and its gain, for each number of images and bias."""
    rows = []
    for label, run in sizes(runs):
        images, at = images_cell(label, run), found[run.name]
        for i, mu in enumerate(run.mu):
            rows.append([images, mu, optimum_cell(at, i), at.gain.at(i)])
    columns = {"images": "images", "μ": "mu", "best β": "best_beta", change: plain}
    return Table(name, columns, rows)


def images_cell(label: str, run: Run) -> Cell:
    """Write how many images a run has."""
    return Cell(label, {"": run.study.training.training_images or "endless"})


def grids_table(name: str, runs: Runs, score: str, better: Better) -> Table:
    """Say for each KL, with and without warm-up, where the weakest β is best."""
    rows = []
    for each in GRIDS:
        run = runs[each]
        found = best(run.values(score), run.beta, better)
        edge, gains = int((found.optimum.censored == -1).sum()), int(found.helps.sum())
        rows.append([*protocol(run), run.study.seeds, counted(edge, run), counted(gains, run)])
    columns = {
        "run": "run",
        "KL": "kl",
        "warm-up, steps": "warmup_steps",
        "seeds": "seeds",
        "the weakest β is best": "biases_weakest_is_best",
        "a larger β gains": "biases_larger_gains",
    }
    return Table(name, columns, rows)


def protocol(run: Run) -> list[str | int]:
    """Return a grid's name, its KL and its warm-up."""
    kl = {"sampled": "one sample", "analytic": "closed form"}[run.setting("kl")]
    return [run.name, kl, run.setting("kl_warmup") or "none"]


def counted(count: int, run: Run) -> Cell:
    """Write a count of a run's biases."""
    return Cell(of(count, len(run.mu), "bias", "biases"), {"": count, "_of": len(run.mu)})
