"""`scores.nc` of a finished run: scores asked for afterwards, and why some are undefined."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from biasvae_jax.runs import directory
from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.scores.base import Meaning
from biasvae_jax.scores.undefined import NAN, Reasons, from_attribute, to_attribute


class ScoreTable:
    """`scores.nc` in memory: `[models]` for each variable, NaN where it is to do or undefined."""

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
                n: grid.flatten(stored[n].transpose(*grid.dims).values).copy() for n in names
            }
            self._undefined = {
                name: from_attribute(stored[name].attrs.get("undefined"), run.grid.size)
                for name in names
            }
            more = stored.drop_vars(names).data_vars
            self._others = {str(name): variable.variable for name, variable in more.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        """One variable, `[models]`."""
        nothing = np.full(self._run.grid.size, np.nan, np.float32)
        return self._values.get(name, nothing)

    def undefined(self, name: str) -> Reasons:
        """Why the finite models that have no value of a variable never will: reason → models."""
        without = self._run.finite & np.isnan(self[name])
        every = {why: models & without for why, models in self._undefined.get(name, {}).items()}
        return {why: models for why, models in every.items() if models.any()}

    def lacks(self, names: Iterable[str]) -> np.ndarray:
        """Tell which finite models have one of these variables still to compute, `[models]`."""
        lacking = np.zeros_like(self._run.finite)
        for name in names:
            explained = np.any([lacking & False, *self.undefined(name).values()], axis=0)
            lacking |= np.isnan(self[name]) & ~explained
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
            reason[models] = np.isnan(row[models])

    def save(self) -> None:
        """Write `scores.nc`, whole or not at all."""
        run, grid = self._run, self._run.grid
        variables = dict(self._others)
        for name, meaning in self._meanings.items():
            if name in self._values:
                attributes = {"long_name": meaning.long_name, "units": meaning.units}
                attributes |= {"better": meaning.better} if meaning.better else {}
                attributes["group"] = meaning.group
                if self.undefined(name):
                    attributes["undefined"] = to_attribute(self.undefined(name))
                variables[name] = xr.Variable(grid.dims, grid.unflatten(self[name]), attributes)
        attributes = {
            "title": "The field's scores of what each model recovered",
            "config": run.study.to_json(),
        }
        coordinates = {name: run.scores[name].variable for name in grid.dims}
        directory.write_dataset(self._file, xr.Dataset(variables, coordinates, attributes))
