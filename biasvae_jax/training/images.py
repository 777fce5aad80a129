"""A training set: N fixed images of a seed, each shown once an epoch, in an order of its own.

An image is its base noise, the random numbers behind it, whose key is (seed, purpose, index). So
nothing is stored, any world has training sets, and what a bias makes of one is paired over cells.
"""

from typing import Any

import jax
import jax.numpy as jnp

from biasvae_jax.keys import Purpose, beside
from biasvae_jax.worlds import World


def image_noise(key: jax.Array, index: jax.Array, world: World) -> Any:
    """Return the base noise of images by number, a pytree `[*index.shape, ...]`.

    `key` is that of the whole training. The same image is the same under every number of images.
    """
    images = beside(key, Purpose.IMAGE)
    one = lambda number: world.draw(jax.random.fold_in(images, number), ())  # noqa: E731
    flat = jax.vmap(one)(index.reshape(-1))
    return jax.tree.map(lambda a: a.reshape(*index.shape, *a.shape[1:]), flat)


def shown(
    key: jax.Array, first_step: jax.Array | int, steps: int, batch: int, images: int
) -> jax.Array:
    """Return which images the batches of `steps` steps hold, int32 `[steps, batch]`.

    The order is one endless row of epochs, each a permutation of all `images` of its own (key =
    (seed, purpose, epoch)), cut into batches: a batch may end one epoch and begin the next, or hold
    several. It depends neither on how many steps are asked for at once nor on where they begin.
    Steps · batch must stay below 2³¹.
    """
    first = jnp.asarray(first_step, jnp.int32) * batch
    epoch, offset = first // images, first % images
    epochs = epoch + jnp.arange((steps * batch - 1) // images + 2)
    orders = beside(key, Purpose.ORDER)
    rows = jax.vmap(lambda e: jax.random.permutation(jax.random.fold_in(orders, e), images))(epochs)
    return jax.lax.dynamic_slice(rows.reshape(-1), (offset,), (steps * batch,)).reshape(steps, -1)
