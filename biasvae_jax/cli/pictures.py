"""Draws the figures of a finished run into its `figures/`."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from biasvae_jax.axes import Axis
from biasvae_jax.cli.gathering.strip import same_draws
from biasvae_jax.cli.maps import HEAT_MAPS, draw_map, score_of
from biasvae_jax.drawing import own_settings
from biasvae_jax.factors import as_columns
from biasvae_jax.figures import (
    image_grid,
    pictures,
    regime_map,
    spread,
    training_curves,
)
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.projection import fit_least_squares
from biasvae_jax.runs import directory
from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.scores.recovery import mean_code, test_codes
from biasvae_jax.training import Recipe
from biasvae_jax.worlds import Generated

ROW = 21  # images in a row, as in the original study
SHOWN_MODELS = 8  # test images of a model's figure
HEAD_ROWS = 20_000  # test images behind the drawn projection
TRAVERSED = np.linspace(-3, 3, 7)  # values of a latent, the others 0


@own_settings()
def write_figures(run: LoadedRun) -> None:
    """Draw every figure of a finished run."""
    with directory.writing_folder(run.path / "figures") as folder:
        _heat_maps(folder, run)
        _curves(folder, run)
        _training_images(folder, run)
        u, x = (np.asarray(part) for part in run.recipe.world.test_set(run.data))
        u = as_columns(u, run.recipe.world.factors)
        _test_images(folder, run, x)
        _models(folder, run, u, x)


def _save(figure: Figure, folder: Path, name: str) -> None:
    figure.savefig(folder / f"{name}.png", dpi=130)


def _heat_maps(folder: Path, run: LoadedRun) -> None:
    """Draw the map of each score that the results have, and what became of each model."""
    grid, results = run.grid, run.scores
    for name in HEAT_MAPS:
        if score_of(name) in results:
            _save(draw_map(run, name), folder, name)
    codes = results["regime"].transpose(*grid.dims).values
    measured = "signal_share" in results
    figure = regime_map({"": codes}, grid.bias, grid.strength, run.boundaries, measured)
    _save(figure, folder, "regime")


def _curves(folder: Path, run: LoadedRun) -> None:
    """Draw curves, and a time course, over each axis, at the other's value nearest to neutral."""
    bias, strength = run.grid.bias, run.grid.strength
    mean = run.history.mean("seed", keep_attrs=True)
    of_bias = f"the {bias.title} {bias.symbol}"
    for axis, other, over in ((bias, strength, of_bias), (strength, bias, strength.symbol)):
        fixed = _nearest_to_neutral(other)
        part = mean.isel({other.name: other.values.index(fixed)})
        names = [f"{v:g}" for v in axis]
        for along, kind in (("step", "curves"), ("snapshot", "course")):
            terms = {
                _label(variable): variable.transpose(axis.name, along).values
                for variable in part.data_vars.values()
                if along in variable.dims
            }
            if not terms:
                continue  # no time course
            what = "Training curves" if kind == "curves" else "Time course"
            title = f"{what} over {over}, {other.symbol} = {fixed:g}"
            steps, logarithmic = part[along].values, kind == "course"
            figure = training_curves(steps, terms, names, title, axis.symbol, logarithmic)
            _save(figure, folder, f"{kind}_over_{axis.name}")


def _nearest_to_neutral(axis: Axis) -> float:
    """Return the value that changes least; the middle one where none is known to be neutral."""
    if np.isnan(axis.neutral):
        return sorted(axis)[(len(axis) - 1) // 2]
    return min(axis, key=lambda value: abs(value - axis.neutral))


def _label(term: xr.DataArray) -> str:
    """Write what a term of the loss is, with its unit."""
    name = str(term.attrs.get("long_name", term.name)).partition(", mean over")[0]
    unit = str(term.attrs.get("units", "nat"))
    return f"{name} ({'nats' if unit == 'nat' else unit})"


def _training_images(folder: Path, run: LoadedRun) -> None:
    """Draw the same draws under every bias, without noise and, if there is any, with it."""
    recipe, bias = run.recipe, run.grid.bias
    shown = spread(bias.values, ROW)
    samples = same_draws(run, shown, ROW)
    names = [f"{bias.symbol} = {strength:g}" for strength in shown]

    def draw(kind: str, title: str, name: str) -> None:
        rows = [pictures(getattr(each, kind), recipe.world.image) for each in samples]
        _save(image_grid(np.stack(rows), title, names), folder, name)

    each = f"one row for each {bias.title} {bias.symbol}"
    draw("x_clean", f"Training images before noise: {each}", "training_images_clean")
    variance = recipe.world.noise_variance
    if variance or recipe.world.noise_mean:
        seen = "as the models see them (drawn clipped to [0, 1])"
        title = f"Training images with noise of variance {variance:g}, {seen}"
        draw("x", title, "training_images_noisy")


def _test_images(folder: Path, run: LoadedRun, x: np.ndarray) -> None:
    rows = 3 if len(x) >= 3 * ROW else 1
    chosen = np.linspace(0, len(x) - 1, min(len(x), rows * ROW)).astype(int)
    images = pictures(x[chosen], run.recipe.world.image)
    title = f"{len(chosen)} of the {len(x):,} test images: {run.recipe.world.caption}, no noise"
    grid = images.reshape(rows, -1, *images.shape[1:])
    _save(image_grid(grid, title), folder, "test_images")


def _models(folder: Path, run: LoadedRun, u: np.ndarray, x: np.ndarray) -> None:
    """Draw the model of the highest recovery R², and of the lowest under the same bias."""
    grid = run.grid
    if "recovery_r2" not in run.scores:
        return
    bias, strength, seeds = grid.dims
    r2 = run.scores["recovery_r2"].transpose(seeds, bias, strength).values
    if np.isnan(r2).all():
        return
    seed, row, best, worst = best_and_worst(r2)
    rng = np.random.default_rng(0)
    shown = rng.choice(len(u), min(len(u), SHOWN_MODELS), replace=False)
    known = slice(None) if len(u) <= HEAD_ROWS else rng.choice(len(u), HEAD_ROWS, replace=False)
    tested = jax.device_put((u[known], x[known], u[shown], x[shown]))
    draw = jax.jit(functools.partial(_drawn, run.recipe))
    # the files' names are older than the words
    for name, which, column in (("recovered", "highest", best), ("collapsed", "lowest", worst)):
        cell = {bias: grid.bias[row], strength: grid.strength[column]}
        params = run.params(**cell, seed=seed)
        found = f"{grid.name(**cell)}, R² = {r2[seed, row, column]:.2f}"
        label = f"model of {which} recovery R² ({found})"
        *rows, traversal = draw(params, *tested)
        figure = _reconstructions(run, [x[shown], *rows], label)
        _save(figure, folder, f"reconstructions_{name}")
        _save(_traversal(run, traversal, label), folder, f"traversal_{name}")


def best_and_worst(scores: np.ndarray) -> tuple[int, int, int, int]:
    """Return seed, row and column of the highest of scores `[seeds, rows, columns]`, and a column.

    The last is that of the lowest of the same seed and row: two models that learned from the same
    images and differ in the strength alone. NaN is neither; not all may be NaN.
    """
    seed, row, best = np.unravel_index(np.nanargmax(scores), scores.shape)
    return int(seed), int(row), int(best), int(np.nanargmin(scores[seed, row]))


def _drawn(
    recipe: Recipe, params: Any, u: jax.Array, x: jax.Array, shown_u: jax.Array, shown_x: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Decode the codes of images, those projected from their factors, and each latent alone.

    The projection is fitted to `u` and `x`. `[shown, pixels]` twice, `[latents, values, pixels]`.
    """
    network = recipe.network
    z_hat, _ = test_codes(purpose_key(0, Purpose.TEST), recipe, params, x)
    codes = jnp.eye(network.latent_dim)[:, None, :] * jnp.asarray(TRAVERSED)[None, :, None]
    return (
        network.decode(params, mean_code(recipe, params, shown_x)),
        network.decode(params, fit_least_squares(u, z_hat)(shown_u)),
        network.decode(params, codes),
    )


def _reconstructions(run: LoadedRun, rows: Sequence[Any], label: str) -> Figure:
    images = np.stack([pictures(row, run.recipe.world.image) for row in rows])
    drawn = "test image G(u)" if isinstance(run.recipe.world, Generated) else "test image"
    names = (drawn, "reconstruction\n(posterior mean)", "decoded\nprojection of u")
    return image_grid(images, f"Reconstructions of the {label}", names)


def _traversal(run: LoadedRun, decoded: Any, label: str) -> Figure:
    images = pictures(decoded, run.recipe.world.image)
    names = [f"latent {i + 1}" for i in range(len(images))]
    columns = [f"{v:+g}" for v in TRAVERSED]
    title = f"Latent traversals of the {label}"
    return image_grid(images, title, names, columns, column_label="value of the latent, others 0")
