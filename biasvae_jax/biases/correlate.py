"""Factors that vary together, and should not."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.biases.base import LatentBias
from biasvae_jax.biases.moments import Link, LinkedMoments, normal_nodes
from biasvae_jax.biases.named import find_pairs
from biasvae_jax.components import ConfigError, register
from biasvae_jax.factors import Factor

Pairs = tuple[tuple[int, int], ...]
FIRST_TWO: tuple[Pairs, ...] = (((0, 1),),)


@register
@dataclass(frozen=True)
class Correlate(LatentBias):
    """Pairs of factors have a Gaussian copula: their latents the correlation ρ, each N(0, 1).

    Along a chain of pairs the correlation is ρ to the power of its length. Sources: Träuble et al.
    2021, "On disentangled representations learned from correlated data"; Roth et al. 2023, whose
    confounder is one factor with all others.
    """

    pairs: str = ""
    """Factors that vary together, by name: "a & b; c & d", or "a & *", a with every other
    (empty: the first two)."""

    kind = "correlate"
    axis = Axis(
        "rho",
        "ρ",
        "training bias: correlation of the latents of a pair",
        (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0),
        neutral=0.0,
        least=-1.0,
        most=1.0,
    )
    levels = FIRST_TWO

    def on(self, factors: Sequence[Factor]) -> "Correlate":
        """Find the pairs; raises ConfigError unless a factor is the second of one pair alone."""
        names = [factor.name for factor in factors]
        pairs = find_pairs("pairs", self.pairs, factors)
        for place, name in enumerate(names):
            if sum(second == place for _, second in pairs) > 1:
                raise ConfigError(f"--pairs: {name} must be the second of one pair alone")
        levels: list[Pairs] = []
        while pairs:  # a factor is made before those that it takes along
            later = {second for _, second in pairs}
            level = tuple(pair for pair in pairs if pair[0] not in later)
            if not level:
                raise ConfigError(f"--pairs {self.pairs} goes in a circle; leave out one pair")
            levels.append(level)
            pairs = tuple(pair for pair in pairs if pair not in level)
        return _Found(self.pairs, tuple(levels))

    def latents(self, noise: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return z_b = ρ·z_a + √(1 − ρ²)·noise_b for each pair, and the noise of other latents."""
        z, rest = noise, jnp.sqrt(jnp.asarray((1 - strength) * (1 + strength)))
        for level in self.levels:
            first, second = (jnp.asarray(places) for places in zip(*level, strict=True))
            made = strength * z[..., first] + rest * noise[..., second]
            z = z.at[..., second].set(made)
        return z

    def moments(self, strength: float, count: int, link: Link) -> LinkedMoments:
        """Return those of the copula, the covariance of each correlation by quadrature in 2-D."""
        correlations = np.eye(count)
        for first, second in (pair for level in self.levels for pair in level):
            row = strength * correlations[first]
            correlations[second] = correlations[:, second] = row
            correlations[second, second] = 1
        nodes = normal_nodes()
        mean, square = nodes.moments(link)
        u, other = nodes.weights * link(nodes.z), nodes.z
        covariance = np.zeros((count, count))
        for rho in set(np.unique(correlations)) - {0.0, 1.0}:
            given = link(rho * nodes.z[:, None] + np.sqrt((1 - rho) * (1 + rho)) * other)
            covariance[correlations == rho] = u @ given @ nodes.weights - mean**2
        covariance[correlations == 1] = square - mean**2
        return LinkedMoments(np.full(count, mean), covariance)


@dataclass(frozen=True)
class _Found(Correlate):
    """The bias on a world's factors."""

    levels: tuple[Pairs, ...] = FIRST_TWO
