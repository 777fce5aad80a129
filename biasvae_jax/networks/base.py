"""The protocol of a network, and of an architecture, which becomes one for an image's shape."""

from typing import Any, NamedTuple, Protocol

import jax

from biasvae_jax.components import Component
from biasvae_jax.worlds.base import Image

Params = Any


def one_program(method: Any) -> Any:
    """Compile a method of a hashable object, called by itself, as one program.

    Within a program that is traced it leaves nothing of itself: its operations are the program's.
    """
    return jax.jit(method, static_argnums=0, inline=True)


class Network(Protocol):
    """What training and scores need of a network: three pure functions on a parameter pytree.

    A network may also have `features(params, x)`, its encoder's last hidden layer `[..., width]`,
    and `layers(params)`, its decoder as a list of portable layers (`networks.portable`), by which
    the report's page decodes too.
    """

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


class NoisyInput(NamedTuple):
    """A network whose encoder sees images with noise added to them."""

    network: Network
    noise: jax.Array
    """Added to the images, of their shape."""

    @property
    def latent_dim(self) -> int:
        """Number of learned latents."""
        return self.network.latent_dim

    def init(self, key: jax.Array) -> Params:
        """Return the network's own parameters."""
        return self.network.init(key)

    def encode(self, params: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Encode x + noise."""
        return self.network.encode(params, x + self.noise)

    def decode(self, params: Params, z_hat: jax.Array) -> jax.Array:
        """Decode as the network does."""
        return self.network.decode(params, z_hat)


class Architecture(Component):
    """A kind of network and its settings, before the image's shape and the latents are known."""

    role = "network"

    def bind(self, image: Image, latents: int) -> Network:
        """Return the network for images `[height·width·channels]` and so many latents.

        Raises ConfigError if it cannot serve images of this shape.
        """
        raise NotImplementedError
