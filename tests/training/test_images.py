import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax import Study
from biasvae_jax.components import ConfigError
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Dense
from biasvae_jax.study import Training
from biasvae_jax.sweep import Plan, Sweep
from biasvae_jax.training import draw_chunk, draw_noise
from biasvae_jax.training.images import image_noise, shown
from biasvae_jax.worlds import Squares

KEY = purpose_key(0, Purpose.TRAIN)
SHOWN = jax.jit(shown, static_argnums=(2, 3, 4))
WORLD = Squares(n=2, m=3, bins=(0.2, 0.8))


def study(images, **training):
    return Study(
        world=WORLD,
        network=Dense(hidden=(8,)),
        biases=(0.0, 2.0),
        strengths=(0.5, 4.0),
        seeds=2,
        training=Training(**{"steps": 40, "batch_size": 8, "training_images": images, **training}),
    )


ORDERS = [  # images, batch: they are fewer, as many, more, no multiple of each other
    *((1, 4), (3, 8), (5, 5), (7, 3), (8, 4), (40, 16)),
]


@functools.cache
def order(images, batch):
    return np.asarray(SHOWN(KEY, 0, 24, batch, images))


@pytest.mark.parametrize(("images", "batch"), ORDERS)
def test_every_image_is_shown_once_an_epoch(images, batch):
    row = order(images, batch).ravel()
    assert len(row) == 24 * batch
    epochs = len(row) // images
    for epoch in range(epochs):
        assert sorted(row[epoch * images : (epoch + 1) * images]) == list(range(images))
    rest = row[epochs * images :]
    assert len(set(rest)) == len(rest) and all(0 <= i < images for i in row)


@given(st.sampled_from(ORDERS), st.integers(0, 21))
def test_the_order_does_not_depend_on_where_a_chunk_begins(shape, first):
    """Nor on how long it is: 3 of 24 steps."""
    images, batch = shape
    part = SHOWN(KEY, first, 3, batch, images)
    np.testing.assert_array_equal(part, order(images, batch)[first : first + 3])


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = np.asarray(SHOWN(KEY, 0, 4, 50, 50))
    assert len({tuple(row) for row in orders}) == 4
    other = SHOWN(purpose_key(1, Purpose.TRAIN), 0, 4, 50, 50)
    assert not np.array_equal(orders, other)


def test_an_image_is_the_same_in_every_epoch_and_under_every_number_of_images():
    first = image_noise(KEY, jnp.array([3, 0]), WORLD)
    again = image_noise(KEY, jnp.array([[0], [3]]), WORLD)
    chex.assert_trees_all_equal(
        jax.tree.map(lambda a: a[0], first), jax.tree.map(lambda a: a[1, 0], again)
    )
    other = image_noise(purpose_key(1, Purpose.TRAIN), jnp.array([3, 0]), WORLD)
    assert not np.allclose(first.image, other.image)


@pytest.mark.parametrize("images", [1, 5, 8, 100])
def test_a_step_drawn_alone_is_that_of_a_chunk(images):
    recipe = study(images).recipe
    chunk = jax.jit(lambda: draw_chunk(KEY, jnp.asarray(3), 4, recipe))()
    alone = jax.jit(lambda: draw_noise(KEY, jnp.asarray(5), recipe))()
    chex.assert_trees_all_equal(jax.tree.map(lambda a: a[2], chunk), alone)


def test_the_images_repeat_and_the_posterior_noise_does_not():
    noise = jax.jit(lambda: draw_chunk(KEY, jnp.asarray(0), 2, study(8).recipe))()
    first, second = (np.asarray(noise.world.latent[i]) for i in range(2))
    np.testing.assert_array_equal(*(np.sort(a, axis=0) for a in (first, second)))
    assert not np.isin(noise.posterior[0], noise.posterior[1]).any()


def trained(of, chunk=20, cells=slice(None)):
    sweep = Sweep(of.recipe, Plan(1, 8, 1, chunk))
    models = of.grid.models[cells]
    state = sweep.init(models)
    for _, state, _ in sweep.train(models, state, 0, of.training.steps):
        pass
    return sweep, models, state


def test_a_training_set_larger_than_the_training_is_as_good_as_fresh_images():
    """With more images than are ever shown no image comes twice."""
    row = np.asarray(SHOWN(KEY, 0, 40, 8, 1000)).ravel()
    assert len(set(row)) == 320


def test_learning_few_images_by_heart_shows_in_the_losses():
    few = study(4, steps=1500, learning_rate=3e-3)
    sweep, models, state = trained(few, chunk=500)
    losses = sweep.losses(models, state.params)
    loose = np.isclose(models.strength, 0.5)
    assert (losses.test - losses.train)[loose].min() > 1
    fresh = dataclasses.replace(few, training=Training(steps=40, batch_size=8))
    assert Sweep(fresh.recipe, Plan(1, 8, 1, 20)).losses(models, state.params) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"training_images": 0},
        {"training_images": -3},
        {"training_images": 2.5},
        {"training_images": 10, "steps": 2**30},
        {"learning_rate_decay": "linear"},
        {"weight_decay": -1.0},
        {"input_noise": float("nan")},
        {"snapshots": -1},
    ],
)
def test_a_training_that_cannot_be_run_is_refused_in_one_line(wrong):
    with pytest.raises(ConfigError, match="--") as caught:
        Training(**wrong)
    assert "\n" not in str(caught.value)


def test_snapshots_are_measured_at_the_end_and_at_multiples_of_one_number():
    steps = Training(training_images=500).snapshot_steps
    assert steps[-1] == 10_000 and len(steps) <= 30
    assert all(step % 50 == 0 for step in steps) and list(steps) == sorted(set(steps))
    assert Training().snapshot_steps == ()
    assert Training(snapshots=0, training_images=5).snapshot_steps == ()
    assert Training(snapshots=1, steps=7).snapshot_steps == (7,)
    for steps, count in ((1, 5), (3, 30), (201, 30), (999, 10)):
        found = Training(steps=steps, snapshots=count).snapshot_steps
        assert found[-1] == steps and len(found) <= count


def test_a_time_course_changes_nothing_of_the_training():
    plain = study(5)
    sweep, models, state = trained(plain)
    again, losses = sweep.init(models), []
    for step, again, info in sweep.train(models, again, 0, 40, (3, 9, 40)):
        losses.append(info.loss.shape[1])
        if step in (3, 9, 40):
            measured = sweep.course(models, again.params)
    assert sum(losses) == 40
    chex.assert_trees_all_equal(sweep.gather(state, models), sweep.gather(again, models))
    assert all(np.isfinite(values).all() for values in measured.values())
