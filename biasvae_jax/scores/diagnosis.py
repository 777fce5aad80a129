"""Why a model failed: how far from the linear optimum it ended, and what its latents model.

Each is a mean over batches of images, so the functions are for one batch and take its noise: a
sweep draws that once for all models of a seed.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Network, Params, linear_network
from biasvae_jax.objectives import analytic_beta_elbo
from biasvae_jax.regimes import ACTIVE_THRESHOLD
from biasvae_jax.training import Recipe, StepNoise, draw_noise
from biasvae_jax.worlds import World

IMAGES = 512  # a batch; small enough to stay in cache, and for many seeds to share memory
GAP_BATCHES, SHARE_BATCHES = 64, 16  # 32,768 and 8,192 images


class Diagnosis(NamedTuple):
    """What became of one model; each a scalar."""

    gap: jax.Array
    """Loss above that of the linear optimum, nats an image."""
    signal_share: jax.Array
    """Share of the posterior means' variance that follows the factors."""


def fresh_noise(seed: jax.Array | int, batch: jax.Array | int, recipe: Recipe) -> StepNoise:
    """Draw the noise of a batch of 512 images; it depends on `seed` and `batch` alone."""
    images = dataclasses.replace(recipe, batch_size=IMAGES)
    return draw_noise(purpose_key(seed, Purpose.GAP), jnp.asarray(batch), images)


def twin_noise(seed: jax.Array | int, batch: jax.Array | int, recipe: Recipe) -> tuple[Any, Any]:
    """Draw the world's noise of a batch, and the same latents with new observation noise."""
    noise = fresh_noise(seed, batch, recipe).world
    key = jax.random.fold_in(purpose_key(seed, Purpose.RENEW), batch)
    return noise, recipe.world.renew(key, noise)


def gap(
    noise: StepNoise,
    params: Params,
    linear: Params,
    bias: jax.Array | float,
    beta: jax.Array | float,
    recipe: Recipe,
) -> jax.Array:
    """Loss of a model minus that of a linear one on the same images and posterior noise, nats.

    Both are the mean β-ELBO with the analytic KL, whatever the recipe's objective; `linear` are
    parameters of `linear_network`, as `theory.linear_params` returns them. Negative where
    the model beats the linear optimum. Scalar, for one batch.
    """
    reference = linear_network(recipe.world.pixels, recipe.network.latent_dim)
    with jax.default_matmul_precision("highest"):
        x = recipe.world.sample(noise.world, bias).x
        model, optimum = (
            analytic_beta_elbo(network, p, x, noise.posterior, beta, recipe.likelihood_variance)
            for network, p in ((recipe.network, params), (reference, linear))
        )
        return jnp.mean(model.loss - optimum.loss)


def silent_share(x: jax.Array, params: Params, network: Network) -> jax.Array:
    """Share of the images `x` `[images, pixels]` that the encoder answers with one same posterior.

    Same is bit for bit: no unit of some hidden layer responds to them, so they send the encoder no
    gradient but its last bias'. Near 1 the encoder is dead, and more steps hardly bring it back.
    Scalar; shares below ½ count as 0, for it is the median image's posterior that they have.
    """
    posterior = jnp.concatenate(network.encode(params, x), axis=-1)
    return jnp.mean(jnp.all(posterior == jnp.median(posterior, axis=0, keepdims=True), axis=-1))


class CodeVariance(NamedTuple):
    """Variances of the posterior means over training images, each `[latent_dim]`."""

    total: jax.Array
    signal: jax.Array
    """Of E[mean | z], what the observation noise leaves as it is."""


def code_variance(
    twins: tuple[Any, Any],
    params: Params,
    bias: jax.Array | float,
    network: Network,
    world: World,
) -> CodeVariance:
    """Estimate the variances, unbiased, from one batch of `twin_noise`.

    Given z, the posterior means of an image and of its renewed twin are independent, so their
    covariance is the variance of E[mean | z].
    """
    with jax.default_matmul_precision("highest"):
        first, second = (network.encode(params, world.sample(noise, bias).x)[0] for noise in twins)
    first, second = (mean - mean.mean(0, keepdims=True) for mean in (first, second))
    rows = len(first) - 1
    total = 0.5 * (jnp.square(first) + jnp.square(second)).sum(0) / rows
    return CodeVariance(total, (first * second).sum(0) / rows)


def signal_share(variance: CodeVariance) -> jax.Array:
    """Share of the latents that is signal: tr Cov(E[mean | z]) / tr Cov(mean), on training data.

    Near 0 where they model the observation noise; NaN where no latent is active, that is varies
    by more than 0.01. Takes the mean of `code_variance` over batches; scalar.
    """
    active = jnp.any(variance.total > ACTIVE_THRESHOLD)
    return jnp.where(active, variance.signal.sum() / variance.total.sum(), jnp.nan)
