"""Rows of a table drawn so that pairs of factors go together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.biases.base import RowBias
from biasvae_jax.biases.named import find_pairs
from biasvae_jax.components import ConfigError, register
from biasvae_jax.factors import Factor

MOST = 2**16
"""Classes: above, single precision would not draw each with its probability."""


@register
@dataclass(frozen=True)
class CorrelateRows(RowBias):
    """Rows in which two factors differ are drawn less often, with the weight exp(−(f₁ − f₂)²/2s²).

    f is a factor's value relative to the range of its values, 0 to 1, and the strength 1/s: 0 draws
    all rows alike, 25 is the field's strongest correlation, s = 0.04. The weights of several pairs
    are multiplied; rows with the same values keep their proportions. Source: Träuble et al. 2021,
    "On disentangled representations learned from correlated data", section 3; a factor paired
    with every other, "a & *", is the shared confounder of Roth et al. 2023, "Disentanglement of
    correlated factors via Hausdorff factorized support".
    """

    pairs: str = ""
    """Pairs of factors: "a & b; c & d"; "a & *" pairs one with every other (empty: the first two
    factors)."""

    kind = "correlate_rows"
    axis = Axis(
        "tightness",
        "1/s",
        "training bias: how closely two factors agree",
        (0.0, 1.0, 2.5, 5.0, 10.0, 25.0),
        neutral=0.0,
        least=0.0,
    )

    def classes(self, factors: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """Number the different combinations of values of the factors concerned, `[rows]`."""
        return self._combinations(factors, names)[0]

    def traits(self, factors: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """Return Σ (f₁ − f₂)² of each class over the pairs, `[classes]`."""
        _, first = self._combinations(factors, names)
        least, most = factors.min(axis=0), factors.max(axis=0)
        f = (factors[first].astype(float) - least) / np.where(most > least, most - least, 1)
        squares = [(f[:, a] - f[:, b]) ** 2 for a, b in self._places(names)]
        return np.sum(squares, axis=0).astype(np.float32)

    def shares_of(self, counts: jax.Array, traits: Any, strength: jax.Array | float) -> jax.Array:
        """Return counts·exp(−½·traits/s²), adding up to 1."""
        beyond = jnp.sqrt(traits - traits.min())  # that of the nearest is 0: never are all weights
        biased = jax.nn.softmax(jnp.log(counts) - 0.5 * (strength * beyond) ** 2)
        return jnp.where(strength == 0, counts / counts.sum(), biased)

    def _places(self, names: Sequence[str]) -> tuple[tuple[int, int], ...]:
        return find_pairs("pairs", self.pairs, [Factor(name) for name in names])

    def _combinations(
        self, factors: np.ndarray, names: tuple[str, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return each row's class, and the first row of each class."""
        concerned = sorted({place for pair in self._places(names) for place in pair})
        code = np.zeros(len(factors), np.int64)
        for place in concerned:  # numbered anew after each, so that they stay below rows · values
            values, rank = np.unique(factors[:, place], return_inverse=True)
            _, code = np.unique(code * len(values) + rank.reshape(-1), return_inverse=True)
            code = code.reshape(-1)
        _, first = np.unique(code, return_index=True)
        if len(first) > MOST:
            raise ConfigError(
                f"--pairs {self.pairs} has {len(first):,} combinations of values, over {MOST:,}; "
                "name fewer factors, or use fewer --rows"
            )
        return code, first
