"""The end of a sweep: the answer in a sentence, a small map of the grid, and what is to be said."""

from pathlib import Path

import numpy as np
import xarray as xr
from rich.console import Console
from rich.text import Text

from biasvae_jax.axes import Grid
from biasvae_jax.cli.colour_map import BAR, colour_map
from biasvae_jax.errors import shown
from biasvae_jax.report.answer import answer
from biasvae_jax.runs import directory
from biasvae_jax.runs.results import MEANINGS, SCORES, with_todays_regimes
from biasvae_jax.scores.base import left_out_of_sweep
from biasvae_jax.statistics.boundary import most_active
from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.statistics.regimes import RECOVERED_R2, counts_in_words, recovered
from biasvae_jax.study import Study
from biasvae_jax.theory import collapse_boundary
from biasvae_jax.worlds import Squares

ORIGINAL_BASELINE = 0.1121  # the original study's randomly initialised network, mean of 3 runs


def print_summary(console: Console, out: Path, seconds: float | None) -> None:
    """Print answer, map, diverged models, baselines, time and page of a finished run."""
    study = directory.stored_study(out, directory.read_description(out) or {})
    results = directory.read_dataset(out / "results.nc", study)
    threshold = _threshold(results, study)
    _print_answer(console, results, study.grid, threshold)
    _print_diverged(console, results, study.grid)
    _print_undefined(console, results)
    _print_left_out(console, study)
    _print_boundary(console, results, study, threshold)
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


def _threshold(results: xr.Dataset, study: Study) -> np.ndarray | None:
    """Return β*(μ), `[bias]`; None where the study has none."""
    if "threshold" in results:
        return results["threshold"].values
    if isinstance(study.world, Squares) and study.objective.optimum_known:  # of 0.1.0
        return collapse_boundary(study.world, study.biases, study.sigma2)
    return None


def _print_answer(
    console: Console, results: xr.Dataset, grid: Grid, threshold: np.ndarray | None
) -> None:
    """Print the answer and a map of recovery R², or of the first score that has a number."""
    means = {
        name: t_interval(results[name].transpose(*grid.dims).values, -1).mean
        for name in ("recovery_r2", *SCORES)
        if name in results
    }
    if "recovery_r2" in means:
        console.print(answer(means["recovery_r2"], grid.bias, grid.strength))
    name = next((name for name, cells in means.items() if np.isfinite(cells).any()), None)
    if name is None:
        return
    meaning = MEANINGS[name]
    mean = f", mean over {grid.seeds} seeds" if grid.seeds > 1 else ""
    console.print(f"\n{meaning.title} over {grid.bias.symbol} and {grid.strength.symbol}{mean}:")
    limits = (0.0, 1.0) if name == "recovery_r2" else None  # one scale in all runs
    lines = colour_map(
        means[name], grid.bias, grid.strength, meaning, threshold, limits, console.width
    )
    console.print(Text("\n").join(lines))
    if threshold is not None:
        console.print(f"{BAR} {_line(grid)}: collapse is expected to the right of it")
    baseline = results.get(f"random_{name}")
    if baseline is not None and np.isfinite(baseline).any():
        console.print(f"random networks: {float(baseline.mean()):.3f}")
    console.print()


def _line(grid: Grid) -> str:
    return f"{grid.strength.symbol}*({grid.bias.symbol})"


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


def _print_boundary(
    console: Console, results: xr.Dataset, study: Study, threshold: np.ndarray | None
) -> None:
    """Count the models with most latents active on either side of β*(μ), where there is one."""
    if threshold is None:
        return
    grid = study.grid
    active = results["active_units"].transpose(*grid.dims).values
    strengths = np.asarray(grid.strength.values)
    wanted = min(study.latents, len(study.world.factors))  # latents to spare stay at rest
    (before, below), (after, beyond) = most_active(active, strengths, threshold, wanted)
    console.print(
        f"models with most latents active: {before} of {below} with {grid.strength.symbol} < "
        f"{_line(grid)}, where the linear theory expects it, and {after} of {beyond} beyond"
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
