"""What a run in training holds so far: its groups' newest states, and what they tell."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from biasvae_jax.axes import Grid
from biasvae_jax.components import ConfigError
from biasvae_jax.runs import directory
from biasvae_jax.runs.results import SCORES, history_dataset, results_dataset
from biasvae_jax.study import Study
from biasvae_jax.sweep.plan import plan_from_dict
from biasvae_jax.theory import collapse_boundary
from biasvae_jax.theory.reference import why_none
from biasvae_jax.training import history as training_history


def newest(path: Path, group: int, study: Study) -> tuple[int, Any] | None:
    """Read a group as (step, tree), finished or its newest checkpoint; None where there is none.

    Twice, since it may have been finished in between.
    """
    for _ in range(2):
        tree = directory.load_models(path, group, study)
        if tree is not None:
            return study.training.steps, tree
        found = directory.load_checkpoint(path, group, study)
        if found is not None:
            return found
    return None


def threshold(study: Study) -> np.ndarray | None:
    """Compute β*, which 0.1.0 did not store; None where there is none, or no data to ask."""
    try:
        recipe = study.recipe
    except ConfigError:
        return None
    if why_none(recipe):
        return None
    return collapse_boundary(
        recipe.world, study.grid.bias.values, recipe.likelihood_variance, recipe.bias
    )


def so_far(path: Path, study: Study, about: dict) -> tuple[xr.Dataset, xr.Dataset, np.ndarray]:
    """Gather scores and history of a run in training from its groups and checkpoints."""
    grid, total = study.grid, study.training.steps
    terms = study.objective.Terms._fields
    history = training_history.empty(grid.size, total, len(terms))
    scores: dict[str, np.ndarray] = {}
    steps = np.zeros(grid.size, int)
    for number, part in enumerate(plan_from_dict(about["plan"]).groups(grid.size)):
        step, tree = newest(path, number, study) or (0, None)
        if tree is not None:
            steps[part] = step
            for name, stored in tree["history"].items():
                getattr(history, name)[part] = stored
            for name, stored in tree.get("scores", {}).items():
                if name in SCORES:
                    scores.setdefault(name, np.full(grid.size, np.nan))[part] = stored
    if not scores:  # none is scored yet; those that every study has
        scores = {name: np.full(grid.size, np.nan) for name in ("active_units", "recovery_r2")}
    curves = history_dataset(study, history)
    bins = training_history.bin_of(np.arange(total), total)
    ends = xr.DataArray(np.cumsum(np.bincount(bins)), dims="step")
    curves = curves.where(ends <= _on_grid(steps, grid))
    results = results_dataset(study, scores, history, {}, threshold(study))
    scored = _on_grid(~np.isnan(scores["active_units"]), grid)
    for name in ("active_units", "regime"):
        results[name] = results[name].where(scored)
    results["finite"] = _on_grid(history.finite, grid).astype("int8")
    place = xr.DataArray(np.arange(curves.sizes["step"]), dims="step")
    for name in terms:  # the newest 5 % of the steps taken
        taken = curves[name].notnull().sum("step")
        last = place >= taken * (1 - training_history.TAIL) - 1
        results[name] = curves[name].where(last).mean("step").assign_attrs(results[name].attrs)
    return results, curves, steps


def _on_grid(flat: np.ndarray, grid: Grid) -> xr.DataArray:
    return xr.DataArray(grid.unflatten(flat), dims=grid.dims)
