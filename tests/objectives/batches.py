"""A small network, and batches of its terms, for the tests of objectives."""

import functools

import jax
import jax.numpy as jnp

from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Dense
from biasvae_jax.training import Recipe, draw_noise, init_state
from biasvae_jax.worlds import Squares

WORLD = Squares(n=2, m=3, bins=(0.2, 0.8))
NETWORK = Dense((16,)).bind(WORLD.image, 4)
KEY = purpose_key(0, Purpose.TRAIN)


def recipe_of(objective, batch=12):
    return Recipe(WORLD, NETWORK, objective=objective, batch_size=batch)


def start(recipe):
    return jax.jit(lambda: init_state(purpose_key(0, Purpose.INIT), recipe))()


@functools.cache
def program(objective):
    """Compile (params, x, noise, strength, step) → terms and gradient of the mean loss, once."""

    def losses(params, x, noise, strength, step):
        def mean(params):
            terms = objective.losses(NETWORK, params, x, noise, strength, step, 0.25)
            return terms[0].mean(), terms

        gradient, terms = jax.grad(mean, has_aux=True)(params)
        return terms, gradient

    return jax.jit(losses)


@functools.cache
def batch_of(objective, seed):
    """Params whose weights are no longer small, images and noise."""
    return _drawn(objective)(seed)


@functools.cache
def _drawn(objective):
    recipe = recipe_of(objective)

    def batch(seed):
        params = jax.tree.map(lambda a: 1.7 * a, recipe.init(purpose_key(0, Purpose.INIT)))
        noise = draw_noise(purpose_key(seed, Purpose.TRAIN), 0, recipe)
        return params, recipe.sample(noise.world, 1.0).x, noise.posterior

    return jax.jit(batch)


def terms_of(objective, strength, step=1_000_000, seed=0):
    """Return params, images, noise and the terms of the batch."""
    batch = batch_of(objective, seed)
    terms, _ = program(objective)(*batch, jnp.asarray(strength), jnp.asarray(step))
    return *batch, terms
