"""Normal quantiles that float32 has precisely: what biases make of the uniform behind noise."""

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri


def tails(noise: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return Φ(noise) and 1 − Φ(noise), each precise where it is small."""
    return ndtr(noise), ndtr(-noise)


def quantile(lower: jax.Array, upper: jax.Array) -> jax.Array:
    """Return Φ⁻¹(lower), where upper = 1 − lower, from the smaller of the two; always finite."""
    smaller = jnp.clip(jnp.minimum(lower, upper), jnp.finfo(jnp.float32).tiny, 0.5)
    z = ndtri(smaller)
    return jnp.where(lower < upper, z, -z)


def halves(noise: jax.Array, share: jax.Array | float) -> jax.Array:
    """Map noise ~ N(0, 1) to z with P(z > 0) = share, each half distributed as it was.

    With U = Φ(noise), 1 − Φ(z) = (1 − U)/(2 share) where 1 − U < share, else
    Φ(z) = U/(2(1 − share)): increasing in the noise. At ½ it is the noise, bit for bit.
    """
    share = jnp.asarray(share, jnp.float32)
    lower, upper = tails(noise)
    above = jnp.where(share < 0.5, upper < share, lower >= 1 - share)
    shrunk = jnp.where(above, upper, lower) / (2 * jnp.where(above, share, 1 - share))
    z = ndtri(jnp.clip(shrunk, jnp.finfo(jnp.float32).tiny, 0.5))
    return jnp.where(share == 0.5, noise, jnp.where(above, -z, z))
