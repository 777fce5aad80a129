"""What is timed: the size of the grid and of a model, as the process of a contestant reads it."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from biasvae_jax.config import Config

Part = Literal["comparison", "scaling", "objectives", "convolution", "tables", "smoke", "blog"]


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    parts: tuple[Part, ...] = get_args(Part)
    peers: tuple[str, ...] = ("torch_vmap", "torch_compiled", "torch_eager")
    """PyTorch's ways in the comparison."""
    convolutions: tuple[str, ...] = ("torch_conv", "torch_conv_compiled")
    """And of the convolution."""
    scales: tuple[int, ...] = (1, 11, 121, 1331)
    """Models of the grids; 121 must be one."""
    one_core: bool = True
    """Whether one core is timed against all."""
    objectives: tuple[str, ...] = ()
    """Kinds; none named: every one."""


QUICK = Extent(
    parts=("comparison", "scaling"),
    peers=("torch_vmap", "torch_eager"),
    convolutions=("torch_conv",),
    scales=(1, 121),
    one_core=False,
    objectives=("beta_elbo", "beta_tc"),
)
"""What takes less than two minutes."""


@dataclass(frozen=True)
class Setting:
    """A grid of the original study's models, or of other sizes of them."""

    models: int = 121
    batch_size: int = 64
    hidden: int = 128
    """Width of the one hidden layer."""
    latents: int = 9
    cores: int = 0
    """Cores a contestant is pinned to (0: all)."""

    @property
    def config(self) -> Config:
        """A grid of about as many models: a square for a square number, else a row."""
        side = round(self.models**0.5)
        square = side * side == self.models
        mus, betas = (side, side) if square else (1, self.models)
        spread = lambda low, high, n: tuple(np.linspace(low, high, n).tolist())  # noqa: E731
        sizes: dict[str, Any] = {"hidden": (self.hidden,), "latent_dim": self.latents}
        axes: dict[str, Any] = {"mu": spread(0, 5, mus), "beta": spread(0.1, 10, betas)}
        return Config(batch_size=self.batch_size, **axes, **sizes)

    def to_json(self) -> str:
        """Write it as one line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Setting":
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))
