"""Pictures in the middle of training: what the first seed's models make of a few test images."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from biasvae_jax.networks import Params
from biasvae_jax.scores.recovery import mean_code
from biasvae_jax.training import Recipe

NAME = "reconstructions"
IMAGES = 3  # of the test set, the same for every model
MOST_BYTES = 2**24  # of a run's; fewer images of large grids, and none of the largest
LEVELS, MISSING = 254, 255  # a byte is an intensity from 0 to 1, or none


def images_stored(cells: int, frames: int, pixels: int) -> int:
    """Return how many test images are drawn at each frame: 3, or as few as 16 MiB hold."""
    return min(IMAGES, MOST_BYTES // (cells * frames * pixels)) if frames else 0


def rows_shown(rows: int) -> np.ndarray:
    """Choose the test images, by their rows: those that the report's strips begin with."""
    return np.random.default_rng(0).choice(rows, min(rows, 8), replace=False)[:IMAGES]


def draw(x: jax.Array, params: Params, recipe: Recipe) -> jax.Array:
    """Reconstruct images `[images, pixels]` from their posterior means, as bytes of `packed`."""
    with jax.default_matmul_precision("highest"):
        return packed(recipe.network.decode(params, mean_code(recipe, params, x)))


def packed(images: ArrayLike) -> jax.Array:
    """Write intensities as bytes, clipped to [0, 1]; 255 for what is not finite."""
    whole = jnp.round(LEVELS * jnp.clip(images, 0, 1))
    return jnp.where(jnp.isfinite(images), whole, MISSING).astype(jnp.uint8)


def unpacked(values: np.ndarray) -> np.ndarray:
    """Return the intensities that bytes stand for, float32; NaN for none."""
    found = values.astype(np.float32) / np.float32(LEVELS)
    return np.where(values == MISSING, np.float32(np.nan), found)
