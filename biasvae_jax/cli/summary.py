"""The short table at the end of a sweep: the grid's corners beside a random network."""

import itertools
from pathlib import Path

import numpy as np
import xarray as xr
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from biasvae_jax.axes import Grid
from biasvae_jax.cli.output import print_table
from biasvae_jax.errors import shown
from biasvae_jax.runs import directory
from biasvae_jax.runs.results import SCORES, with_todays_regimes
from biasvae_jax.scores.base import left_out_of_sweep
from biasvae_jax.statistics.boundary import most_active
from biasvae_jax.statistics.regimes import RECOVERED_R2, counts_in_words, recovered
from biasvae_jax.study import Study
from biasvae_jax.theory import collapse_boundary
from biasvae_jax.worlds import Squares

SHOWN = ("pmi", "recovery_mse", "recovery_r2", "generation_mse", "kl", "active_units")
ORIGINAL_BASELINE = 0.1121  # the original study's randomly initialised network, mean of 3 runs


def print_summary(console: Console, out: Path, seconds: float | None) -> None:
    """Print directory, time, corners, baselines and diverged models of a finished run."""
    study = directory.stored_study(out, directory.read_description(out) or {})
    results = directory.read_dataset(out / "results.nc", study)
    print_table(console, _table(results, study.grid))
    _print_diverged(console, results, study.grid)
    _print_undefined(console, results)
    _print_left_out(console, study)
    _print_boundary(console, results, study)
    _print_what_became(console, results, study.grid)
    directory.read_dataset(out / "history.nc", study)  # only to tell if it is damaged
    if "random_recovery_mse_raw" in results:
        raw = float(results["random_recovery_mse_raw"].mean())
        original = f" (the original study reports {ORIGINAL_BASELINE} for its own)"
        console.print(
            f"random networks with the plainest head: recovery_mse {raw:.4f}"
            + (original if isinstance(study.world, Squares) else "")
        )
    took = f"in {seconds / 60:.1f} minutes" if seconds else "already finished"
    report = out / "report.html"
    console.print(f"{took}; open {shown(report if report.exists() else out / 'figures')}")


def _table(results: xr.Dataset, grid: Grid) -> Table:
    mean = f" (mean over {grid.seeds} seeds)" if grid.seeds > 1 else ""
    table = Table(title=f"Corners of the grid{mean}", box=SIMPLE_HEAD, pad_edge=False)
    names = [name for name in SHOWN if name in results]
    for heading in (grid.bias.symbol, grid.strength.symbol, *names):
        table.add_column(heading.replace("_", "\n"), justify="right", no_wrap=True)
    # what diverged has 0 active units
    means = results[names].where(results["finite"] == 1).mean("seed")
    rows, columns = ((0, size - 1) for size in grid.shape[:2])
    for i, j in dict.fromkeys(itertools.product(rows, columns)):
        cell = means.isel({grid.bias.name: i, grid.strength.name: j})
        values = (_number(cell[name]) for name in names)
        table.add_row(f"{grid.bias[i]:g}", f"{grid.strength[j]:g}", *values)
    table.add_section()
    baselines = ("random_" + name for name in names)
    random = (_number(results[name].mean()) if name in results else "–" for name in baselines)
    table.add_row("random", "network", *random)
    return table


def _number(value: xr.DataArray) -> str:
    return "n/a" if np.isnan(float(value)) else f"{float(value):.3f}"


def _print_undefined(console: Console, results: xr.Dataset) -> None:
    """Name the scores that have no value for some model whose training stayed finite."""
    missing = {
        name: int((results[name].isnull() & (results["finite"] == 1)).sum())
        for name in SCORES
        if name in results and name != "signal_share"  # undefined of every collapsed model
    }
    told = ", ".join(f"{name} ({count:,})" for name, count in missing.items() if count)
    if told:
        console.print(f"undefined for so many models (n/a): {told}")


def _print_left_out(console: Console, study: Study) -> None:
    """Say which scores of a sweep this study cannot have, and why."""
    reasons = left_out_of_sweep(study.recipe)
    for reason in dict.fromkeys(reasons.values()):
        names = ", ".join(name for name, why in reasons.items() if why == reason)
        console.print(f"left out: {names} ({reason})")


def _print_boundary(console: Console, results: xr.Dataset, study: Study) -> None:
    """Count the models with most latents active on either side of β*(μ), where there is one."""
    grid = study.grid
    if "threshold" in results:
        threshold = results["threshold"].values
    elif isinstance(study.world, Squares) and study.objective.optimum_known:  # of 0.1.0
        threshold = collapse_boundary(study.world, study.biases, study.sigma2)
    else:
        return
    active = results["active_units"].transpose(*grid.dims).values
    strengths = np.asarray(grid.strength.values)
    wanted = min(study.latents, len(study.world.factors))  # latents to spare stay at rest
    (before, below), (after, beyond) = most_active(active, strengths, threshold, wanted)
    line = f"{grid.strength.symbol} < {grid.strength.symbol}*({grid.bias.symbol})"
    console.print(
        f"models with most latents active: {before} of {below} with {line}, where the "
        f"linear theory expects it, and {after} of {beyond} beyond"
    )


def _print_what_became(console: Console, results: xr.Dataset, grid: Grid) -> None:
    """Count models by their regime and, apart from it, those that recovered the factors."""
    codes = with_todays_regimes(results)["regime"].values
    told = counts_in_words(codes, grid.strength.symbol, "signal_share" in results)
    console.print(f"what became of the models: {told}")
    if "recovery_r2" in results:
        models, of = recovered(results["recovery_r2"].values)
        console.print(f"recovered: {models} of {of} models (recovery R² ≥ {RECOVERED_R2:g})")


def _print_diverged(console: Console, results: xr.Dataset, grid: Grid) -> None:
    index = np.argwhere(results["finite"].transpose(*grid.dims).values == 0)
    if len(index):
        names = [
            f"{grid.bias.symbol}={grid.bias[i]:g} {grid.strength.symbol}={grid.strength[j]:g} "
            f"seed={k}"
            for i, j, k in index[:10]
        ]
        more = f" and {len(index) - 10} more" if len(index) > 10 else ""
        console.print(f"diverged (scores are NaN): {'; '.join(names)}{more}")
