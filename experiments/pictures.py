"""Draws the figures of a finished run into its `figures/`."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from biasvae_jax.config import Config
from biasvae_jax.drawing import own_settings
from biasvae_jax.figures import heat_map, image_grid, regime_map, spread, training_curves
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.projection import fit_least_squares
from biasvae_jax.runs import directory
from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.scores.recovery import test_codes
from biasvae_jax.training import Recipe

ROW = 21  # images in a row, as in the original study
SHOWN_MODELS = 8  # test images of a model's figure

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
        _data(folder, run.config, run.recipe)
        _models(folder, run)


def _save(figure: Figure, folder: Path, name: str) -> None:
    figure.savefig(folder / f"{name}.png", dpi=130)


def _heat_maps(folder: Path, run: LoadedRun) -> None:
    config, results, boundary = run.config, run.scores, run.boundary
    seeds = "" if config.seeds == 1 else f" (mean of {config.seeds} seeds)"
    for name, (title, label) in HEAT_MAPS.items():
        values = results[name.removeprefix("heatmap_")].mean("seed").values
        figure = heat_map(values, config.mu, config.beta, title + seeds, label, boundary)
        _save(figure, folder, name)
    codes = results["regime"].transpose("mu", "beta", "seed").values
    _save(regime_map({"": codes}, config.mu, config.beta, boundary), folder, "regime")


def _curves(folder: Path, run: LoadedRun) -> None:
    """Draw the curves over μ at the β nearest 1, and over β at the μ nearest 0."""
    beta = min(run.config.beta, key=lambda b: abs(b - 1))
    mu = min(run.config.mu, key=abs)
    mean = run.history.mean("seed")
    over_mu, over_beta = mean.sel(beta=beta), mean.sel(mu=mu)
    for name, part, dimension, title in (
        (
            "curves_over_mu",
            over_mu,
            "mu",
            f"Training curves over the training bias μ, β = {beta:g}",
        ),
        ("curves_over_beta", over_beta, "beta", f"Training curves over β, μ = {mu:g}"),
    ):
        losses = {str(k): part[k].transpose(dimension, "step").values for k in part.data_vars}
        symbol = {"mu": "μ", "beta": "β"}[dimension]
        names = [f"{symbol} = {v:g}" for v in part[dimension].values]
        figure = training_curves(part["step"].values, losses, names, title, "")
        _save(figure, folder, name)


def _square(images: Any) -> np.ndarray:
    images = np.asarray(images)
    side = round(images.shape[-1] ** 0.5)
    return images.reshape(*images.shape[:-1], side, side)


def _data(folder: Path, config: Config, recipe: Recipe) -> None:
    noise = recipe.world.draw(purpose_key(0, Purpose.FIGURE), (ROW,))
    shown = spread(config.mu, ROW)
    samples = [recipe.world.sample(noise, mu) for mu in shown]
    names = [f"μ = {mu:g}" for mu in shown]
    for kind, title in (
        ("x_clean", "Training images before noise: one row for each training bias μ"),
        (
            "x",
            f"Training images with noise of variance {config.noise_variance:g}, as the models see "
            "them (drawn clipped to [0, 1])",
        ),
    ):
        images = np.stack([_square(getattr(sample, kind)) for sample in samples])
        name = "training_images_clean" if kind == "x_clean" else "training_images_noisy"
        _save(image_grid(images, title, names), folder, name)
    u = recipe.world.test_factors()
    rows = 3 if len(u) >= 3 * ROW else 1
    chosen = np.linspace(0, len(u) - 1, min(len(u), rows * ROW)).astype(int)
    images = _square(recipe.world.render(u[chosen]))
    images = images.reshape(rows, -1, *images.shape[-2:])
    bins = ", ".join(f"{b:g}" for b in config.bins)
    title = f"{len(chosen)} of the {len(u):,} test images: all combinations of {{{bins}}}, no noise"
    _save(image_grid(images, title), folder, "test_images")


def _models(folder: Path, run: LoadedRun) -> None:
    """Draw the model that recovered most and the most collapsed one."""
    r2 = run.scores["recovery_r2"].transpose("seed", "mu", "beta").values
    if np.isnan(r2).all():
        return
    for name, place in (("recovered", np.nanargmax(r2)), ("collapsed", np.nanargmin(r2))):
        seed, i, j = (int(index) for index in np.unravel_index(place, r2.shape))
        mu, beta = run.config.mu[i], run.config.beta[j]
        params = run.params(mu=mu, beta=beta, seed=seed)
        label = f"{name} model (μ = {mu:g}, β = {beta:g}, recovery R² = {r2[seed, i, j]:.2f})"
        _save(_reconstructions(run.recipe, params, label), folder, f"reconstructions_{name}")
        _save(_traversal(run.recipe, params, label), folder, f"traversal_{name}")


def _reconstructions(recipe: Recipe, params: Any, label: str) -> Figure:
    u = recipe.world.test_factors()
    x = recipe.world.render(u)
    network = recipe.network
    z_hat, mean = test_codes(purpose_key(0, Purpose.TEST), network, params, x)
    projected = fit_least_squares(u, z_hat)(u)
    shown = np.random.default_rng(0).choice(len(u), min(len(u), SHOWN_MODELS), replace=False)
    rows = (x[shown], network.decode(params, mean[shown]), network.decode(params, projected[shown]))
    images = np.stack([_square(row) for row in rows])
    names = ("test image G(u)", "reconstruction\n(posterior mean)", "decoded\nprojection of u")
    return image_grid(images, f"Reconstructions of a {label}", names)


def _traversal(recipe: Recipe, params: Any, label: str) -> Figure:
    latents = recipe.network.latent_dim
    values = jnp.linspace(-3, 3, 7)
    codes = jnp.eye(latents)[:, None, :] * values[None, :, None]
    images = _square(recipe.network.decode(params, codes))
    names = [f"latent {i + 1}" for i in range(latents)]
    columns = [f"{v:+g}" for v in np.asarray(values)]
    title = f"Latent traversals of a {label}"
    return image_grid(images, title, names, columns, column_label="value of the latent, others 0")
