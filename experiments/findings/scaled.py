"""The usual network with smaller or larger initial weights.

`--use experiments/findings/scaled.py --network scaled --initial-scale 0.3`, for a control.
"""

from dataclasses import dataclass

import jax

from biasvae_jax.components import require_positive
from biasvae_jax.networks import Dense, Params
from biasvae_jax.networks.mlp import MLP


@dataclass(frozen=True)
class ScaledMLP(MLP):
    """An `MLP` whose initial weights are multiplied by a factor."""

    initial_scale: float = 1.0

    def init(self, key: jax.Array) -> Params:
        """Return freshly initialised parameters; biases are 0, whatever the factor."""
        return jax.tree.map(lambda a: self.initial_scale * a, super().init(key))


@dataclass(frozen=True)
class Scaled(Dense):
    """Fully connected layers, the weights of whose beginning are multiplied by a factor."""

    initial_scale: float = 1.0
    """Factor of the initial weights."""

    kind = "scaled"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        require_positive("initial_scale", self.initial_scale)

    def bind(self, image: tuple[int, int, int], latents: int) -> ScaledMLP:
        """Return the network for images of this shape."""
        usual = super().bind(image, latents)
        return ScaledMLP(
            usual.pixels, latents, self.hidden, self.output, self.activation, self.initial_scale
        )
