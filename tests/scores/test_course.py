import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax import Study
from biasvae_jax.networks import Dense
from biasvae_jax.scores.course import course, course_noise, measured, threshold
from biasvae_jax.scores.diagnosis import encoder_threshold
from biasvae_jax.scores.generalisation import set_losses, set_noise
from biasvae_jax.study import Training
from biasvae_jax.worlds import Squares

STUDY = Study(
    world=Squares(n=2, m=3, bins=(0.2, 0.8)),
    network=Dense(hidden=(8,)),
    biases=(0.0, 2.0),
    strengths=(0.5, 4.0),
    training=Training(steps=40, batch_size=8, training_images=20),
)
RECIPE = STUDY.recipe
TEST = jax.jit(RECIPE.world.test_set)()
PARAMS = jax.jit(RECIPE.init)(jax.random.key(0))


def test_the_threshold_is_that_of_the_scores():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 30)) * np.linspace(1, 3, 30)
    h = np.maximum(x @ rng.normal(size=(30, 16)), 0)
    found = float(jax.jit(threshold)(jnp.asarray(x, jnp.float32), jnp.asarray(h, jnp.float32)))
    np.testing.assert_allclose(found, encoder_threshold(x, h, 1.0), rtol=0.01)


def test_of_dead_features_the_threshold_is_nothing():
    x = jax.random.normal(jax.random.key(0), (100, 5))
    assert float(jax.jit(threshold)(x, jnp.zeros((100, 3)))) == 0


@functools.partial(jax.jit, static_argnums=0)
def measurements(recipe, params):
    return course(course_noise(0, 0, recipe), TEST, params, 0.0, 1.0, recipe)


def measure(recipe, params):
    found = measurements(recipe, params)
    assert tuple(sorted(found)) == tuple(sorted(measured(recipe)))
    return {name: float(value) for name, value in found.items()}


def test_a_dead_encoder_is_seen_as_such():
    encoder = jax.tree.map(jnp.zeros_like, PARAMS["encoder"])
    found = measure(RECIPE, {**PARAMS, "encoder": encoder})
    assert found["dead_units"] == 1 and found["encoder_threshold"] == 0
    assert found["active_units"] == 0 and measure(RECIPE, PARAMS)["dead_units"] < 1


def test_without_a_training_set_there_is_no_training_loss():
    fresh = dataclasses.replace(RECIPE, training_images=None)
    found, with_set = measure(fresh, PARAMS), measure(RECIPE, PARAMS)
    assert "train_loss" not in found
    shared = {name: with_set[name] for name in found}
    assert shared == pytest.approx(found, rel=1e-5)  # on the same fresh images


def test_the_training_loss_is_the_mean_over_the_training_images_alone():
    """20 images, each in 512-image batches as often as any other but for one time."""
    draw = jax.jit(set_noise, static_argnums=2)
    known, fresh = draw(0, 0, RECIPE)
    assert len(np.unique(np.asarray(known.world.latent[:, 0]))) == 20
    assert len(np.unique(np.asarray(fresh.world.latent[:, 0]))) == 512
    np.testing.assert_array_equal(known.posterior, fresh.posterior)
    following, _ = draw(0, 1, RECIPE)
    np.testing.assert_array_equal(known.world.latent[12], following.world.latent[0])
    losses = jax.jit(lambda twice: set_losses(twice, PARAMS, 0.0, 1.0, RECIPE))((known, known))
    assert float(losses.train) == float(losses.test)
