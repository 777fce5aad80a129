"""Figures of a sweep: arrays in, a matplotlib Figure out; nothing is computed or saved here.

They do not use the user's settings of matplotlib, nor any backend.
"""

from biasvae_jax.axes import spread
from biasvae_jax.figures.curves import training_curves
from biasvae_jax.figures.grid import MOST_NUMBERED
from biasvae_jax.figures.images import image_grid, pictures
from biasvae_jax.figures.maps import COLOUR_MAP, Apart, heat_map
from biasvae_jax.figures.regimes import REGIMES, regime_map

__all__ = [
    "COLOUR_MAP",
    "MOST_NUMBERED",
    "REGIMES",
    "Apart",
    "heat_map",
    "image_grid",
    "pictures",
    "regime_map",
    "spread",
    "training_curves",
]
