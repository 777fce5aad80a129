"""Random keys: each is a fold of (seed, purpose, step) and of nothing else.

So a model's result depends neither on the other cells of the grid nor on chunk length, grouping
or device, and all cells of a seed share their draws (common random numbers).
"""

import enum

import jax


class Purpose(enum.IntEnum):
    """What a key is for; the numbers are part of the results, so never reuse one."""

    INIT = 0
    TRAIN = 1
    TEST = 2
    HEAD = 3
    ACTIVE = 4
    BASELINE = 5
    FIGURE = 6
    SCORE = 7
    GAP = 8
    RENEW = 9
    MOMENTS = 10
    IMAGE = 11
    ORDER = 12
    COURSE = 14
    EVENT = 15


NEVER = 2**32 - 1  # no training lasts so many steps


def purpose_key(seed: jax.Array | int, purpose: Purpose) -> jax.Array:
    """Return the typed key of (seed, purpose); fold in a step for that step's draw."""
    return jax.random.fold_in(jax.random.key(seed), int(purpose))


def beside(key: jax.Array, purpose: Purpose) -> jax.Array:
    """Return a key of another purpose than the steps that are folded into `key`."""
    return jax.random.fold_in(jax.random.fold_in(key, NEVER), int(purpose))
