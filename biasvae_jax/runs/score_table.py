"""`scores.nc` of a finished run: scores asked for afterwards, and why some are undefined.

A variable has one number a model, or, along a further dimension, one for each `factor` or each
`latent`. Such a variable is undefined where all of a model's numbers are NaN.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from biasvae_jax.runs import directory
from biasvae_jax.runs.datasets import ALONG
from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.scores.base import Meaning
from biasvae_jax.scores.by_factor import attributes
from biasvae_jax.scores.undefined import NAN, Reasons, from_attribute, to_attribute


class ScoreTable:
    """`scores.nc` in memory: `[models, …]` a variable, NaN where it is to do or undefined."""

    def __init__(self, run: LoadedRun, meanings: Mapping[str, Meaning]):
        """Open the file, or start it; `meanings` are those of every variable."""
        self._run, self._meanings = run, meanings
        self._file = run.path / "scores.nc"
        self._values: dict[str, np.ndarray] = {}
        self._undefined: dict[str, Reasons] = {}
        self._others: dict[str, xr.Variable] = {}  # of another version; kept as they are
        if self._file.exists():
            stored = directory.read_dataset(self._file, run.study)
            names = [name for name in meanings if name in stored]
            grid = run.grid
            self._values = {
                n: grid.flatten(stored[n].transpose(*self._dims(n)).values).copy() for n in names
            }
            self._undefined = {
                name: from_attribute(stored[name].attrs.get("undefined"), run.grid.size)
                for name in names
            }
            more = stored.drop_vars(names).data_vars
            self._others = {str(name): variable.variable for name, variable in more.items()}
            self._others |= {n: stored[n].variable for n in ALONG["scores.nc"] if n in stored.dims}

    def _dims(self, name: str) -> tuple[str, ...]:
        along = self._meanings[name].along
        return (*self._run.grid.dims, along) if along else self._run.grid.dims

    @functools.cached_property
    def _about(self) -> Mapping[str, Mapping[str, Any]]:
        """The attributes that only the study's world knows, and those of a dimension."""
        world = self._run.recipe.world
        ranks = {"long_name": "rank of a latent by its KL, largest first", "units": "1"}
        known = attributes(world.factors, np.asarray(world.test_factors(self._run.data)))
        return {"latent": ranks, **known}

    def __getitem__(self, name: str) -> np.ndarray:
        """One variable, `[models]`, `[models, factors]` or `[models, latents]`."""
        recipe, along = self._run.recipe, self._meanings[name].along
        sizes = {"factor": len(recipe.world.factors), "latent": recipe.network.latent_dim}
        shape = (self._run.grid.size, *([sizes[along]] if along else []))
        return self._values.get(name, np.full(shape, np.nan, np.float32))

    def columns(self, name: str) -> list[tuple[str, np.ndarray]]:
        """One variable as labels and `[models, …]`: one of its own name, or one a factor."""
        values = self[name]
        if self._meanings[name].along != "factor":
            return [(name, values)]
        factors = self._run.recipe.world.factors
        return [(f"{name}: {f.name}", values[:, j]) for j, f in enumerate(factors)]

    def undefined(self, name: str) -> Reasons:
        """Why the finite models that have no value of a variable never will: reason → models."""
        without = self._run.finite & _missing(self[name])
        every = {why: models & without for why, models in self._undefined.get(name, {}).items()}
        return {why: models for why, models in every.items() if models.any()}

    def lacks(self, names: Iterable[str]) -> np.ndarray:
        """Tell which finite models have one of these variables still to compute, `[models]`."""
        lacking = np.zeros_like(self._run.finite)
        for name in names:
            explained = np.any([lacking & False, *self.undefined(name).values()], axis=0)
            lacking |= _missing(self[name]) & ~explained
        return lacking & self._run.finite

    def put(self, names: Iterable[str], models: Any, values: Iterable[Any]) -> None:
        """Set variables of some models, given by index; a text says why there is no value."""
        for name, value in zip(names, values, strict=True):
            why, number = (value, np.nan) if isinstance(value, str) else (NAN, value)
            row = self._values.setdefault(name, self[name])
            row[models] = number
            for each in self._undefined.setdefault(name, {}).values():
                each[models] = False
            reason = self._undefined[name].setdefault(why, np.zeros(len(row), bool))
            reason[models] = _missing(row[models])

    def save(self) -> None:
        """Write `scores.nc`, whole or not at all."""
        run, grid = self._run, self._run.grid
        variables = dict(self._others)
        for name, meaning in self._meanings.items():
            if name in self._values:
                about = {**meaning.attributes(), **self._about.get(name, {})}
                if self.undefined(name):
                    about["undefined"] = to_attribute(self.undefined(name))
                values = grid.unflatten(self[name])
                variables[name] = xr.Variable(self._dims(name), values, about)
                if meaning.along:
                    places = np.arange(values.shape[-1], dtype=np.int32)
                    variables[meaning.along] = xr.Variable(
                        meaning.along, places, self._about[meaning.along]
                    )
        about = {
            "title": "The field's scores of what each model recovered",
            "config": run.study.to_json(),
        }
        coordinates = {name: run.scores[name].variable for name in grid.dims}
        directory.write_dataset(self._file, xr.Dataset(variables, coordinates, about))


def _missing(values: np.ndarray) -> np.ndarray:
    """Tell which models have no number of a variable, `[models, …]` → `[models]`."""
    return np.all(np.isnan(values.reshape(len(values), -1)), axis=1)
