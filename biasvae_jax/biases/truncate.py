"""Latents that never exceed a quantile."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from scipy import special

from biasvae_jax.axes import Axis
from biasvae_jax.biases.base import LatentBias
from biasvae_jax.biases.moments import Link, LinkedMoments, normal_nodes
from biasvae_jax.biases.quantile import quantile, tails
from biasvae_jax.components import register


@register
@dataclass(frozen=True)
class Truncate(LatentBias):
    """z ~ N(0, 1) given z ≤ Φ⁻¹(q), each latent: what is above the quantile q never occurs."""

    kind = "truncate"
    axis = Axis(
        "quantile",
        "q",
        "training bias: quantile above which no latent occurs",
        (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
        neutral=1.0,
        least=0.001,
        most=1.0,
    )

    def latents(self, noise: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return z with Φ(z) = q·Φ(noise)."""
        lower, upper = tails(noise)
        share = jnp.asarray(strength, jnp.float32)
        z = jnp.minimum(quantile(share * lower, 1 - share + share * upper), ndtri(share))
        return jnp.where(share == 1, noise, z)

    def moments(self, strength: float, count: int, link: Link) -> LinkedMoments:
        """Return those of independent truncated normals."""
        high = np.inf if strength == 1 else float(special.ndtri(strength))
        return normal_nodes(high=high).independent(link, count)
