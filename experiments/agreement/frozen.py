"""A linear network whose posterior has a variance that is not learned: the KL is the mean's alone.

`--use experiments/agreement/frozen.py --network frozen`, for Wang & Ziyin's collapse.
"""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp

from biasvae_jax import Architecture
from biasvae_jax.components import require_number


class Weights(NamedTuple):
    """Parameters of encoder and decoder."""

    encoder: jax.Array
    decoder: jax.Array
    centre: jax.Array


@dataclass(frozen=True)
class FrozenNet:
    """The network of an image size."""

    pixels: int
    latent_dim: int
    variance: float

    def init(self, key: jax.Array) -> Weights:
        """Draw both weights from N(0, 1/pixels)."""
        shape = (2, self.pixels, self.latent_dim)
        encoder, decoder = jax.random.normal(key, shape) / self.pixels**0.5
        return Weights(encoder, decoder.T, jnp.full(self.pixels, 0.5))

    def encode(self, params: Weights, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Images `[..., pixels]` → mean and logarithm of the variance, `[..., latents]`."""
        mean = (x - params.centre) @ params.encoder
        return mean, jnp.full_like(mean, jnp.log(self.variance))

    def decode(self, params: Weights, z_hat: jax.Array) -> jax.Array:
        """Codes `[..., latents]` → images `[..., pixels]`."""
        return params.centre + z_hat @ params.decoder


@dataclass(frozen=True)
class Frozen(Architecture):
    """Linear; the variance of a latent, given an image, is a constant."""

    posterior_variance: float = 0.5
    """Variance of each latent, given an image."""

    kind = "frozen"

    def check(self) -> None:
        """Raise ConfigError unless the variance is a positive number."""
        require_number("posterior_variance", self.posterior_variance, 0)

    def bind(self, image: tuple[int, int, int], latents: int) -> FrozenNet:
        """Return the network of an image size."""
        return FrozenNet(prod(image), latents, self.posterior_variance)
