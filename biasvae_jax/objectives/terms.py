"""Terms that objectives are made of, for one example: nats, summed over pixels and over latents."""

import math

import jax
import jax.numpy as jnp


def gaussian_reconstruction(x: jax.Array, x_hat: jax.Array, variance: float) -> jax.Array:
    """Negative Gaussian log-likelihood without its constant: ½‖x − x̂‖²/σ² (nats).

    Shapes: `x`, `x_hat` `[..., pixels]` → `[...]`. The constant left out is ½·pixels·ln(2πσ²).
    """
    return 0.5 * jnp.sum(jnp.square(x - x_hat), axis=-1) / variance


def reparameterise(eps: jax.Array, mean: jax.Array, logvar: jax.Array) -> jax.Array:
    """Sample the posterior: z_hat = mean + exp(½ logvar)·eps, with eps ~ N(0, I)."""
    return mean + jnp.exp(0.5 * logvar) * eps


def sample_kl(eps: jax.Array, mean: jax.Array, logvar: jax.Array) -> jax.Array:
    """KL from one reparameterised sample: log q(z_hat|x) − log p(z_hat) (nats), `[...]`.

    = ½ Σ (z_hat² − eps² − logvar): unbiased for `analytic_kl`. Source: the original study,
    "Training Observations".
    """
    z_hat = reparameterise(eps, mean, logvar)
    return 0.5 * jnp.sum(jnp.square(z_hat) - jnp.square(eps) - logvar, axis=-1)


def analytic_kl(mean: jax.Array, logvar: jax.Array) -> jax.Array:
    """KL(N(mean, exp(logvar)) ‖ N(0, I)) = ½ Σ (mean² + exp(logvar) − 1 − logvar) (nats)."""
    return 0.5 * jnp.sum(jnp.square(mean) + jnp.exp(logvar) - 1 - logvar, axis=-1)


def log_normal(z: jax.Array, mean: jax.Array | float, logvar: jax.Array) -> jax.Array:
    """Log density of N(mean, exp(logvar)) at z, each latent by itself (nats); they broadcast."""
    return -0.5 * (jnp.square(z - mean) * jnp.exp(-logvar) + logvar + math.log(2 * math.pi))


def aggregated_posterior(
    z: jax.Array, mean: jax.Array, logvar: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return ln q(z) and Σ ln q(z_j), means over the posteriors of M images (nats).

    q(z) = 1/M Σ_m N(z; mean_m, exp(logvar_m)), and q(z_j) alike. Shapes: `z` `[rows, latents]`,
    `mean` and `logvar` `[M, latents]` → `[rows]` both.
    """
    # [M, latents, rows]: sums over images and latents are sums of vectors over rows
    each = log_normal(z.T[None], mean[..., None], logvar[..., None])
    images = math.log(len(mean))
    joint = jax.nn.logsumexp(each.sum(1), axis=0) - images
    return joint, (jax.nn.logsumexp(each, axis=0) - images).sum(0)


def linear_warmup(step: jax.Array, warmup: int) -> jax.Array:
    """Weight of the KL term: step/warmup, at most 1; 1 throughout when `warmup` is 0."""
    return jnp.minimum(1.0, step / warmup) if warmup else jnp.ones_like(step, jnp.float32)
