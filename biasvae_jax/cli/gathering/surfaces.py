"""Scores over the grid, and what the theory predicts of them."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.theory.reference import reference

MOST_FACTORS = 12  # with a map each


def of_each_factor(scores: xr.Dataset, dims: Sequence[str]) -> dict[str, xr.DataArray]:
    """Return the variables over the grid; of those along `factor` one for each, if not too many."""
    found = {}
    for name, variable in scores.data_vars.items():
        along = set(variable.dims) - set(dims)
        if set(dims) <= set(variable.dims) and not along:
            found[str(name)] = variable
        elif along == {"factor"} and variable.sizes["factor"] <= MOST_FACTORS:
            for place, factor in enumerate(variable["factor"].values):
                one = variable.isel(factor=place)
                if one.notnull().any():  # the AUROC of a factor that is not binary
                    found[f"{name}: {factor}"] = one
    return found


def predictions(run: LoadedRun) -> dict[str, np.ndarray]:
    """Return what the theory predicts of each score, `[bias, strength]`; empty without a theory.

    Results of 0.1.0 store none, so it is computed for them.
    """
    stored = {
        str(name).removeprefix("linear_"): variable.transpose(*run.grid.dims[:2]).values
        for name, variable in run.scores.data_vars.items()
        if str(name).startswith("linear_")
    }
    if stored or run.boundary is None:
        return stored
    found = reference(run.recipe, run.grid, run.data)
    return {} if found is None else found.predictions
