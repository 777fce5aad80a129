"""The protocol of a bias: how the training distribution differs from the fair one."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.biases.moments import Link, LinkedMoments, normal_nodes
from biasvae_jax.components import Component
from biasvae_jax.factors import Factor


class Bias(Component):
    """One traced number, its strength, changes the training distribution; see the two kinds below.

    Random numbers come from the world, so that cells of a seed are compared on the same draws.
    """

    role = "bias"
    axis: ClassVar[Axis]


class LatentBias(Bias):
    """A bias of generated worlds: it makes the latents from standard normal noise."""

    def on(self, factors: Sequence[Factor]) -> "LatentBias":
        """Return the bias for a world of these factors, one latent each: itself, or its like.

        A bias of named factors looks them up here. Raises ConfigError of one line if the world has
        not what it is about.
        """
        return self

    def latents(self, noise: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Map noise ~ N(0, I) `[..., latents]` to the latents z of the same shape."""
        raise NotImplementedError

    def normal(self, strength: float) -> tuple[float, float] | None:
        """Return mean and standard deviation of the latents if they are independent normals.

        None if they are not; the closed forms of `theory` need them.
        """
        return None

    def moments(self, strength: float, count: int, link: Link) -> LinkedMoments | None:
        """Return mean `[count]` and covariance `[count, count]` of u = link(z), each of one latent.

        By quadrature, in float64; None if they are not known, and the theory is then estimated from
        images. The default is that of `normal`.
        """
        normal = self.normal(strength)
        return None if normal is None else normal_nodes(*normal).independent(link, count)


class RowBias(Bias):
    """A bias of tables: rows are put into classes, and each class gets a share.

    A row is drawn by first drawing its class and then a row within it, each with the same
    probability: exact at any number of rows.
    """

    def classes(self, factors: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """Number each row's class from 0, `[rows]`; `factors` `[rows, factors]`, on the host.

        Raises ConfigError if the table has not what the bias is about.
        """
        raise NotImplementedError

    def shares(self, counts: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return the share of each class `[classes]`, adding up to 1; `counts` are its rows."""
        raise NotImplementedError

    def traits(self, factors: np.ndarray, names: tuple[str, ...]) -> Any:
        """Return what `shares_of` needs to know beside the counts: arrays `[classes]`, or ()."""
        return ()

    def shares_of(self, counts: jax.Array, traits: Any, strength: jax.Array | float) -> jax.Array:
        """Return the shares where they depend on the classes' traits; else by `shares`."""
        return self.shares(counts, strength)
