"""A run directory as an object to play with: `load_run(path)`, finished or not."""

import functools
import html
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from biasvae_jax import description, storage
from biasvae_jax import history as training_history
from biasvae_jax.config import Config
from biasvae_jax.networks import Params
from biasvae_jax.plan import plan_from_dict
from biasvae_jax.reading import cannot_read_now
from biasvae_jax.results import SCORES, history_dataset, results_dataset
from biasvae_jax.storage import RunDirectoryError, StorageError
from biasvae_jax.theory import collapse_boundary
from biasvae_jax.training import Recipe

_FLAT = ("seed", "mu", "beta")  # the order of `sweep.grid`


@dataclass(frozen=True, eq=False)
class LoadedRun:
    """What a run directory holds so far; made by `load_run`."""

    path: Path
    config: Config
    description: dict[str, Any]
    """The whole of `config.json`: plan, versions and devices beside the config."""
    scores: xr.Dataset
    """`results.nc`, with the variables of `scores.nc` if there; NaN for what is still to do."""
    history: xr.Dataset
    """`history.nc`; NaN for steps still to take."""
    steps: np.ndarray
    """Steps each model has taken, `[models]` in the order of `sweep.grid`."""

    @property
    def finished(self) -> bool:
        """Whether every model is trained and scored."""
        return (self.path / "results.nc").exists() and (self.path / "history.nc").exists()

    @functools.cached_property
    def recipe(self) -> Recipe:
        """World, network, objective and optimiser of its models."""
        return Recipe.from_config(self.config)

    def params(self, *, mu: float, beta: float, seed: int = 0) -> Params:
        """Return one model's parameters (the newest checkpoint's, while it is in training).

        Raises KeyError naming the grid if there is no such model, StorageError if it is damaged or
        none of its steps is stored yet.
        """
        i, j = self.config.find("mu", mu), self.config.find("beta", beta)
        if seed not in range(self.config.seeds):
            raise KeyError(f"no seed {seed} in this run; it has 0 to {self.config.seeds - 1}")
        config = self.config
        index = (seed * len(config.mu) + i) * len(config.beta) + j
        for number, part in enumerate(_groups(config, self.description)):
            if part.start <= index < part.stop:
                stored = self._params(number)
                return jax.tree.map(lambda a: a[index - part.start], stored)  # noqa: B023
        raise KeyError(f"model {index} of {config.models}")

    @functools.lru_cache(maxsize=2)  # noqa: B019 - a group is large; two of them are enough
    def _params(self, group: int) -> Any:
        found = _newest(self.path, group, self.config)
        if found is None:
            raise StorageError(f"{self.path} holds no parameters of group {group} yet")
        tree = found[1]
        return tree["params"] if "params" in tree else tree["state"]["params"]

    def encode(self, params: Params, x: Any) -> tuple[jax.Array, jax.Array]:
        """Map images `[..., pixels]` to the posterior's (mean, logvar), `[..., latent_dim]`."""
        return self.recipe.network.encode(params, x)

    def decode(self, params: Params, z_hat: Any) -> jax.Array:
        """Map learned latents `[..., latent_dim]` to images `[..., pixels]`."""
        return self.recipe.network.decode(params, z_hat)

    def heat_map(self, score: str = "recovery_r2") -> Any:
        """Draw a score (mean over seeds) over the grid with β*(μ): a plotly Figure.

        Raises KeyError naming the scores if there is none of that name.
        """
        from biasvae_jax.report import maps, notebook  # plotly is slow to import

        if score not in self.scores or "mu" not in self.scores[score].dims:
            names = [str(n) for n in self.scores.data_vars if "mu" in self.scores[n].dims]
            raise KeyError(f"no score {score!r} in this run; it has {', '.join(names)}")
        variable = self.scores[score]
        cells = maps.over_seeds(variable.transpose("mu", "beta", "seed").values)
        label = str(variable.attrs.get("long_name", score))
        figure = maps.heat_map(cells, self.config.mu, self.config.beta, label, self.boundary)
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
    def boundary(self) -> np.ndarray:
        """β*(μ) of the linear theory, `[mu]`."""
        return _boundary(self.config)

    def __repr__(self) -> str:
        c = self.config
        state = "finished" if self.finished else "not finished"
        grid_ = f"{len(c.mu)} μ × {len(c.beta)} β × {c.seeds} seeds"
        return f"LoadedRun({str(self.path)!r}: {grid_}, {c.steps:,} steps, {state})"

    def _repr_html_(self) -> str:
        best = self.scores["recovery_r2"].mean("seed")
        rows = "".join(
            f"<tr><th>{mu:g}</th>{''.join(_cell(float(v)) for v in values)}</tr>"
            for mu, values in zip(self.config.mu, best.transpose("mu", "beta").values, strict=True)
        )
        head = "".join(f"<th>{beta:g}</th>" for beta in self.config.beta)
        return (
            f"<p><strong>{html.escape(repr(self))}</strong></p><table><caption>recovery R², mean "
            f"over seeds</caption><tr><th>μ \\ β</th>{head}</tr>{rows}</table>"
        )


def _cell(value: float) -> str:
    return "<td>–</td>" if math.isnan(value) else f"<td>{value:.3f}</td>"


def load_run(path: str | Path) -> LoadedRun:
    """Load a run directory, finished or not; nothing in it is touched.

    Raises RunDirectoryError of one line if it is no run or a newer version's, StorageError if a
    file of it is damaged.
    """
    path = Path(path)
    about = read_run(path)
    config = storage.stored_config(path, about)
    if (path / "results.nc").exists() and (path / "history.nc").exists():
        scores = storage.read_dataset(path / "results.nc", config)
        history = storage.read_dataset(path / "history.nc", config)
        steps = np.full(config.models, config.steps)
    else:
        scores, history, steps = _so_far(path, config, about)
    if (path / "scores.nc").exists():
        more = storage.read_dataset(path / "scores.nc", config)
        scores = scores.assign({n: more[n] for n in more.data_vars if n not in scores})
    return LoadedRun(path, config, about, scores, history, steps)


def read_run(path: Path) -> dict[str, Any]:
    """Read the description of a run that has a plan; raises RunDirectoryError if it is no run."""
    try:
        about = storage.read_description(path) if path.is_dir() else None
    except OSError as error:
        raise cannot_read_now(path, error) from None
    if about is None:
        raise RunDirectoryError(f"{path} is no run; name a directory made by full_sweep")
    storage.stored_plan(path)  # raises where there is none
    return about


def _boundary(config: Config) -> np.ndarray:
    return collapse_boundary(Recipe.from_config(config).world, config.mu, config.sigma2)


def _groups(config: Config, description: dict) -> list[slice]:
    return plan_from_dict(description["plan"]).groups(config.models)


def _newest(path: Path, group: int, config: Config) -> tuple[int, Any] | None:
    """Read a group as (step, tree), finished or its newest checkpoint; None where there is none.

    Twice, since it may have been finished in between.
    """
    for _ in range(2):
        tree = storage.load_models(path, group, config)
        if tree is not None:
            return config.steps, tree
        found = storage.load_checkpoint(path, group, config)
        if found is not None:
            return found
    return None


def _so_far(
    path: Path, config: Config, description: dict
) -> tuple[xr.Dataset, xr.Dataset, np.ndarray]:
    """Gather scores and history of a run in training from its groups and checkpoints."""
    models = config.models
    history = training_history.empty(models, config.steps)
    scores = {name: np.full(models, np.nan) for name in SCORES}
    steps = np.zeros(models, int)
    for number, part in enumerate(_groups(config, description)):
        step, tree = _newest(path, number, config) or (0, None)
        if tree is not None:
            steps[part] = step
            for name, stored in tree["history"].items():
                getattr(history, name)[part] = stored
            for name, stored in tree.get("scores", {}).items():
                scores[name][part] = stored
    curves = history_dataset(config, history)
    bins = training_history.bin_of(np.arange(config.steps), config.steps)
    ends = xr.DataArray(np.cumsum(np.bincount(bins)), dims="step")
    curves = curves.where(ends <= _on_grid(steps, config))
    results = results_dataset(config, scores, history, {}, _boundary(config))
    scored = _on_grid(~np.isnan(scores["active_units"]), config)
    for name in ("active_units", "regime"):
        results[name] = results[name].where(scored)
    results["finite"] = _on_grid(history.finite, config).astype("int8")
    place = xr.DataArray(np.arange(curves.sizes["step"]), dims="step")
    for name in ("loss", "reconstruction", "kl"):  # the newest 5 % of the steps taken
        taken = curves[name].notnull().sum("step")
        newest = place >= taken * (1 - training_history.TAIL) - 1
        results[name] = curves[name].where(newest).mean("step").assign_attrs(results[name].attrs)
    return results, curves, steps


def _on_grid(flat: np.ndarray, config: Config) -> xr.DataArray:
    shape = (config.seeds, len(config.mu), len(config.beta))
    return xr.DataArray(flat.reshape(shape), dims=_FLAT).transpose("mu", "beta", "seed")
