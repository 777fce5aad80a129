"""The original study's scores: how well a linear head joins true factors and learned latents.

Scores use the sampled code z_hat unless their name says `mean`: the posterior mean has two traps.
As a target, a collapsed model's constant mean is matched perfectly (`pmi_mean` = 0); as an input,
it is blind to scale, so a network whose means barely move can still score high
(`recovery_r2_mean`).
"""

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.costs import over_rows, sum_over_rows
from biasvae_jax.networks import Network, Params
from biasvae_jax.objectives import reparameterise
from biasvae_jax.projection import (
    fit_adam_on,
    fit_adam_raw,
    fit_least_squares,
    minibatches,
    mse,
)
from biasvae_jax.scores.base import Meaning, register_score
from biasvae_jax.scores.generation import error_sums, error_terms
from biasvae_jax.statistics.regimes import ACTIVE_THRESHOLD
from biasvae_jax.training import Recipe

ACTIVE_IMAGES = 8_192


RECOVERY = {
    "pmi": Meaning(
        "PMI, the original study's proxy: MSE of the Adam head u → z_hat", "1", "lower",
        title="Error from factors to code (PMI)",
    ),
    "pmi_exact": Meaning(
        "MSE of the least-squares head u → z_hat", "1", "lower",
        title="Error from factors to code, exact head",
    ),
    "pmi_mean": Meaning(
        "MSE of the least-squares head u → posterior mean", "1", "lower", "traps",
        title="Error from factors to posterior mean",
    ),
    "recovery_mse": Meaning(
        "MSE of the Adam head z_hat → u", "factor²", "lower", title="Error from code to factors"
    ),
    "recovery_r2": Meaning(
        "R² of the least-squares head z_hat → u", "1", "higher", title="Recovery (R²)", worst=0.0
    ),
    "recovery_r2_mean": Meaning(
        "R² of the least-squares head posterior mean → u", "1", "higher", "traps",
        title="Recovery from the posterior mean (R²)", worst=0.0,
    ),
    "generation_mse": Meaning(
        "mean of (G(u) − decode(P(u)))² over images and pixels", "intensity²", "lower",
        "generation", title="Drawing error",
    ),
    "generation_offset": Meaning(
        "part of generation_mse from the mean image", "intensity²", "lower", "generation",
        title="Drawing error: mean image",
    ),
    "generation_shrinkage": Meaning(
        "part of generation_mse from its contrast", "intensity²", "lower", "generation",
        title="Drawing error: contrast",
    ),
    "generation_head": Meaning(
        "the rest of generation_mse: head and decoder", "intensity²", "lower", "generation",
        title="Drawing error: the rest",
    ),
    "active_units": Meaning(
        "latents with Var(posterior mean) > 0.01 on training images",
        "latents", "", "training", np.int32, title="Active latents",
    ),
}  # fmt: skip
register_score("recovery", RECOVERY)
BASELINE = {
    "recovery_mse_raw": Meaning(
        "MSE of the plainest Adam head z_hat → u", "factor²", "lower",
        title="Error from code to factors, plainest head",
    ),
}  # fmt: skip
"""Of randomly initialised networks alone."""


class RecoveryScores(NamedTuple):
    """What one model recovered; each a scalar."""

    pmi: jax.Array
    """MSE of the original study's head P: u → z_hat, its proxy for mutual information."""
    pmi_exact: jax.Array
    """The same with the least-squares head."""
    pmi_mean: jax.Array
    """The same, least squares, with the posterior mean as target (a trap)."""
    recovery_mse: jax.Array
    """MSE of the same kind of head the other way: z_hat → u."""
    recovery_r2: jax.Array
    """1 − (least-squares residual) / Var(u), from z_hat; NaN where u does not vary."""
    recovery_r2_mean: jax.Array
    """The same from the posterior mean (a trap)."""
    generation_mse: jax.Array
    """Mean over images and pixels of (G(u) − decode(P(u)))², P the head of `pmi`."""
    generation_offset: jax.Array
    """Its part from the mean image (`generation_terms`)."""
    generation_shrinkage: jax.Array
    """Its part from contrast that is too low or too high."""
    generation_head: jax.Array
    """The rest: what the head and the decoder get wrong otherwise."""
    active_units: jax.Array
    """Latents whose posterior mean varies over training images, int32."""


def r_squared(prediction: jax.Array, target: jax.Array) -> jax.Array:
    """Share of the target's variance explained, pooled over its columns; 1 is perfect.

    1 − MSE(prediction)/MSE(mean), both `[rows, columns]`; scalar. NaN where every column of the
    target is constant to rounding: nothing is there to explain. (`alignment.linear_r2` is a mean of
    columns, in which such a column counts as 0.)
    """
    eps = jnp.finfo(target.dtype).eps
    varies = jnp.any(jnp.ptp(target, axis=0) > 8 * eps * jnp.abs(target).max(0))
    spread = mse(target, target.mean(0, keepdims=True))
    return jnp.where(varies, 1 - mse(prediction, target) / jnp.where(varies, spread, 1), jnp.nan)


def active_units(network: Network, params: Params, x: jax.Array) -> jax.Array:
    """Count latents with Var_x(posterior mean) > 0.01 over images `[images, pixels]`.

    Source: Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders", section 5.2.
    """
    mean = over_rows(lambda rows: network.encode(params, rows)[0], x)
    return jnp.sum(mean.var(0) > ACTIVE_THRESHOLD).astype(jnp.int32)


def test_codes(
    key: jax.Array, recipe: Recipe, params: Params, x: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Encode images: (one draw of z_hat for each, its posterior mean), both as codes.

    A code is what is decoded: of most objectives the posterior's sample (`Objective.code`).
    """
    return _codes(jax.random.normal(key, (len(x), recipe.network.latent_dim)), recipe, params, x)


def _codes(
    normals: jax.Array, recipe: Recipe, params: Params, x: jax.Array
) -> tuple[jax.Array, jax.Array]:
    objective, network = recipe.objective, recipe.network
    mean, logvar = over_rows(lambda rows: objective.posterior(network, params, rows), x)
    z_hat = reparameterise(normals, mean, logvar)
    return objective.code(params, z_hat), objective.code(params, mean)


def mean_code(recipe: Recipe, params: Params, x: jax.Array) -> jax.Array:
    """Encode images `[..., pixels]` to the code of the posterior's mean, `[..., latent_dim]`."""
    mean, _ = recipe.objective.posterior(recipe.network, params, x)
    return recipe.objective.code(params, mean)


class ScoreKeys(NamedTuple):
    """Keys of the three draws behind the scores; the same for all models of a seed."""

    test: jax.Array
    head: jax.Array
    active: jax.Array


class ScoreNoise(NamedTuple):
    """The random numbers behind the scores, the same for all models of a seed."""

    posterior: jax.Array
    """Standard normals, `[test images, latent_dim]`."""
    batches: jax.Array
    """Rows of the Adam heads' `minibatches`."""
    world: Any
    """The world's noise of 8,192 training images."""


def score_noise(keys: ScoreKeys, images: int, recipe: Recipe) -> ScoreNoise:
    """Draw what scoring on so many test images takes."""
    return ScoreNoise(
        jax.random.normal(keys.test, (images, recipe.network.latent_dim)),
        minibatches(keys.head, images),
        recipe.world.draw(keys.active, (ACTIVE_IMAGES,)),
    )


def recovery_scores(
    keys: ScoreKeys,
    params: Params,
    bias: jax.Array | float,
    test: tuple[jax.Array, jax.Array],
    recipe: Recipe,
    data: Any = (),
) -> RecoveryScores:
    """Score one model on a test set: factors `[images, columns]`, images `[images, pixels]`.

    The factors are numbers, those of `factors.as_columns`. `bias` is the strength under which it
    was trained, `data` are the world's arrays. Products are in full float32, on every device.
    Source: the original study's "Test Dataset" and PMI.
    """
    noise = score_noise(keys, len(test[0]), recipe)
    return noisy_scores(noise, params, bias, test, recipe, data)


def noisy_scores(
    noise: ScoreNoise,
    params: Params,
    bias: jax.Array | float,
    test: tuple[jax.Array, jax.Array],
    recipe: Recipe,
    data: Any = (),
) -> RecoveryScores:
    """Return the `recovery_scores` with random numbers that are drawn already."""
    u, x = test
    chex.assert_rank([u, x], 2)
    network = recipe.network
    centre = x.mean(0, keepdims=True)
    with jax.default_matmul_precision("highest"):
        z_hat, mean = _codes(noise.posterior, recipe, params, x)
        head = fit_adam_on(noise.batches, u, z_hat)
        sums = sum_over_rows(
            lambda rows: error_sums(network.decode(params, rows[0]), rows[1], centre),
            (head(u), x),
        )
        generation_mse, terms = error_terms(sums, x - centre)
        training = recipe.sample(noise.world, bias, data).x
        return RecoveryScores(
            pmi=mse(head(u), z_hat),
            pmi_exact=mse(fit_least_squares(u, z_hat)(u), z_hat),
            pmi_mean=mse(fit_least_squares(u, mean)(u), mean),
            recovery_mse=mse(fit_adam_on(noise.batches, z_hat, u)(z_hat), u),
            recovery_r2=r_squared(fit_least_squares(z_hat, u)(z_hat), u),
            recovery_r2_mean=r_squared(fit_least_squares(mean, u)(mean), u),
            generation_mse=generation_mse,
            generation_offset=terms.offset,
            generation_shrinkage=terms.shrinkage,
            generation_head=terms.head,
            active_units=active_units(network, params, training),
        )


def raw_recovery_mse(
    keys: ScoreKeys, params: Params, test: tuple[jax.Array, jax.Array], recipe: Recipe
) -> jax.Array:
    """`recovery_mse` with the plainest head; for a random network, the original study's 0.1121."""
    u, x = test
    with jax.default_matmul_precision("highest"):
        z_hat, _ = test_codes(keys.test, recipe, params, x)
        return mse(fit_adam_raw(keys.head, z_hat, u)(z_hat), u)
