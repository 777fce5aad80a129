"""How a world's rare event is judged: the test images that show it, and which codes count."""

from typing import Any

import jax
import jax.numpy as jnp

from biasvae_jax.keys import Purpose, purpose_key

CASES = 64
NEARNESS = 1e-6
"""Error a pixel, intensity², that is worth 1 of ‖z‖² in the choice of a code."""


def rare_cases(world: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Choose the test images by which a world's rare event is judged, and their weights.

    A fixed random subset of at most 64 of those of `images` `[images, pixels]` that show it, of
    weight 1, filled up with others of weight 0; where none shows it, of all. Returns `[cases,
    pixels]` and `[cases]`, the same for every model.
    """
    shows = world.shows(images)
    wanted = shows | ~shows.any()
    order = jax.random.uniform(purpose_key(0, Purpose.EVENT), shows.shape)
    _, chosen = jax.lax.top_k(wanted + order, min(CASES, len(images)))
    return images[chosen], wanted[chosen].astype(jnp.float32)
