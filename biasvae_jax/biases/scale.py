"""Latents that vary less, or more, than they should."""

from dataclasses import dataclass

import jax

from biasvae_jax.axes import Axis
from biasvae_jax.biases.base import LatentBias
from biasvae_jax.components import register


@register
@dataclass(frozen=True)
class Scale(LatentBias):
    """z ~ N(0, s²I): every latent's standard deviation is s; below 1 the data lack variety."""

    kind = "scale"
    axis = Axis(
        "scale",
        "s",
        "training bias: standard deviation of the latents",
        (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0),
        neutral=1.0,
        least=0.0,
    )

    def latents(self, noise: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return z = s·noise."""
        return strength * noise

    def normal(self, strength: float) -> tuple[float, float]:
        """Return mean 0 and standard deviation s."""
        return 0.0, strength
