"""The short table at the end of a sweep: the grid's corners beside a random network."""

from pathlib import Path

import numpy as np
import xarray as xr
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from biasvae_jax.cli.output import print_table, shown
from biasvae_jax.config import Config
from biasvae_jax.runs import directory
from biasvae_jax.runs.results import SCORES
from biasvae_jax.statistics.boundary import most_active
from biasvae_jax.theory import collapse_boundary
from biasvae_jax.training import Recipe

SHOWN = ("pmi", "recovery_mse", "recovery_r2", "generation_mse", "kl", "active_units")
ORIGINAL_BASELINE = 0.1121  # the original study's randomly initialised network, mean of 3 runs


def print_summary(console: Console, out: Path, seconds: float | None) -> None:
    """Print directory, time, corners, baselines and diverged models of a finished run."""
    config = directory.stored_config(out, directory.read_description(out) or {})
    results = directory.read_dataset(out / "results.nc", config)
    print_table(console, _table(results))
    _print_diverged(console, results)
    _print_undefined(console, results)
    _print_boundary(console, results)
    directory.read_dataset(out / "history.nc", config)  # only to tell if it is damaged
    raw = float(results["random_recovery_mse_raw"].mean())
    console.print(
        f"random networks with the plainest head: recovery_mse {raw:.4f} "
        f"(the original study reports {ORIGINAL_BASELINE} for its own)"
    )
    took = f"in {seconds / 60:.1f} minutes" if seconds else "already finished"
    report = out / "report.html"
    console.print(f"{took}; open {shown(report if report.exists() else out / 'figures')}")


def _table(results: xr.Dataset) -> Table:
    seeds = results.sizes["seed"]
    mean = f" (mean over {seeds} seeds)" if seeds > 1 else ""
    table = Table(title=f"Corners of the grid{mean}", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("μ", "β", *SHOWN):
        table.add_column(heading.replace("_", "\n"), justify="right", no_wrap=True)
    means = results.where(results["finite"] == 1).mean("seed")  # what diverged has 0 active units
    corners = dict.fromkeys((mu, beta) for mu in (0, -1) for beta in (0, -1))
    mu, beta = results["mu"].values, results["beta"].values
    corners = dict.fromkeys((mu[i], beta[j]) for i, j in corners)
    for bias, weight in corners:
        cell = means.sel(mu=bias, beta=weight)
        values = (_number(cell[name]) for name in SHOWN)
        table.add_row(f"{bias:g}", f"{weight:g}", *values)
    random = (_number(results["random_" + n].mean()) if n != "kl" else "–" for n in SHOWN)
    table.add_section()
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


def _print_boundary(console: Console, results: xr.Dataset) -> None:
    """Count the models with most latents active on either side of β*(μ)."""
    config = Config.from_json(results.attrs["config"])
    world = Recipe.from_config(config).world
    threshold = collapse_boundary(world, config.mu, config.sigma2)
    active = results["active_units"].transpose("mu", "beta", "seed").values
    beta = results["beta"].values
    (before, below), (after, beyond) = most_active(active, beta, threshold, config.latents)
    console.print(
        f"models with most latents active: {before} of {below} with β < β*(μ), where the "
        f"linear theory expects it, and {after} of {beyond} beyond"
    )


def _print_diverged(console: Console, results: xr.Dataset) -> None:
    index = np.argwhere(results["finite"].values == 0)
    if len(index):
        names = [
            f"μ={results['mu'].values[i]:g} β={results['beta'].values[j]:g} seed={k}"
            for i, j, k in index[:10]
        ]
        more = f" and {len(index) - 10} more" if len(index) > 10 else ""
        console.print(f"diverged (scores are NaN): {'; '.join(names)}{more}")
