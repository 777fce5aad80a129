"""Encoder and decoder: a Linen module behind pure `init`, `encode` and `decode`."""

from dataclasses import dataclass
from typing import Any, Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp

from biasvae_jax.config import Activation, Output

Params = Any


class Network(Protocol):
    """What training and scores need of a network: three pure functions on a parameter pytree."""

    @property
    def latent_dim(self) -> int:
        """Number of learned latents."""
        ...

    def init(self, key: jax.Array) -> Params:
        """Return freshly initialised parameters."""
        ...

    def encode(self, params: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Map images `[..., pixels]` to posterior (mean, logvar), each `[..., latent_dim]`."""
        ...

    def decode(self, params: Params, z_hat: jax.Array) -> jax.Array:
        """Map learned latents `[..., latent_dim]` to images `[..., pixels]`."""
        ...


class _Dense(nn.Module):
    """Dense layers with an activation between them; with `features`, all but the last."""

    widths: tuple[int, ...]
    activation: Activation

    @nn.compact
    def __call__(self, x, features: bool = False):
        *hidden, last = self.widths
        for width in hidden:
            x = getattr(nn, self.activation)(nn.Dense(width)(x))
        return x if features else nn.Dense(last)(x)


@dataclass(frozen=True)
class MLP:
    """A fully connected encoder and its mirror image as decoder.

    (mean, logvar) = W_L a(… a(W_1 x)), a the `activation`; the decoder has the hidden widths
    reversed and ends in `output`. With `hidden` empty, both are linear (affine).
    """

    pixels: int
    latent_dim: int
    hidden: tuple[int, ...] = (128,)
    output: Output = "sigmoid"
    activation: Activation = "relu"

    @property
    def _encoder(self) -> _Dense:
        return _Dense((*self.hidden, 2 * self.latent_dim), self.activation)

    @property
    def _decoder(self) -> _Dense:
        return _Dense((*reversed(self.hidden), self.pixels), self.activation)

    def init(self, key: jax.Array) -> Params:
        """Return freshly initialised parameters (LeCun normal weights, zero biases)."""
        encoder_key, decoder_key = jax.random.split(key)
        return {
            "encoder": self._encoder.init(encoder_key, jnp.zeros(self.pixels))["params"],
            "decoder": self._decoder.init(decoder_key, jnp.zeros(self.latent_dim))["params"],
        }

    def encode(self, params: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Map images `[..., pixels]` to posterior (mean, logvar), each `[..., latent_dim]`."""
        both: Any = self._encoder.apply({"params": params["encoder"]}, x)
        mean, logvar = jnp.split(both, 2, axis=-1)
        return mean, logvar

    def features(self, params: Params, x: jax.Array) -> jax.Array:
        """Return the encoder's last hidden layer `[..., width]`, of which (mean, logvar) is affine.

        Without a hidden layer these are the images.
        """
        h: Any = self._encoder.apply({"params": params["encoder"]}, x, features=True)
        return h

    def decode(self, params: Params, z_hat: jax.Array) -> jax.Array:
        """Map learned latents `[..., latent_dim]` to images `[..., pixels]`."""
        x_hat: Any = self._decoder.apply({"params": params["decoder"]}, z_hat)
        # the sigmoid; XLA has a fast tanh on a CPU
        return 0.5 + 0.5 * jnp.tanh(0.5 * x_hat) if self.output == "sigmoid" else x_hat


def linear_network(pixels: int, latent_dim: int) -> MLP:
    """Return the network whose optimum is known: an affine encoder and an affine decoder."""
    return MLP(pixels, latent_dim, hidden=(), output="identity")
