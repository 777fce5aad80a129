"""JAX as commonly written."""

import jax
import jax.numpy as jnp

from biasvae_jax import Recipe, grid, init_state, train_step
from experiments.benchmark.contestant import ALONE_MODELS, STEPS, Contestant
from experiments.benchmark.ours import loss_of
from experiments.benchmark.settings import Setting


def jax_loop(setting: Setting) -> Contestant:
    """JAX as commonly written: a Python loop over a jitted step, one model after another."""
    recipe = Recipe.from_config(setting.config)
    step = jax.jit(train_step, static_argnums=4, donate_argnums=1)
    keys = jax.random.split(jax.random.key(0), ALONE_MODELS)
    start = jax.jit(lambda key: init_state(key, recipe))  # eager zeros would share one buffer
    states = [start(key) for key in keys]

    def run():
        for index, key in enumerate(keys):
            for _ in range(5 * STEPS):
                states[index], _ = step(key, states[index], 1.0, 1.0, recipe)
        jax.block_until_ready(states)

    return Contestant(run, loss_of(recipe), ALONE_MODELS * 5 * STEPS)


def jax_vmap(setting: Setting) -> Contestant:
    """`jit(vmap(scan))` over all models on one device with all cores; each draws its own noise."""
    config = setting.config
    recipe, models = Recipe.from_config(config), grid(config)

    def train(key, state, bias, beta):
        body = lambda state, _: train_step(key, state, bias, beta, recipe)  # noqa: E731
        return jax.lax.scan(body, state, length=STEPS)

    many = jax.jit(jax.vmap(train), donate_argnums=1)
    keys = jax.random.split(jax.random.key(0), config.models)
    states = [jax.jit(jax.vmap(lambda key: init_state(key, recipe)))(keys)]

    def run():
        states[0], _ = many(keys, states[0], jnp.asarray(models.bias), jnp.asarray(models.beta))
        jax.block_until_ready(states)

    return Contestant(run, loss_of(recipe), config.models * STEPS)
