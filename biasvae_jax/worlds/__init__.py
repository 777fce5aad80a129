"""Data-generating processes, one file each."""

from biasvae_jax.worlds.base import Sample, World
from biasvae_jax.worlds.squares import Squares, SquaresNoise

__all__ = ["Sample", "Squares", "SquaresNoise", "World"]
