"""Draws the figures of a finished run into its `figures/`."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from biasvae_jax.axes import Axis
from biasvae_jax.drawing import own_settings
from biasvae_jax.factors import as_columns
from biasvae_jax.figures import (
    heat_map,
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
from biasvae_jax.worlds import Generated

ROW = 21  # images in a row, as in the original study
SHOWN_MODELS = 8  # test images of a model's figure
HEAD_ROWS = 20_000  # test images behind the drawn projection

# file: (title, unit); the score is its name without "heatmap_"
HEAT_MAPS = {
    "heatmap_pmi": ("PMI: error of the linear head from true factors to the learned code", "MSE"),
    "heatmap_recovery_mse": (
        "Error of the linear head from the learned code to the true factors",
        "MSE",
    ),
    "heatmap_recovery_r2": (
        "Recovery: share of the factors' variance a linear map of the code explains",
        "R²",
    ),
    "heatmap_generation_mse": (
        "Error of the decoded projection, decode(P(u)) against G(u)",
        "MSE",
    ),
    "gap": ("Loss above that of the linear optimum", "nats (below 0: better than it)"),
    "signal_share": (
        "Signal or noise? Share of the code that follows the factors",
        "signal share (n/a: no latent active)",
    ),
}


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
    """Draw the map of each score that the results have."""
    grid, results = run.grid, run.scores
    axes = grid.bias, grid.strength
    seeds = "" if grid.seeds == 1 else f" (mean of {grid.seeds} seeds)"
    for name, (title, label) in HEAT_MAPS.items():
        score = name.removeprefix("heatmap_")
        if score in results:
            values = results[score].transpose(*grid.dims).mean("seed").values
            _save(heat_map(values, *axes, title + seeds, label, run.boundaries), folder, name)
    codes = results["regime"].transpose(*grid.dims).values
    measured = "signal_share" in results
    _save(regime_map({"": codes}, *axes, run.boundaries, measured), folder, "regime")


def _curves(folder: Path, run: LoadedRun) -> None:
    """Draw curves, and a time course, over each axis, at the other's value nearest to neutral."""
    bias, strength = run.grid.bias, run.grid.strength
    mean = run.history.mean("seed", keep_attrs=True)
    of_bias = f"the {bias.title} {bias.symbol}"
    for axis, other, over in ((bias, strength, of_bias), (strength, bias, strength.symbol)):
        fixed = _nearest_to_neutral(other)
        part = mean.isel({other.name: other.values.index(fixed)})
        names = [f"{axis.symbol} = {v:g}" for v in axis]
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
            figure = training_curves(steps, terms, names, title, "", logarithmic)
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
    noise = recipe.world.draw(purpose_key(0, Purpose.FIGURE), (ROW,))
    shown = spread(bias.values, ROW)
    samples = [recipe.sample(noise, strength, run.data) for strength in shown]
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
    """Draw the models of the highest and the lowest recovery R²."""
    grid = run.grid
    if "recovery_r2" not in run.scores:
        return
    bias, strength, seeds = grid.dims
    r2 = run.scores["recovery_r2"].transpose(seeds, bias, strength).values
    if np.isnan(r2).all():
        return
    highest, lowest = np.nanargmax(r2), np.nanargmin(r2)
    # the files' names are older than the words
    for name, which, place in (("recovered", "highest", highest), ("collapsed", "lowest", lowest)):
        seed, i, j = (int(index) for index in np.unravel_index(place, r2.shape))
        cell = {bias: grid.bias[i], strength: grid.strength[j]}
        params = run.params(**cell, seed=seed)
        label = f"model of {which} recovery R² ({grid.name(**cell)}, R² = {r2[seed, i, j]:.2f})"
        figure = _reconstructions(run, params, u, x, label)
        _save(figure, folder, f"reconstructions_{name}")
        _save(_traversal(run, params, label), folder, f"traversal_{name}")


def _reconstructions(
    run: LoadedRun, params: Any, u: np.ndarray, x: np.ndarray, label: str
) -> Figure:
    rng, network = np.random.default_rng(0), run.recipe.network
    shown = rng.choice(len(u), min(len(u), SHOWN_MODELS), replace=False)
    known = slice(None) if len(u) <= HEAD_ROWS else rng.choice(len(u), HEAD_ROWS, replace=False)
    z_hat, _ = test_codes(purpose_key(0, Purpose.TEST), run.recipe, params, jnp.asarray(x[known]))
    projected = fit_least_squares(jnp.asarray(u[known]), z_hat)(jnp.asarray(u[shown]))
    mean = mean_code(run.recipe, params, jnp.asarray(x[shown]))
    rows = (x[shown], network.decode(params, mean), network.decode(params, projected))
    images = np.stack([pictures(row, run.recipe.world.image) for row in rows])
    drawn = "test image G(u)" if isinstance(run.recipe.world, Generated) else "test image"
    names = (drawn, "reconstruction\n(posterior mean)", "decoded\nprojection of u")
    return image_grid(images, f"Reconstructions of the {label}", names)


def _traversal(run: LoadedRun, params: Any, label: str) -> Figure:
    latents = run.recipe.network.latent_dim
    values = jnp.linspace(-3, 3, 7)
    codes = jnp.eye(latents)[:, None, :] * values[None, :, None]
    images = pictures(run.recipe.network.decode(params, codes), run.recipe.world.image)
    names = [f"latent {i + 1}" for i in range(latents)]
    columns = [f"{v:+g}" for v in np.asarray(values)]
    title = f"Latent traversals of the {label}"
    return image_grid(images, title, names, columns, column_label="value of the latent, others 0")
