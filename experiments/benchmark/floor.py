"""What the machine can do: the floor of every time."""

import jax
import jax.numpy as jnp

from experiments.benchmark.contestant import Contestant
from experiments.benchmark.settings import Setting


def matrix_product(setting: Setting) -> Contestant:
    """A large float32 matrix product; `model_steps` counts its floating-point operations."""
    size = 2048
    a = jnp.ones((size, size))
    product = jax.jit(lambda a: jnp.matmul(a, a, precision="highest"))
    return Contestant(lambda: product(a).block_until_ready(), lambda _: 0.0, 2 * size**3)


def copy(setting: Setting) -> Contestant:
    """A large copy; `model_steps` counts the bytes read and written."""
    # in place: a fresh result each time would measure the kernel handing out pages
    add = jax.jit(lambda a: a + 1, donate_argnums=0)
    held = [jnp.ones(2**26)]

    def run():
        held[0] = add(held[0]).block_until_ready()

    return Contestant(run, lambda _: 0.0, 2 * held[0].nbytes)
