import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from biasvae_jax.components import ConfigError
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import MLP, NoisyInput
from biasvae_jax.objectives import BetaElbo, FactorVae
from biasvae_jax.training import Recipe, draw_noise, init_state, noisy_step, train_step
from biasvae_jax.worlds import Squares

WORLD = Squares(n=2, m=3, bins=(0.2, 0.8))
NETWORK = MLP(36, 4, (8,))
RECIPE = Recipe(WORLD, NETWORK, batch_size=8)
KEY = purpose_key(0, Purpose.TRAIN)
DRAW = jax.jit(draw_noise, static_argnums=2)
INIT = jax.jit(init_state, static_argnums=1)
STEP = jax.jit(train_step, static_argnums=4)
NOISY_STEP = jax.jit(noisy_step, static_argnums=4)


def with_(**changes):
    return dataclasses.replace(RECIPE, **changes)


def test_a_falling_rate_is_half_a_cosine_and_ends_at_nothing():
    recipe = with_(learning_rate_decay="cosine", steps=100)
    state = INIT(purpose_key(0, Purpose.INIT), recipe)
    zero = jax.tree.map(jnp.zeros_like, state.params)
    one = jax.tree.map(jnp.ones_like, state.params)
    moved = []
    opt_state = state.opt_state
    update = jax.jit(recipe.optimizer.update)
    for _ in range(101):
        updates, opt_state = update(one, opt_state, zero)
        moved.append(-float(jax.tree.leaves(updates)[0].ravel()[0]))
    expected = 1e-3 * 0.5 * (1 + np.cos(np.pi * np.arange(101) / 100))
    np.testing.assert_allclose(moved, expected, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("objective", [None, FactorVae()])
def test_weight_decay_is_that_of_adamw(objective):
    plain = RECIPE if objective is None else with_(objective=objective)
    decayed = dataclasses.replace(plain, weight_decay=0.5)
    start, other = (INIT(purpose_key(0, Purpose.INIT), r) for r in (plain, decayed))
    a, _ = STEP(KEY, start, 0.0, 1.0, plain)
    b, _ = STEP(KEY, other, 0.0, 1.0, decayed)
    shrunk = jax.tree.map(lambda new, old: new - 1e-3 * 0.5 * old, a.params, start.params)
    for name in ("encoder", "decoder"):
        chex.assert_trees_all_close(b.params[name], shrunk[name], rtol=1e-5, atol=1e-7)
    alone = optax.adamw(1e-3, weight_decay=0.5)
    if objective is None:
        chex.assert_trees_all_equal_structs(alone.init(start.params), b.opt_state)


def test_weight_decay_is_refused_where_the_objective_takes_none():
    class Own(BetaElbo):
        def optimizer(self, rate):
            return optax.sgd(rate)

    assert with_(objective=Own()).optimizer
    with pytest.raises(ConfigError, match="takes no --weight-decay"):
        with_(objective=Own(), weight_decay=0.1).optimizer  # noqa: B018


def test_input_noise_is_seen_by_the_encoder_alone():
    noise = jnp.ones((8, 36))
    noisy = NoisyInput(NETWORK, 0.5 * noise)
    params = NETWORK.init(jax.random.key(0))
    x = jax.random.uniform(jax.random.key(1), (8, 36))
    chex.assert_trees_all_equal(noisy.encode(params, x), NETWORK.encode(params, x + 0.5))
    z = jax.random.normal(jax.random.key(2), (8, 4))
    chex.assert_trees_all_equal(noisy.decode(params, z), NETWORK.decode(params, z))
    assert noisy.latent_dim == NETWORK.latent_dim


def test_input_noise_is_fresh_at_every_step_and_leaves_the_other_draws_alone():
    recipe = with_(input_noise=0.5)
    first, second = (DRAW(KEY, jnp.asarray(step), recipe) for step in (0, 1))
    assert not np.isin(first.input, second.input).any()
    plain = DRAW(KEY, jnp.asarray(0), RECIPE)
    chex.assert_trees_all_equal((first.world, first.posterior), (plain.world, plain.posterior))
    state = INIT(purpose_key(0, Purpose.INIT), recipe)
    _, noisy = NOISY_STEP(first, state, 0.0, 1.0, recipe)
    _, clean = NOISY_STEP(first._replace(input=jnp.zeros((8, 36))), state, 0.0, 1.0, recipe)
    _, before = NOISY_STEP(plain, state, 0.0, 1.0, RECIPE)
    assert float(clean.loss) == pytest.approx(float(before.loss), rel=1e-6)
    assert float(noisy.loss) != float(clean.loss)


def test_what_is_not_asked_for_leaves_no_trace_in_the_noise():
    assert DRAW(KEY, jnp.asarray(0), RECIPE).input == ()


def test_a_table_has_no_more_training_images_than_rows(dsprites):
    from biasvae_jax import Study
    from biasvae_jax.biases import Resample
    from biasvae_jax.study import Training
    from biasvae_jax.worlds import Table

    parts = {
        "world": Table(data=str(dsprites), test_images=20),
        "bias": Resample(),
        "objective": BetaElbo(likelihood_variance=0.1),
    }
    Study(**parts, training=Training(training_images=40)).sealed()
    with pytest.raises(ConfigError, match="--training-images 41 is more than the 40 rows"):
        Study(**parts, training=Training(training_images=41)).sealed()
