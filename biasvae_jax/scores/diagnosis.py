"""Why a model failed: how far from the linear optimum it ended, and what its latents model.

Each is a mean over batches of images, so the functions are for one batch and take its noise: a
sweep draws that once for all models of a seed.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.costs import over_rows
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Params, linear_network
from biasvae_jax.objectives import analytic_beta_elbo
from biasvae_jax.scores.base import Meaning, register_score
from biasvae_jax.statistics.regimes import ACTIVE_THRESHOLD
from biasvae_jax.training import Recipe, StepNoise, draw_noise

IMAGES = 512  # a batch; small enough to stay in cache, and for many seeds to share memory
GAP_BATCHES, SHARE_BATCHES = 64, 16  # 32,768 and 8,192 images


register_score(
    "gap",
    {
        "gap": Meaning(
            "loss above the linear optimum's, on the same 32,768 fresh images", "nat", "lower",
            "training", title="Loss above the linear optimum",
        )
    },
    needs=["optimum"],
)  # fmt: skip
register_score(
    "signal_share",
    {
        "signal_share": Meaning(
            "share of Var(posterior mean) that follows the factors, not the noise", "1", "higher",
            "training", title="Share of the code that follows the factors",
        )
    },
    needs=["noise"],
)  # fmt: skip


class Diagnosis(NamedTuple):
    """What became of one model; each a scalar."""

    gap: Any
    """Loss above that of the linear optimum, nats an image; None where it has no meaning."""
    signal_share: Any
    """Share of the posterior means' variance that follows the factors; None without noise."""


def fresh_noise(seed: jax.Array | int, batch: jax.Array | int, recipe: Recipe) -> StepNoise:
    """Draw the noise of a batch of 512 images; it depends on `seed` and `batch` alone."""
    images = dataclasses.replace(recipe, batch_size=IMAGES, training_images=None, input_noise=0.0)
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
    data: Any = (),
) -> jax.Array:
    """Loss of a model minus that of a linear one on the same images and posterior noise, nats.

    Both are the mean β-ELBO with the analytic KL, whatever the recipe's objective; `linear` are
    parameters of `linear_network`, as `theory.linear_params` returns them. Negative where
    the model beats the linear optimum. Scalar, for one batch.
    """
    reference = linear_network(recipe.world.pixels, recipe.network.latent_dim)
    with jax.default_matmul_precision("highest"):
        x = recipe.sample(noise.world, bias, data).x
        model, optimum = (
            analytic_beta_elbo(network, p, x, noise.posterior, beta, recipe.likelihood_variance)
            for network, p in ((recipe.network, params), (reference, linear))
        )
        return jnp.mean(model.loss - optimum.loss)


def encoder_threshold(x: np.ndarray, features: np.ndarray, variance: float) -> float:
    """Return the β above which a collapsed solution with these features of the encoder is stable.

    λ_max(Cov(x, h) Cov(h)⁻¹ Cov(h, x))/σ², h the last hidden layer: the most that an affine map of
    it explains of any direction of `x`. Means w·h and a decoder direction v change the collapsed
    loss by ½|v|²/σ² + ½β w·Cov(h)w − v·Cov(x, h)w/σ², which is negative for some v, w only below.
    So it bounds stability: below it a collapse is stable too where the decoder cannot draw that v,
    as when its units are dead.
    With h = x it is β*, and else at most that; of a dead layer, that responds to no image, it
    is 0. `x` `[images, pixels]` and `features` `[images, width]`; `variance` is σ². From n images
    it is too large by up to about (√width + √pixels)²/n of the noise's. Source: our own expansion.
    """
    x, features = (np.asarray(a, float) - np.mean(a, 0, dtype=float) for a in (x, features))
    scale, axes = np.linalg.eigh(features.T @ features / len(x))
    kept = scale > 1e-12 * max(1.0, scale[-1])  # what is left is float32 rounding
    white = features @ axes[:, kept] / np.sqrt(scale[kept])
    explained = np.linalg.svd(x.T @ white / len(x), compute_uv=False)
    return float(explained.max(initial=0.0) ** 2 / variance)


class CodeVariance(NamedTuple):
    """Variances of the posterior means over training images, each `[latent_dim]`."""

    total: jax.Array
    signal: jax.Array
    """Of E[mean | z], what the observation noise leaves as it is."""


def code_variance(
    twins: tuple[Any, Any],
    params: Params,
    bias: jax.Array | float,
    recipe: Recipe,
    data: Any = (),
) -> CodeVariance:
    """Estimate the variances, unbiased, from one batch of `twin_noise`.

    Given z, the posterior means of an image and of its renewed twin are independent, so their
    covariance is the variance of E[mean | z].
    """
    with jax.default_matmul_precision("highest"):
        encode = lambda x: recipe.network.encode(params, x)[0]  # noqa: E731
        first, second = (over_rows(encode, recipe.sample(noise, bias, data).x) for noise in twins)
    first, second = (mean - mean.mean(0, keepdims=True) for mean in (first, second))
    rows = len(first) - 1
    total = 0.5 * (jnp.square(first) + jnp.square(second)).sum(0) / rows
    return CodeVariance(total, (first * second).sum(0) / rows)


def signal_share(variance: CodeVariance) -> np.ndarray:
    """Share of the latents that is signal: tr Cov(E[mean | z]) / tr Cov(mean), on training data.

    Near 0 where they model the observation noise; NaN where no latent is active, that is varies
    by more than 0.01. Takes the mean of `code_variance` over batches, `[..., latent_dim]` each, and
    returns `[...]`. In numpy, so that this NaN is no error where jax looks for NaN.
    """
    total, signal = (np.asarray(part, float) for part in (variance.total, variance.signal))
    defined = np.any(total > ACTIVE_THRESHOLD, -1) & np.isfinite(total).all(-1)
    ratio = signal.sum(-1) / np.where(defined, total.sum(-1), 1)
    return np.where(defined, ratio, np.nan)
