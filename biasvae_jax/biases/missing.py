"""A combination of values that training images lack."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.biases.base import LatentBias, RowBias
from biasvae_jax.biases.moments import Link, LinkedMoments, normal_nodes
from biasvae_jax.biases.named import find_pair, upper_half
from biasvae_jax.biases.quantile import halves
from biasvae_jax.components import register
from biasvae_jax.factors import Factor


@register
@dataclass(frozen=True)
class Missing(LatentBias, RowBias):
    """Two factors are less often both in the upper half of their values (binary: both 1).

    The share s of these images is removed, at s = 1 all of them; the others keep their
    proportions to each other, as if removed by rejection. Source: Montero et al. 2021, "The role
    of disentanglement in generalisation".
    """

    combination: str = ""
    """The two factors, by name: "a & b" (empty: the first two)."""

    kind = "missing"
    axis = Axis(
        "missing",
        "s",
        "training bias: share of a combination that is removed",
        (0.0, 0.25, 0.5, 0.75, 0.9, 1.0),
        neutral=0.0,
        least=0.0,
        most=1.0,
    )
    places = (0, 1)

    def on(self, factors: Sequence[Factor]) -> "Missing":
        """Find the two factors; raises ConfigError naming what is not there."""
        return _Found(self.combination, find_pair("combination", self.combination, factors))

    def latents(self, noise: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return z of the density φ(z)·(1 − s·[z_a > 0 and z_b > 0])/(1 − s/4).

        P(z_a > 0) = (2 − s)/(4 − s), and then P(z_b > 0) = (1 − s)/(2 − s), else ½.
        """
        first, second = self.places
        strength = jnp.asarray(strength, jnp.float32)
        z = halves(noise[..., first], (2 - strength) / (4 - strength))
        share = jnp.where(z > 0, (1 - strength) / (2 - strength), 0.5)
        other = halves(noise[..., second], share)
        return noise.at[..., first].set(z).at[..., second].set(other)

    def moments(self, strength: float, count: int, link: Link) -> LinkedMoments:
        """Return those of four quadrants, in each of which the two factors are independent."""
        fair = normal_nodes().independent(link, count)
        quarters = np.array([[1, 1], [1, 1 - strength]]) / (4 - strength)
        half = normal_nodes(high=0).moments(link), normal_nodes(low=0).moments(link)
        means, squares = np.array(half).T
        mean, square = quarters.sum(1) @ means, quarters.sum(1) @ squares
        pair, both = np.array(self.places), np.ix_(self.places, self.places)
        fair.mean[pair] = mean
        fair.covariance[both] = means @ quarters @ means - mean**2
        fair.covariance[pair, pair] = square - mean**2
        return fair

    def classes(self, factors: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """Number the rows of the combination 1, and all others 0, `[rows]`."""
        places = find_pair("combination", self.combination, [Factor(name) for name in names])
        first, second = (upper_half(factors[:, place]) for place in places)
        return (first & second).astype(int)

    def shares(self, counts: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return the rows' shares, that of the combination times 1 − s, adding up to 1."""
        kept = counts.at[1].multiply(1 - strength)
        return kept / kept.sum()


@dataclass(frozen=True)
class _Found(Missing):
    """The bias on a world's factors."""

    places: tuple[int, int] = (0, 1)
