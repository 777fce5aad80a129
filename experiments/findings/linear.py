"""How much of what networks lose to a finite training set its linear optimum loses too."""

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.theory import Moments, finite_prediction, world_moments
from biasvae_jax.training.images import image_noise
from experiments.findings.best_beta import images_cell
from experiments.findings.evidence import DECODER, WEAK, sizes
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Table, fixed
from experiments.pages.words import number, sign

THEORY_SIZES = 3_000  # images at most, for which the linear optimum is computed


def linear_table(runs: Runs) -> tuple[str, Table]:
    """Return the share that is explained, in words, and the table behind it."""
    rows, shares = [], []
    endless = runs["n-endless"]
    for label, run in sizes(runs)[:-1]:
        images = run.study.training.training_images or 0
        if images > THEORY_SIZES:
            continue
        for mu in (0, 2):
            i, j, k = run.row(mu), run.column(WEAK), endless.row(mu)
            measured = run.values(DECODER)[i, j] - endless.values(DECODER)[k, endless.column(WEAK)]
            recipe = run.study.recipe
            moments = world_moments(recipe.world, mu, bias=recipe.bias)
            seeds = range(run.study.seeds)
            predicted = np.array([linear_excess(run, mu, seed, moments) for seed in seeds])
            excess = [t_interval(a) for a in (measured, predicted)]
            share = float(excess[1].mean / excess[0].mean) if sign(excess[0]) > 0 else np.nan
            shares.append(share)  # NaN where there is nothing to explain
            rows.append([images_cell(label, run), mu, *excess, fixed(100 * share, 0)])
    columns = {
        "images": "images",
        "μ": "mu",
        "networks": "networks_mse_excess",
        "linear optimum": "linear_mse_excess",
        "share, %": "share_percent",
    }
    known = [share for share in shares if np.isfinite(share)]
    low, high = (100 * f(known) for f in (min, max)) if known else (np.nan, np.nan)
    words = f"{number(low, 0)} to {number(high, 0)} %"
    return words, Table("decoder_linear_share", columns, rows)


def linear_excess(run: Run, mu: float, seed: int, moments: Moments) -> float:
    """Return generation_mse of the linear optimum of a training set above that of endless data."""
    recipe, beta = run.study.recipe, [float(run.beta[run.column(WEAK)])]
    images = run.study.training.training_images
    noise = image_noise(purpose_key(seed, Purpose.TRAIN), jnp.arange(images), recipe.world)
    x = np.asarray(jax.jit(lambda n: recipe.sample(n, mu).x)(noise))
    found = finite_prediction(
        x, recipe.world, mu, beta, recipe.likelihood_variance, recipe.network.latent_dim,
        population=moments,
    )  # fmt: skip
    linear = run.scores["linear_generation_mse"].sel(mu=mu, beta=beta[0], method="nearest")
    return float(found.generation_mse[0]) - float(linear)
