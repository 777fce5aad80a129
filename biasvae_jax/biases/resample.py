"""Rows of a table drawn so that one value of a factor has another share than it has in the file."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.biases.base import RowBias
from biasvae_jax.components import register, require, require_whole
from biasvae_jax.factors import Factor, find_factor


@register
@dataclass(frozen=True)
class Resample(RowBias):
    """One value of one factor gets the share p of the training images.

    The other values keep their proportions to each other, and so do the rows of one value. With
    p NaN, every row has the same probability. Source: the original study's proposal to resample
    CelebA by hair colour or skin tone.
    """

    factor: str = ""
    """Factor that is resampled, by its name in the data (empty: the data's first)."""
    value: int = -1
    """Which of the factor's values, in rising order, gets the share (−1: the last)."""

    kind = "resample"
    axis = Axis(
        "share",
        "p",
        "training bias: share of one value of a factor",
        (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95),
        least=0.0,
        most=1.0,
    )

    def check(self) -> None:
        """Raise ConfigError unless `value` is a whole number ≥ −1."""
        require_whole("value", self.value, -1)

    def classes(self, factors: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """Number each row by its value of the factor, the favoured value last, `[rows]`."""
        known = [Factor(name) for name in names]
        column = find_factor("--factor", self.factor, known) if self.factor else 0
        values, codes = np.unique(factors[:, column], return_inverse=True)
        found = f"must be below the {len(values)} values of {names[column]}"
        require(self.value < len(values), "value", self.value, found)
        favoured = self.value % len(values)
        # the others move down by one, the favoured one becomes the last
        order = np.where(np.arange(len(values)) > favoured, np.arange(len(values)) - 1, 0)
        order[:favoured] = np.arange(favoured)
        order[favoured] = len(values) - 1
        return order[codes.reshape(-1)]

    def shares(self, counts: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return (1 − p)·(shares among the others), and p for the favoured value."""
        fair = counts / counts.sum()
        others = fair.at[-1].set(0.0)
        biased = ((1 - strength) * others / others.sum()).at[-1].set(strength)
        return jnp.where(jnp.isnan(strength), fair, biased)
