"""Fully connected encoder and decoder: a Linen module behind pure functions."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.components import register, require, require_choice
from biasvae_jax.networks.base import Architecture, Params, one_program
from biasvae_jax.networks.portable import Apply, Layer, Product
from biasvae_jax.worlds.base import Image

Activation = Literal["relu", "leaky_relu", "gelu", "tanh"]
Output = Literal["sigmoid", "identity"]


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
    reversed and ends in `output`. With `hidden` empty, both are linear (affine), the decoder up to
    its `output`.
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

    @one_program
    def init(self, key: jax.Array) -> Params:
        """Return freshly initialised parameters (LeCun normal weights, zero biases)."""
        encoder_key, decoder_key = jax.random.split(key)
        return {
            "encoder": self._encoder.init(encoder_key, jnp.zeros(self.pixels))["params"],
            "decoder": self._decoder.init(decoder_key, jnp.zeros(self.latent_dim))["params"],
        }

    @one_program
    def encode(self, params: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Map images `[..., pixels]` to posterior (mean, logvar), each `[..., latent_dim]`."""
        both: Any = self._encoder.apply({"params": params["encoder"]}, x)
        mean, logvar = jnp.split(both, 2, axis=-1)
        return mean, logvar

    @one_program
    def features(self, params: Params, x: jax.Array) -> jax.Array:
        """Return the encoder's last hidden layer `[..., width]`, of which (mean, logvar) is affine.

        Without a hidden layer these are the images.
        """
        h: Any = self._encoder.apply({"params": params["encoder"]}, x, features=True)
        return h

    @one_program
    def decode(self, params: Params, z_hat: jax.Array) -> jax.Array:
        """Map learned latents `[..., latent_dim]` to images `[..., pixels]`."""
        x_hat: Any = self._decoder.apply({"params": params["decoder"]}, z_hat)
        return finish(x_hat, self.output)

    def layers(self, params: Params) -> list[Layer]:
        """Return the decoder as a portable list of layers."""
        trained = [params["decoder"][f"Dense_{i}"] for i in range(len(self.hidden) + 1)]
        listed: list[Layer] = []
        for each in trained:
            listed += [affine(each), Apply(self.activation)]
        return [*listed[:-1], *output_layers(self.output)]


def finish(x_hat: jax.Array, output: Output) -> jax.Array:
    """Apply a decoder's last function."""
    # the sigmoid; XLA has a fast tanh on a CPU
    return 0.5 + 0.5 * jnp.tanh(0.5 * x_hat) if output == "sigmoid" else x_hat


def affine(layer: Params) -> Product:
    """Return a trained affine map as a portable layer."""
    return Product(np.asarray(layer["kernel"]), np.asarray(layer["bias"]))


def output_layers(output: Output) -> list[Layer]:
    """Return a decoder's last function as portable layers."""
    return [Apply("sigmoid")] if output == "sigmoid" else []


def linear_network(pixels: int, latent_dim: int) -> MLP:
    """Return the network whose optimum is known: an affine encoder and an affine decoder."""
    return MLP(pixels, latent_dim, hidden=(), output="identity")


@register
@dataclass(frozen=True)
class Dense(Architecture):
    """Fully connected layers, the original study's network as we chose it; binds to `MLP`."""

    hidden: tuple[int, ...] = (128,)
    """Widths of the encoder's hidden layers, mirrored in the decoder; given empty, both are
    linear, the decoder up to its `output`."""
    activation: Activation = "relu"
    """Function of the hidden layers. A ReLU that no image reaches has no gradient, and stays so."""
    output: Output = "sigmoid"
    """The decoder's last function."""

    kind = "mlp"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        hidden = self.hidden
        widths = isinstance(hidden, tuple) and all(
            type(h) is int and 1 <= h < 2**31 for h in hidden
        )
        rule = "must be whole numbers ≥ 1, or empty for a linear network"
        require(widths, "hidden", hidden, rule)
        require_choice("activation", self.activation, get_args(Activation))
        require_choice("output", self.output, get_args(Output))

    def bind(self, image: Image, latents: int) -> MLP:
        """Return the network for images of this shape."""
        height, width, channels = image
        return MLP(height * width * channels, latents, self.hidden, self.output, self.activation)
