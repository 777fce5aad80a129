"""Binary factors that are 1 more often, or less, than they should be."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtri

from biasvae_jax.axes import Axis
from biasvae_jax.biases.base import LatentBias
from biasvae_jax.components import ConfigError, register
from biasvae_jax.factors import Factor, find_factor

MOST = 40.0  # a shift after which a latent is above 0, or below, whatever the noise


@register
@dataclass(frozen=True)
class Probability(LatentBias):
    """Binary factors are 1 with the probability p: z ~ N(Φ⁻¹(p), 1), and 1 is z > 0.

    Source: the original study's rivers, which turn right with probability .9 instead of .5.
    """

    binary: str = ""
    """Binary factors that it is about, by name: "a & b" (empty: all of them)."""

    kind = "probability"
    axis = Axis(
        "probability",
        "p",
        "training bias: probability that a binary factor is 1",
        (0.5, 0.6, 0.7, 0.8, 0.9, 0.95),
        neutral=0.5,
        least=0.0,
        most=1.0,
    )

    def on(self, factors: Sequence[Factor]) -> "Probability":
        """Find the binary factors; raises ConfigError if there are none, or one is not binary."""
        binary = [i for i, factor in enumerate(factors) if factor.kind == "binary"]
        if not binary:
            raise ConfigError("--bias probability is of binary factors, and these images have none")
        names = [name.strip() for name in self.binary.split("&")] if self.binary.strip() else []
        places = [find_factor("--binary", name, factors) for name in names] or binary
        for place in places:
            if place not in binary:
                which = ", ".join(factors[i].name for i in binary)
                name = factors[place].name
                raise ConfigError(f"--binary {name} is {factors[place].kind}; binary are: {which}")
        return _Found(self.binary, tuple(place in places for place in range(len(factors))))

    def latents(self, noise: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return z = noise + Φ⁻¹(p), of all latents."""
        return noise + self._shift(strength)

    def _shift(self, strength: jax.Array | float) -> jax.Array:
        return jnp.clip(ndtri(jnp.asarray(strength, jnp.float32)), -MOST, MOST)


@dataclass(frozen=True)
class _Found(Probability):
    """The bias on a world's factors."""

    about: tuple[bool, ...] = ()

    def latents(self, noise: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return z = noise + Φ⁻¹(p) of the latents that it is about, and the others' noise."""
        return jnp.where(jnp.asarray(self.about), noise + self._shift(strength), noise)
