import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax.config import Config
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.objectives import analytic_kl, gaussian_reconstruction, reparameterise
from biasvae_jax.training import (
    Recipe,
    draw_chunk,
    draw_noise,
    init_state,
    train,
    train_step,
)

CONFIG = Config(n=2, m=3, hidden=(16,), batch_size=8, kl_warmup=10)
RECIPE = Recipe.from_config(CONFIG)
KEY = purpose_key(0, Purpose.TRAIN)
DRAW = jax.jit(draw_noise, static_argnums=2)
CHUNK = jax.jit(draw_chunk, static_argnums=(2, 3))
INIT = jax.jit(init_state, static_argnums=1)
STEP = jax.jit(train_step, static_argnums=4)


@pytest.fixture
def state():
    return INIT(purpose_key(0, Purpose.INIT), RECIPE)


def test_a_scan_of_steps_is_a_loop_of_steps(state):
    scanned, info = jax.jit(train, static_argnums=(4, 5))(KEY, state, 0.5, 2.0, RECIPE, 20)
    losses = []
    for _ in range(20):
        state, each = STEP(KEY, state, 0.5, 2.0, RECIPE)
        losses.append(each.loss)
    chex.assert_trees_all_close(scanned, state, rtol=1e-4, atol=1e-6)
    chex.assert_trees_all_close(info.loss, jnp.stack(losses), rtol=1e-4)


def test_noise_depends_on_key_and_step_alone():
    chunk = CHUNK(KEY, 3, 4, RECIPE)
    alone = DRAW(KEY, 5, RECIPE)
    chex.assert_trees_all_equal(jax.tree.map(lambda a: a[2], chunk), alone)


def test_noise_is_independent_over_steps_rows_pixels_and_purposes():
    chunk = CHUNK(KEY, 0, 400, RECIPE)
    image, latent, posterior = chunk.world.image, chunk.world.latent, chunk.posterior
    for array in (image, latent, posterior):
        a = np.asarray(array, np.float64)
        error = 5 / np.sqrt(a.size)
        assert abs(a.mean()) < error and abs(a.var() - 1) < 2 * error
        for axis in range(3):  # neighbours along each axis are uncorrelated
            along = np.moveaxis(a, axis, 0)
            assert abs((along[1:] * along[:-1]).mean()) < 1.5 * error
    assert abs((latent * posterior).mean()) < 5 / np.sqrt(latent.size)
    assert abs((latent * image[..., :4]).mean()) < 5 / np.sqrt(latent.size)


def test_models_of_one_seed_see_the_same_noise_and_other_seeds_do_not():
    same = DRAW(purpose_key(0, Purpose.TRAIN), 7, RECIPE)
    other = DRAW(purpose_key(1, Purpose.TRAIN), 7, RECIPE)
    chex.assert_trees_all_equal(same, DRAW(KEY, 7, RECIPE))
    assert not np.array_equal(same.posterior, other.posterior)


def test_one_step_is_adam_on_the_mean_loss_of_the_batch(state):
    # the objective written out again, with the warm-up weight of step 0 (none of the KL)
    noise = DRAW(KEY, 0, RECIPE)
    x = jax.jit(RECIPE.sample)(noise.world, 1.0).x

    @jax.value_and_grad
    def costs(params):
        mean, logvar = RECIPE.network.encode(params, x)
        z_hat = reparameterise(noise.posterior, mean, logvar)
        x_hat = RECIPE.network.decode(params, z_hat)
        return gaussian_reconstruction(x, x_hat, 0.25).mean()

    loss, gradient = jax.jit(costs)(state.params)
    # Adam's first step, from its definition: the gradient over its absolute value
    expected = jax.tree.map(lambda p, g: p - 1e-3 * g / (jnp.abs(g) + 1e-8), state.params, gradient)
    stepped, info = STEP(KEY, state, 1.0, 3.0, RECIPE)
    chex.assert_trees_all_close(stepped.params, expected, atol=1e-5)
    chex.assert_trees_all_close(info.loss, loss, rtol=1e-5)
    assert stepped.step == 1


def test_training_lowers_the_loss_and_the_code_comes_to_say_something():
    recipe = Recipe.from_config(Config(n=2, m=3, hidden=(16,), noise_variance=0.01))
    state = INIT(purpose_key(0, Purpose.INIT), recipe)
    run = jax.jit(functools.partial(train, recipe=recipe, steps=400))
    trained, info = run(KEY, state, 0.0, 0.5)
    assert info.loss[-50:].mean() < 0.5 * info.loss[:10].mean()
    x = jax.jit(recipe.sample)(DRAW(KEY, 10_000, recipe).world, 0.0).x
    assert analytic_kl(*recipe.network.encode(trained.params, x)).mean() > 2


# what else a config says: which models there are, and how long they train
GRID = {"mu", "beta", "seeds", "steps"}
CHANGED = {
    "batch_size": 7,
    "learning_rate": 0.5,
    "kl_warmup": 3,
    "patience": 9,
    "tolerance": 0.7,
    "hidden": (5,),
    "activation": "tanh",
    "latent_dim": 3,
    "output": "identity",
    "n": 1,
    "m": 4,
    "noise_mean": 0.2,
    "noise_variance": 0.3,
    "likelihood_variance": 0.4,
    "bins": (0.2, 0.8),
    "contrast": (1.0, 2.0, 1.0, 1.0),
}


def test_every_field_of_a_config_but_its_grid_reaches_the_recipe():
    assert GRID | set(CHANGED) == {field.name for field in dataclasses.fields(Config)}
    config = Config(n=2)
    for name, value in CHANGED.items():
        changed = dataclasses.replace(config, **{name: value})
        assert Recipe.from_config(changed) != Recipe.from_config(config), name
