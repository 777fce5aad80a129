"""A run directory as an object to play with: `load_run(path)`, finished or not."""

import functools
import html
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import xarray as xr
from flax import serialization

from biasvae_jax.axes import Grid
from biasvae_jax.components import Component, register
from biasvae_jax.config import Config
from biasvae_jax.meaning import stored_meaning
from biasvae_jax.networks import Params
from biasvae_jax.runs import description, directory
from biasvae_jax.runs.directory import RunDirectoryError, StorageError
from biasvae_jax.runs.files import write_atomically
from biasvae_jax.runs.meanings import with_todays_meanings
from biasvae_jax.runs.reading import cannot_read_now
from biasvae_jax.runs.results import with_todays_regimes
from biasvae_jax.runs.so_far import newest, so_far, threshold
from biasvae_jax.statistics.staircase import distinct
from biasvae_jax.study import Study
from biasvae_jax.sweep.plan import Plan, plan_from_dict
from biasvae_jax.training import Recipe


@dataclass(frozen=True, eq=False)
class LoadedRun:
    """What a run directory holds so far; made by `load_run`."""

    path: Path
    study: Study
    description: dict[str, Any]
    """The whole of `config.json`: plan, versions and devices beside the study."""
    scores: xr.Dataset
    """`results.nc`, with the variables of `scores.nc` if there; NaN for what is still to do.

    `regime` is as today's law has it, whatever the version that stored it."""
    history: xr.Dataset
    """`history.nc`; NaN for steps still to take, and no time course before the end."""
    steps: np.ndarray
    """Steps each model has taken, `[models]` in the order of `Grid.models`."""

    @property
    def finished(self) -> bool:
        """Whether every model is trained and scored."""
        return directory.is_finished(self.path)

    @property
    def config(self) -> Config:
        """The study's flat form; raises ConfigError if it has none."""
        return Config.of(self.study)

    @property
    def grid(self) -> Grid:
        """The axes, and the order of the models."""
        return self.study.grid

    @property
    def plan(self) -> Plan:
        """The plan of its first start: the models are stored in its groups."""
        return plan_from_dict(self.description["plan"])

    @functools.cached_property
    def recipe(self) -> Recipe:
        """World, bias, network, objective and optimiser of its models.

        Raises ConfigError of one line if a component of its kind is not known here, or if its data
        file is missing or another.
        """
        return self.study.sealed().recipe

    @functools.cached_property
    def data(self) -> Any:
        """The world's arrays on the device, as `World.test_set` takes them; () if generated."""
        return jax.device_put(self.recipe.world.load(self.recipe.bias))

    @property
    def finite(self) -> np.ndarray:
        """Which models stayed finite, `[models]`; the others have no scores."""
        return self.flat("finite") == 1

    def flat(self, name: str) -> np.ndarray:
        """Return a variable over the grid as `[models]`."""
        return self.grid.flatten(self.scores[name].transpose(*self.grid.dims).values)

    def params(self, *, seed: int = 0, **cell: float) -> Params:
        """Return one model's parameters (the newest checkpoint's, while it is in training).

        `cell` names it by the grid's axes: `params(mu=0, beta=0.5)`. Raises KeyError naming the
        grid if there is no such model, StorageError if it is damaged or none of its steps is
        stored yet.
        """
        index = self.grid.index(seed=seed, **cell)
        for number, part in enumerate(self.plan.groups(self.grid.size)):
            if part.start <= index < part.stop:
                stored = self._params(number)
                return self._restored(jax.tree.map(lambda a: a[index - part.start], stored))  # noqa: B023
        raise KeyError(f"model {index} of {self.grid.size}")

    def stacks(self, wanted: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, Any]]:
        """Yield (indices, stacked final parameters) of the `wanted` models, up to `size` at once.

        `wanted` `[models]` is boolean; a group that holds none of them is not read. Raises
        StorageError where a group is missing.
        """
        for number, part in enumerate(self.plan.groups(self.grid.size)):
            rows = np.flatnonzero(wanted[part])
            if rows.size:
                tree = directory.load_models(self.path, number, self.study)
                if tree is None:
                    folder = directory.models_folder(self.path, number)
                    raise StorageError(f"{folder} is missing; its scores need it")
                for some in np.split(rows, range(size, len(rows), size)):
                    stack = jax.tree.map(lambda a: a[some], tree["params"])  # noqa: B023
                    yield part.start + some, self._restored(stack)

    @functools.lru_cache(maxsize=2)  # noqa: B019 - a group is large; two of them are enough
    def _params(self, group: int) -> Any:
        found = newest(self.path, group, self.study)
        if found is None:
            raise StorageError(f"{self.path} holds no parameters of group {group} yet")
        tree = found[1]
        return tree["params"] if "params" in tree else tree["state"]["params"]

    def _restored(self, stored: Any) -> Params:
        """Give stored parameters, a nested dict, the structure that the network made them in."""
        shapes = jax.eval_shape(lambda: self.recipe.init(jax.random.key(0)))
        return serialization.from_state_dict(shapes, stored)

    def encode(self, params: Params, x: Any) -> tuple[jax.Array, jax.Array]:
        """Map images `[..., pixels]` to the posterior's (mean, logvar), `[..., latent_dim]`."""
        return self.recipe.network.encode(params, x)

    def decode(self, params: Params, z_hat: Any) -> jax.Array:
        """Map learned latents `[..., latent_dim]` to images `[..., pixels]`."""
        return self.recipe.network.decode(params, z_hat)

    def table(self) -> pd.DataFrame:
        """Return the scores as a table: one row a model, with its axes and seed, as `results.csv`.

        Scores that have a number for each factor are left out; `scores` has them.
        """
        kept = [n for n, v in self.scores.data_vars.items() if set(v.dims) == set(self.grid.dims)]
        return self.scores[kept].to_dataframe().reset_index()

    def heat_map(self, score: str = "recovery_r2") -> Any:
        """Draw a score (mean over seeds) over the grid, with the theory's β* if there is one.

        A plotly Figure. Raises KeyError naming the scores if there is none of that name.
        """
        from biasvae_jax.report import maps, notebook  # plotly is slow to import

        grid = self.grid
        names = [str(n) for n, v in self.scores.data_vars.items() if set(v.dims) == set(grid.dims)]
        if score not in names:
            raise KeyError(f"no score {score!r} in this run; it has {', '.join(names)}")
        variable = self.scores[score]
        cells = maps.over_seeds(variable.transpose(*grid.dims).values)
        meaning = stored_meaning(score, variable.attrs)
        axes = grid.bias, grid.strength
        figure = maps.heat_map(cells, *axes, meaning.title, self.boundaries, meaning=meaning)
        return notebook.NotebookFigure(figure)

    @property
    def begun(self) -> float:
        """When it was first started, seconds since 1970."""
        return description.begun(self.path, self.description)

    @property
    def took(self) -> float:
        """Seconds from start to results, pauses included; NaN if unknown.

        It is unknown of an unfinished run, and of a copy that lost its files' times.
        """
        return description.took(self.path, self.description) if self.finished else math.nan

    @property
    def boundary(self) -> np.ndarray | None:
        """β* of the linear theory for each bias, `[bias]`; None where the study has none."""
        if "threshold" in self.scores:
            return self.scores["threshold"].values
        return None if self.finished and "gap" not in self.scores else threshold(self.study)

    @property
    def boundaries(self) -> np.ndarray | None:
        """The distinct β* of the latents, falling, `[bias, lines]`; `boundary` is the first."""
        if "thresholds" in self.scores:
            return distinct(self.scores["thresholds"].values)
        return None if self.boundary is None else self.boundary[:, None]

    def __repr__(self) -> str:
        state = "finished" if self.finished else "not finished"
        bias, strength = self.grid.bias, self.grid.strength
        size = f"{len(bias)} {bias.symbol} × {len(strength)} {strength.symbol}"
        steps = self.study.training.steps
        seeds = f"{self.grid.seeds} seeds"
        return f"LoadedRun({str(self.path)!r}: {size} × {seeds}, {steps:,} steps, {state})"

    def _repr_html_(self) -> str:
        bias, strength = self.grid.bias, self.grid.strength
        best = self.scores["recovery_r2"].mean("seed").transpose(*self.grid.dims[:2]).values
        rows = "".join(
            f"<tr><th>{value:g}</th>{''.join(_cell(float(v)) for v in values)}</tr>"
            for value, values in zip(bias, best, strict=True)
        )
        head = "".join(f"<th>{value:g}</th>" for value in strength)
        corner = f"{html.escape(bias.symbol)} \\ {html.escape(strength.symbol)}"
        return (
            f"<p><strong>{html.escape(repr(self))}</strong></p><table><caption>recovery R², mean "
            f"over seeds</caption><tr><th>{corner}</th>{head}</tr>{rows}</table>"
        )


def _cell(value: float) -> str:
    return "<td>n/a</td>" if math.isnan(value) else f"<td>{value:.3f}</td>"


def load_run(path: str | Path, components: Iterable[type[Component]] = ()) -> LoadedRun:
    """Load a run directory, finished or not; nothing in it is touched.

    `components` are classes of your own that its study is made of. Where a kind is unknown, scores,
    curves and maps are there all the same, and what needs the component says so. Raises
    RunDirectoryError of one line if it is no run or a newer version's, StorageError if a file of it
    is damaged.
    """
    for component in components:
        register(component)
    path = Path(path)
    about = read_run(path)
    study = directory.stored_study(path, about)
    finished = directory.is_finished(path)
    scores, history, steps = _whole(path, study) if finished else so_far(path, study, about)
    if (path / "scores.nc").exists():
        more = with_factor_names(directory.read_dataset(path / "scores.nc", study))
        scores = scores.assign({n: more[n] for n in more.data_vars if n not in scores})
    scores = with_todays_meanings(scores, study.objective)
    return LoadedRun(path, study, about, scores, history, steps)


def with_factor_names(scores: xr.Dataset) -> xr.Dataset:
    """Give the dimension `factor` the names that are stored as its attribute, if they fit it."""
    if "factor" not in scores.dims:
        return scores
    attributes = scores["factor"].attrs
    try:
        names = json.loads(attributes["names"])
        fit = len(names) == scores.sizes["factor"] and all(type(name) is str for name in names)
    except (KeyError, TypeError, ValueError, RecursionError):  # damaged
        return scores
    return scores.assign_coords(factor=("factor", names, attributes)) if fit else scores


def load_finished(path: Path) -> LoadedRun:
    """Load a run whose models are all trained; raises RunDirectoryError if they are not."""
    about = read_run(path)
    if not directory.is_finished(path):
        raise RunDirectoryError(
            f"{path} is not finished; the command that started it goes on where it stopped"
        )
    study = directory.stored_study(path, about)
    scores, history, steps = _whole(path, study)
    scores = with_todays_meanings(scores, study.objective)
    return LoadedRun(path, study, about, scores, history, steps)


def write_table(run: LoadedRun) -> None:
    """Write `results.csv`, `LoadedRun.table` as text, whole or not at all."""
    text = run.table().to_csv(index=False)
    with directory.reporting_disk_errors(run.path):
        write_atomically(run.path / "results.csv", text.encode())


def read_run(path: Path) -> dict[str, Any]:
    """Read the description of a run that has a plan; raises RunDirectoryError if it is no run."""
    try:
        about = directory.read_description(path) if path.is_dir() else None
    except OSError as error:
        raise cannot_read_now(path, error) from None
    if about is None:
        raise RunDirectoryError(f"{path} is no run; name a directory made by full_sweep")
    directory.stored_plan(path)  # raises where there is none
    return about


def _whole(path: Path, study: Study) -> tuple[xr.Dataset, xr.Dataset, np.ndarray]:
    """Read scores and history of a finished run."""
    scores, history = (
        directory.read_dataset(path / name, study) for name in ("results.nc", "history.nc")
    )
    return with_todays_regimes(scores), history, np.full(study.grid.size, study.training.steps)
