"""The original study's bias: the latents' mean."""

from dataclasses import dataclass

import jax

from biasvae_jax.axes import Axis
from biasvae_jax.biases.base import LatentBias
from biasvae_jax.components import register


@register
@dataclass(frozen=True)
class Shift(LatentBias):
    """z ~ N(μ, I): the mean of every latent is shifted by μ.

    Source: the original study, "Set-up and Methods".
    """

    kind = "shift"
    axis = Axis(
        "mu",
        "μ",
        "training bias: mean of the latents",
        (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0),
        neutral=0.0,
    )

    def latents(self, noise: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return z = μ + noise."""
        return strength + noise

    def normal(self, strength: float) -> tuple[float, float]:
        """Return mean μ and standard deviation 1."""
        return strength, 1.0
