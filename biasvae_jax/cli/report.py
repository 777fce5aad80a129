"""Write `report.html`: what a run shows, in one page that opens offline.

With two runs, both beside each other and the difference, in `compare-<second>.html`.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro
import xarray as xr

from biasvae_jax.axes import Axis, single
from biasvae_jax.cli import common
from biasvae_jax.cli.flags import command
from biasvae_jax.cli.runtime import start_jax
from biasvae_jax.cli.strip import training_strip
from biasvae_jax.components import ConfigError
from biasvae_jax.errors import shown
from biasvae_jax.factors import as_columns
from biasvae_jax.figures import pictures as folded
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.projection import fit_least_squares
from biasvae_jax.report import PICTURES, Pictures, RunView, page
from biasvae_jax.report.maps import over_seeds
from biasvae_jax.report.sprites import sprite
from biasvae_jax.runs import launchers
from biasvae_jax.runs.files import StorageError, reporting_disk_errors, short_name, write_atomically
from biasvae_jax.runs.loading import LoadedRun, load_run
from biasvae_jax.scores.base import left_out_of_sweep
from biasvae_jax.scores.recovery import mean_code, test_codes
from biasvae_jax.statistics.regimes import recovered
from biasvae_jax.theory.reference import reference
from biasvae_jax.training import Recipe
from biasvae_jax.worlds import Generated

COMMAND = "python -m experiments.report"
MOST_FACTORS = 12  # with a map each
SHOWN = 8  # test images, and prior samples in a row
TRAVERSED = 12  # latents at most
PICTURE_BYTES = 4_000_000  # of one run; with plotly's 5 MB the page stays below 10
CURVE_NUMBERS = 300_000
HEAD_ROWS = 4_000  # test images behind the drawn projection
TRAINING_ROWS = 1_024  # training images behind samples of a prior that is fitted to them


@dataclass(frozen=True)
class Flags:
    """All flags."""

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN]")] = ()
    """One run directory, or two to compare."""
    out: Path | None = None
    """File to write (None: RUN/report.html, or RUN1/compare-RUN2.html)."""


def main(arguments: Sequence[str], program: str = COMMAND) -> None:
    """Run the command, which help calls `program`."""
    launchers.refuse_copies()
    flags = common.parse(Flags, arguments, Flags(), program, __doc__ or "")
    if len(flags.runs) not in (1, 2):
        raise common.UsageError("name one run directory, or two to compare")
    start_jax()
    runs = [load_run(path) for path in flags.runs]
    print(f"open {shown(write_report(*runs, file=flags.out))}")


def write_report(*runs: LoadedRun, file: Path | None = None) -> Path:
    """Write the report of one run, or the comparison of two; returns the file.

    Raises UsageError when two runs have other axes, or share no cell.
    """
    first, last = runs[0], runs[-1]
    if file is None:
        compared = short_name("compare-", last.path.resolve().name, ".html")
        file = first.path / ("report.html" if len(runs) == 1 else compared)
    if first.grid.dims != last.grid.dims:
        ours, theirs = (" × ".join(run.grid.dims[:2]) for run in (first, last))
        raise common.UsageError(
            f"the two runs have other axes, {ours} and {theirs}; compare runs of the same ones"
        )
    rows = shared(first.grid.bias, last.grid.bias)
    columns = shared(first.grid.strength, last.grid.strength)
    if not rows or not columns:
        symbols = f"{first.grid.bias.symbol}, {first.grid.strength.symbol}"
        raise common.UsageError(f"the two runs have no cell ({symbols}) in common")
    views = [gather(run, rows, columns) for run in runs]
    if len(views) == 2 and views[0].name == views[1].name:
        views = [dataclasses.replace(v, name=str(r.path)) for v, r in zip(views, runs, strict=True)]
    with reporting_disk_errors(file):
        write_atomically(file, page(views).encode())
    return file


def shared(ours: Axis, theirs: Axis) -> tuple[float, ...]:
    """Return our values of an axis that are theirs too, up to single precision."""
    known = set(map(single, theirs))
    return tuple(value for value in ours if single(value) in known)


def gather(run: LoadedRun, biases: Sequence[float], strengths: Sequence[float]) -> RunView:
    """Gather what the page shows of a run's cells at these strengths."""
    study, (bias, strength, seed) = run.study, run.grid.dims
    rows = [run.grid.bias.find(value) for value in biases]
    columns = [run.grid.strength.find(value) for value in strengths]
    grid = run.grid.select(rows, columns)
    cut = {bias: rows, strength: columns}
    scores, history = run.scores.isel(cut), run.history.isel(cut)
    maps = _of_each_factor(scores, grid.dims)
    values = {n: v.transpose(*grid.dims).values for n, v in maps.items()}
    values["active_units"] = np.where(values["finite"] == 1, values["active_units"], np.nan)
    regimes = values.pop("regime", None)  # codes: no mean, no map
    if not study.training.patience:
        values.pop("steps", None)  # all alike
    curves = {
        str(name): _extremes(v.transpose(bias, strength, "step", seed).values)
        for name, v in history.data_vars.items()
        if "step" in v.dims
    }
    every = _every(curves, grid.seeds)
    return RunView(
        name=run.path.resolve().name,
        grid=grid,
        steps=study.training.steps,
        latents=_latents(run),
        loss=study.objective.stated(study.sigma2),
        models="β-VAEs" if isinstance(study.objective, BetaElbo) else "VAEs",
        stored=study.to_json(),
        facts=_facts(run),
        command=command(study),
        banner=_banner(run),
        scores={name: over_seeds(each) for name, each in values.items()},
        labels={name: str(maps[name].attrs.get("long_name", name)) for name in values},
        random={n: float(scores[f"random_{n}"].mean()) for n in values if f"random_{n}" in scores},
        theory={name: v[np.ix_(rows, columns)] for name, v in predictions(run).items()},
        boundary=None if run.boundary is None else run.boundary[rows],
        boundaries=None if run.boundaries is None else run.boundaries[rows],
        regimes=regimes,
        recovered=recovered(values["recovery_r2"]) if "recovery_r2" in values else None,
        step=history["step"].values[every],
        curves={name: v[:, :, every] for name, v in curves.items()},
        clipped=getattr(study.network, "output", "") != "sigmoid",
        **_of_components(run, rows, columns),
    )


def _of_components(run: LoadedRun, rows: Sequence[int], columns: Sequence[int]) -> dict[str, Any]:
    """Gather what the study's own code draws; a note of why there is nothing if it cannot."""
    try:
        recipe = run.recipe
    except ConfigError as error:  # a data file that is gone, a kind that is not known here
        return {"no_pictures": f"No pictures: {error}."}
    world = recipe.world
    test_images, pictures = draw_pictures(run, rows, columns)
    generated = isinstance(world, Generated)
    return {
        "left_out": left_out_of_sweep(recipe),
        "test_images": test_images,
        "test_caption": "Test images "
        + ("G(u), without noise" if generated else "held out of training"),
        "test_subject": f"Test images: {world.caption}",
        "pictures": pictures,
        "training": training_strip(run, [run.grid.bias[row] for row in rows]),
    }


def _of_each_factor(scores: xr.Dataset, dims: Sequence[str]) -> dict[str, xr.DataArray]:
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


def _latents(run: LoadedRun) -> int:
    """Count the learned latents of a model, by the results where the data file is gone."""
    try:
        return run.study.latents
    except ConfigError:
        return len(str(run.scores.attrs.get("factors", "")).split(", "))


def _extremes(values: np.ndarray) -> np.ndarray:
    """Summarise the last axis, seeds, as mean, lowest and highest."""
    v = values.astype(float)
    return np.stack([v.mean(-1), v.min(-1), v.max(-1)], axis=-1)


def _every(curves: dict[str, np.ndarray], seeds: int) -> np.ndarray:
    """Choose every k-th step, so that the curves of many cells fit the page."""
    rows, columns, steps = next(iter(curves.values())).shape[:3]
    lines = len(curves) * (3 if seeds > 1 else 1)
    every = -(-rows * columns * lines * steps // CURVE_NUMBERS)
    return np.arange(steps)[::-1][:: max(1, every)][::-1]  # the last one always


# Theory and facts --------------------------------------------------------------------------------


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


def _facts(run: LoadedRun) -> dict[str, str]:
    about = run.description
    devices = [str(d) for d in about.get("devices", [])]
    counted = {d: devices.count(d) for d in devices}
    facts = {
        "Directory": str(run.path.absolute()),
        "Devices": ", ".join(f"{n} × {d}" for d, n in counted.items()),
        "Versions": ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items()),
        "Plan": ", ".join(f"{k} {v}" for k, v in about.get("plan", {}).items()),
    }
    if run.study.objective.trap:
        facts["Beware of the objective"] = run.study.objective.trap
    facts["Started"] = f"{datetime.fromtimestamp(run.begun, UTC):%Y-%m-%d %H:%M} UTC"
    if not math.isnan(run.took):
        facts["Time"] = f"{run.took / 60:.1f} minutes from start to results, pauses included"
    return facts


def _banner(run: LoadedRun) -> str:
    if run.finished:
        return ""
    done, steps = run.steps, run.study.training.steps
    trained, begun = (done == steps).sum(), ((done > 0) & (done < steps)).sum()
    return (
        f"not finished. {trained} of {run.grid.size} models are trained; {begun} more have taken "
        f"up to {done[done < steps].max(initial=0):,} of {steps:,} steps. "
        "The command below goes on."
    )


# Pictures ----------------------------------------------------------------------------------------


def draw_pictures(
    run: LoadedRun, rows: Sequence[int], columns: Sequence[int]
) -> tuple[str, dict[tuple[int, int], Pictures]]:
    """Draw seed 0's models as sprites: (the test images, pictures of each cell).

    Cells are taken in a scattered order until the page's room for pictures is spent.
    """
    recipe, (bias, strength, _) = run.recipe, run.grid.dims
    shape = recipe.world.image
    u, x = (np.asarray(part) for part in recipe.world.test_set(run.data))
    u = as_columns(u, recipe.world.factors)
    rng = np.random.default_rng(0)
    shown = rng.choice(len(u), min(len(u), SHOWN), replace=False)
    known = rng.choice(len(u), min(len(u), HEAD_ROWS), replace=False)
    test = _Test(u[known], x[known], u[shown], x[shown])
    draw = jax.jit(lambda params, test, *where: _images(recipe, params, test, *where))
    pictures, room = {}, PICTURE_BYTES
    cells = [(i, j) for i in range(len(rows)) for j in range(len(columns))]
    for i, j in (cells[k] for k in rng.permutation(len(cells))):
        cell = {bias: run.grid.bias[rows[i]], strength: run.grid.strength[columns[j]]}
        try:
            params = run.params(**cell, seed=0)
        except StorageError:
            if run.finished:
                raise
            continue  # it has not begun
        images = draw(params, test, cell[bias], run.data)
        drawn = {kind: sprite(folded(images[kind], shape)) for kind in PICTURES}
        room -= sum(map(len, drawn.values()))
        if room < 0:
            break
        pictures[i, j] = drawn
    return sprite(folded(x[shown], shape)[None]) if pictures else "", pictures


class _Test(NamedTuple):
    """Test images: those that the drawn projection is fitted to, and those shown."""

    u: Any
    x: Any
    shown_u: Any
    shown_x: Any


def _images(
    recipe: Recipe, params: Any, test: _Test, bias: jax.Array, data: Any
) -> dict[str, jax.Array]:
    """Draw one model's pictures, `[rows, columns, pixels]` each, named as in `PICTURES`."""
    network = recipe.network
    with jax.default_matmul_precision("highest"):
        z_hat, mean = test_codes(purpose_key(0, Purpose.TEST), recipe, params, test.x)
        head = fit_least_squares(test.u, z_hat)
        busiest = jnp.argsort(-mean.var(0))[:TRAVERSED]
        steps = jnp.linspace(-3, 3, 7)
        codes = jax.nn.one_hot(busiest, network.latent_dim)[:, None, :] * steps[None, :, None]
        key = purpose_key(0, Purpose.FIGURE)
        normals = jax.random.normal(key, (2 * SHOWN, network.latent_dim))
        trained_on = recipe.sample(recipe.world.draw(key, (TRAINING_ROWS,)), bias, data).x
        of_training, _ = test_codes(key, recipe, params, trained_on)
        prior = recipe.objective.prior_sample(params, normals, of_training).reshape(2, SHOWN, -1)
        return {
            "reconstruction": network.decode(params, mean_code(recipe, params, test.shown_x))[None],
            "projection": network.decode(params, head(test.shown_u))[None],
            "traversal": network.decode(params, codes),
            "prior": network.decode(params, prior),
        }
