"""Data-generating processes, one file each."""

from biasvae_jax.worlds.base import Factor, Generated, Noise, Sample, World
from biasvae_jax.worlds.digits import Digits
from biasvae_jax.worlds.events import rare_cases
from biasvae_jax.worlds.faces import Faces
from biasvae_jax.worlds.filed import FiledRows
from biasvae_jax.worlds.folder import Folder
from biasvae_jax.worlds.rivers import Rivers
from biasvae_jax.worlds.rows import Rows, RowWorld
from biasvae_jax.worlds.squares import Squares, SquaresNoise
from biasvae_jax.worlds.table import Table

__all__ = [
    "Digits",
    "Faces",
    "Factor",
    "FiledRows",
    "Folder",
    "Generated",
    "Noise",
    "Rivers",
    "RowWorld",
    "Rows",
    "Sample",
    "Squares",
    "SquaresNoise",
    "Table",
    "World",
    "rare_cases",
]
