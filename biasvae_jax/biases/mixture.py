"""Images of which all factors are bright, among fair ones."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.biases.base import LatentBias
from biasvae_jax.biases.moments import Link, LinkedMoments, normal_nodes
from biasvae_jax.biases.quantile import quantile, tails
from biasvae_jax.components import register, require_number


@register
@dataclass(frozen=True)
class Mixture(LatentBias):
    """With probability p all latents of an image have the mean `bright`, else 0."""

    bright: float = 4.0
    """Mean of the latents of a bright image."""

    kind = "mixture"
    axis = Axis(
        "bright_share",
        "p",
        "training bias: share of images whose factors are all bright",
        (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0),
        neutral=0.0,
        least=0.0,
        most=1.0,
    )

    def check(self) -> None:
        """Raise ConfigError unless `bright` is a finite number."""
        require_number("bright", self.bright)

    def latents(self, noise: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return z = noise', + bright where 1 − Φ(noise) of the first latent is below p.

        noise' is the noise, but of the first latent, on either side of the coin, a fresh normal.
        """
        share = jnp.asarray(strength, jnp.float32)
        lower, upper = tails(noise[..., :1])
        beyond = jnp.where(share < 0.5, share - upper, lower - (1 - share))
        coin = jnp.where(share < 0.5, beyond > 0, beyond >= 0)
        of = jnp.where(coin, share, 1 - share)
        first = quantile(jnp.where(coin, beyond, lower) / of, jnp.where(coin, upper, -beyond) / of)
        first = jnp.where(share == 0, noise[..., :1], first)
        fresh = jnp.concatenate([first, noise[..., 1:]], -1)
        return jnp.where(coin, fresh + self.bright, fresh)

    def moments(self, strength: float, count: int, link: Link) -> LinkedMoments:
        """Return those of the mixture: factors vary together as images are bright or not."""
        fair, bright = (normal_nodes(mean).independent(link, count) for mean in (0.0, self.bright))
        apart = bright.mean - fair.mean
        within = (1 - strength) * fair.covariance + strength * bright.covariance
        between = strength * (1 - strength) * np.outer(apart, apart)
        return LinkedMoments(fair.mean + strength * apart, within + between)
