"""A finished run as later commands read it, and the `scores.nc` that they add to it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from biasvae_jax import storage
from biasvae_jax.config import Config
from biasvae_jax.loading import read_run
from biasvae_jax.plan import Plan, plan_from_dict
from biasvae_jax.storage import RunDirectoryError, StorageError
from experiments.undefined import NAN, Reasons, from_attribute, to_attribute

GRID = ("mu", "beta", "seed")
FLAT = ("seed", "mu", "beta")  # the order of `sweep.grid`


@dataclass(frozen=True)
class FinishedRun:
    """A run directory whose models are all trained."""

    path: Path
    config: Config
    plan: Plan
    """The plan of its first start: the models are stored in its groups."""
    results: xr.Dataset
    """`results.nc`, in memory."""

    @classmethod
    def open(cls, path: Path) -> "FinishedRun":
        """Read a run; raises RunDirectoryError of one line where there is none, or not finished."""
        about = read_run(path)
        config = storage.stored_config(path, about)
        if not storage.is_finished(path):
            raise RunDirectoryError(
                f"{path} is not finished; the command that started it goes on where it stopped"
            )
        results = storage.read_dataset(path / "results.nc", config)
        return cls(path, config, plan_from_dict(about["plan"]), results)

    @property
    def finite(self) -> np.ndarray:
        """Which models stayed finite, `[models]`; the others have no scores."""
        return flat(self.results["finite"]) == 1

    def stacks(self, wanted: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, Any]]:
        """Yield (indices, stacked final parameters) of the `wanted` models, up to `size` at once.

        `wanted` `[models]` is boolean; a group that holds none of them is not read.
        """
        for number, part in enumerate(self.plan.groups(self.config.models)):
            rows = np.flatnonzero(wanted[part])
            if rows.size:
                params = stored_params(self.path, number, self.config)
                for some in np.split(rows, range(size, len(rows), size)):
                    yield part.start + some, jax.tree.map(lambda a: a[some], params)  # noqa: B023


def flat(variable: xr.DataArray) -> np.ndarray:
    """Return a variable over the grid as `[models]`, in the order of `sweep.grid`."""
    return variable.transpose(*FLAT).values.ravel()


def stored_params(path: Path, group: int, config: Config) -> Any:
    """Return a finished group's parameters; raises StorageError where they are missing."""
    tree = storage.load_models(path, group, config)
    if tree is None:
        raise StorageError(f"{storage.models_folder(path, group)} is missing; its scores need it")
    return tree["params"]


class ScoreTable:
    """`scores.nc` in memory: `[models]` for each variable, NaN where it is to do or undefined."""

    def __init__(self, run: FinishedRun, meanings: Mapping[str, tuple[str, str]]):
        """Open the file, or start it; `meanings` are (long_name, units) of every variable."""
        self._run, self._meanings = run, meanings
        self._file = run.path / "scores.nc"
        self._values: dict[str, np.ndarray] = {}
        self._undefined: dict[str, Reasons] = {}
        self._others: dict[str, xr.Variable] = {}  # of another version; kept as they are
        if self._file.exists():
            stored = storage.read_dataset(self._file, run.config)
            names = [name for name in meanings if name in stored]
            self._values = {name: flat(stored[name]).copy() for name in names}
            self._undefined = {
                name: from_attribute(stored[name].attrs.get("undefined"), run.config.models)
                for name in names
            }
            more = stored.drop_vars(names).data_vars
            self._others = {str(name): variable.variable for name, variable in more.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        """One variable, `[models]`."""
        nothing = np.full(self._run.config.models, np.nan, np.float32)
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
        config, results = self._run.config, self._run.results
        shape = (config.seeds, len(config.mu), len(config.beta))
        variables = dict(self._others)
        for name, (long_name, units) in self._meanings.items():
            if name in self._values:
                attributes = {"long_name": long_name, "units": units}
                if self.undefined(name):
                    attributes["undefined"] = to_attribute(self.undefined(name))
                variable = xr.Variable(FLAT, self[name].reshape(shape), attributes)
                variables[name] = variable.transpose(*GRID)
        attributes = {
            "title": "The field's scores of what each model recovered",
            "config": config.to_json(),
        }
        coordinates = {name: results[name].variable for name in GRID}
        storage.write_dataset(self._file, xr.Dataset(variables, coordinates, attributes))
