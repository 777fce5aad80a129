"""Rows of a table drawn so that two attributes have a given correlation."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.biases.base import RowBias
from biasvae_jax.biases.named import find_pair, upper_half
from biasvae_jax.components import ConfigError, register
from biasvae_jax.factors import Factor


@register
@dataclass(frozen=True)
class Associate(RowBias):
    """Two attributes are each there in half of the training images, with the correlation φ.

    Both or neither: (1 + φ)/4 each; one alone: (1 − φ)/4 each. Rows of one combination keep their
    proportions. Of factors that are not binary, the upper half of the values is "there". Source of
    φ: Pearson's correlation of two binary variables; of balanced pairs: Sagawa et al. 2020,
    "Distributionally robust neural networks", whose groups are these four.
    """

    attributes: str = ""
    """The two attributes, by name: "a & b" (empty: the first two)."""

    kind = "associate"
    axis = Axis(
        "phi",
        "φ",
        "training bias: correlation of two attributes",
        (0.0, 0.25, 0.5, 0.75, 0.9, 1.0),
        neutral=0.0,
        least=-1.0,
        most=1.0,
    )

    def classes(self, factors: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """Number the combinations: neither 0, the second alone 1, the first alone 2, both 3."""
        places = find_pair("attributes", self.attributes, [Factor(name) for name in names])
        first, second = (upper_half(factors[:, place]) for place in places)
        found = 2 * first.astype(int) + second
        for number, count in enumerate(np.bincount(found, minlength=4)):
            if not count:
                values = " & ".join(
                    f"{names[place]} {'there' if there else 'not there'}"
                    for place, there in zip(places, (number // 2, number % 2), strict=True)
                )
                raise ConfigError(
                    f"--bias associate: none of the {len(found)} rows has {values}; "
                    "use more --rows, or other --attributes"
                )
        return found

    def shares(self, counts: jax.Array, strength: jax.Array | float) -> jax.Array:
        """Return ((1 + φ)/4, (1 − φ)/4, (1 − φ)/4, (1 + φ)/4)."""
        return (1 + strength * jnp.asarray([1.0, -1.0, -1.0, 1.0])) / 4
