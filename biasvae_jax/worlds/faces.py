"""Drawn faces in colour: a stand-in for photographs whose every variable is known."""

import itertools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.components import register, require_number
from biasvae_jax.worlds import portrait
from biasvae_jax.worlds.base import Factor, Generated, Image

BINS = {"hair colour": (0.0, 1.0), "skin tone": (0.1, 0.3, 0.7, 0.9)}
OTHER_BINS = (0.1, 0.5, 0.9)


@register
@dataclass(frozen=True)
class Faces(Generated):
    """Faces of 64×64 pixels in colour, drawn from six factors; no photograph and no file.

    Hair colour is 0 or 1, the other factors are sigmoid(z). From 0 to 1 they are: dark or blond,
    light to dark, short to long, frown to smile, turned to the left or right, blue to rose.
    """

    noise_mean: float = 0.0
    """Mean of the observation noise."""
    noise_variance: float = 0.01
    """Variance of the observation noise, a value of a pixel."""

    kind = "faces"
    usual = "missing"
    event = "blond hair with dark skin"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        require_number("noise_mean", self.noise_mean)
        require_number("noise_variance", self.noise_variance, 0)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Hair colour, binary, and five continuous ones."""
        others = ("skin tone", "hair length", "expression", "turn", "background")
        return (Factor("hair colour", "binary"), *map(Factor, others))

    @property
    def image(self) -> Image:
        """Height, width and channels: RGB."""
        return (portrait.SIDE, portrait.SIDE, 3)

    @property
    def caption(self) -> str:
        """What the images of the test set show."""
        return "drawn faces, all combinations of a few values of each factor"

    def link(self, z: jax.Array) -> jax.Array:
        """Return factors: hair colour 1 where z > 0 and 0 elsewhere, the others sigmoid(z)."""
        blond = jnp.where(z[..., :1] > 0, 1.0, 0.0)
        return jnp.concatenate([blond, jax.nn.sigmoid(z[..., 1:])], axis=-1)

    def render(self, u: jax.Array) -> jax.Array:
        """Draw faces: `[..., 6]` → `[..., 64·64·3]`; a hair colour may lie between the two."""
        return portrait.portraits(u)

    def rare(self, images: jax.Array) -> jax.Array:
        """Tell where hair is blond and skin in the darker half: `[..., pixels]` → `[..., 1]`.

        By the mean over the channels, at the crown of the head and at the neck.
        """
        folded = images.reshape(*images.shape[:-1], *self.image)
        hair, skin = (
            folded[..., rows, columns, :].mean((-3, -2, -1))
            for rows, columns in (portrait.CROWN, portrait.NECK)
        )
        blond = hair > np.mean([portrait.DARK, portrait.BLOND])
        dark = skin < portrait.SHADE * np.mean(portrait.SKIN[1])
        return (blond & dark)[..., None]

    def test_factors(self, data: Any = ()) -> jax.Array:
        """Return every combination of 2 hair colours, 4 skin tones and 3 of the others, `[648, 6]`.

        No skin tone is the one at which `rare` parts dark from light.
        """
        bins = (BINS.get(factor.name, OTHER_BINS) for factor in self.factors)
        return jnp.asarray(np.array(list(itertools.product(*bins)), np.float32))
