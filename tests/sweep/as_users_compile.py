"""Bits that nothing may change, and a long training: `test_as_users_compile` runs these tests."""

import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import PLAN, SMALL, trained

from biasvae_jax.config import Config
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.sweep import Sweep, grid
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.theory import block_eigenvalue, collapse_threshold, expected_losses, predict
from biasvae_jax.training import Recipe, draw_chunk, init_state, train_chunk

run = functools.cache(trained)


def test_chunks_of_any_length_give_the_same_bits():
    recipe, key = Recipe.from_config(SMALL), purpose_key(0, Purpose.TRAIN)
    draw = jax.jit(draw_chunk, static_argnums=(2, 3))
    chunk = jax.jit(train_chunk, static_argnums=5)
    state = jax.jit(init_state, static_argnums=1)(purpose_key(0, Purpose.INIT), recipe)

    def run(state, lengths):
        first = 0
        for length in lengths:
            noise = draw(key, first, length, recipe)
            state, _ = chunk(noise, jnp.arange(length), state, 0.5, 2.0, recipe)
            first += length
        return state

    chex.assert_trees_all_equal(run(state, [12]), run(state, [5, 5, 2]))


def test_chunk_length_changes_no_bit():
    a, b = run(score=True), run(plan=dataclasses.replace(PLAN, chunk=7))
    chex.assert_trees_all_equal(a[0], b[0])


def test_one_diverging_model_changes_no_bit_of_the_others():
    benign = run(score=True)
    broken = run(dataclasses.replace(SMALL, beta=(0.5, 1e29)), score=True)
    kept = grid(SMALL).beta == 0.5
    np.testing.assert_array_equal(broken[3], kept)
    same = functools.partial(jax.tree.map, lambda a: a[kept])
    chex.assert_trees_all_equal(same(benign[0]), same(broken[0]))
    chex.assert_trees_all_equal(same(benign[2]), same(broken[2]))


def test_going_on_from_a_host_copy_changes_no_bit():
    models, sweep = grid(SMALL), Sweep(Recipe.from_config(SMALL), PLAN)
    state = sweep.init(models)
    for step, state, _ in sweep.train(models, state, 0, 20):
        pass
    state = sweep.put(sweep.gather(state, models))
    for step, state, _ in sweep.train(models, state, step, 50):
        pass
    chex.assert_trees_all_equal(sweep.gather(state, models), run(score=True)[0])


def test_trained_linear_models_reach_the_closed_form():
    """The optimum of Lucas et al. 2019: KL and reconstruction away from the boundary, collapse."""
    config = Config(
        n=2,
        m=5,
        mu=(0.0, 1.0),
        beta=(0.5, 1.0, 2.0, 20.0),
        steps=15_000,
        kl_warmup=2_000,
        learning_rate=2e-3,
        hidden=(),
        output="identity",
        bins=tuple(np.linspace(0.1, 0.9, 9).tolist()),  # images enough for the head of 3 epochs
    )
    recipe, models = Recipe.from_config(config), grid(config)
    sweep = Sweep(recipe, Plan(devices=8, group=8, width=1, chunk=1_000))
    state = sweep.init(models)
    last = None
    for _, state, last in sweep.train(models, state, 0, config.steps):
        pass
    kl, reconstruction = last.kl.mean(1), last.reconstruction.mean(1)
    for index, (_, mu, beta) in enumerate(zip(*models, strict=True)):
        expected = expected_losses(recipe.world, mu, beta, config.sigma2)
        assert kl[index] == pytest.approx(expected.kl, rel=0.05, abs=0.1), (mu, beta)
        assert reconstruction[index] == pytest.approx(expected.reconstruction, abs=0.5), (mu, beta)
        threshold = collapse_threshold(block_eigenvalue(recipe.world, mu), config.sigma2)
        if beta > 2 * threshold:
            assert kl[index] < 0.1
    scores = sweep.score(models, state.params)
    active = scores.active_units
    assert (active[models.beta == 20] == 0).all() and (active[models.beta < 3] == 4).all()
    diagnosis = sweep.diagnose(models, state.params)
    # nothing linear is below the optimum; the KL left by Adam's steps weighs most at β = 20
    assert (diagnosis.gap > 0).all() and (diagnosis.gap < np.where(models.beta < 3, 0.3, 1)).all()
    known = predict(recipe.world, config.mu, config.beta, config.sigma2, 4)
    found = scores._asdict() | diagnosis._asdict()
    for name, tolerance in (
        ("pmi", 0.1), ("recovery_r2", 0.1), ("signal_share", 0.05),
        ("generation_offset", 0.01), ("generation_shrinkage", 0.01), ("generation_head", 0.01),
    ):  # fmt: skip
        value = found[name].reshape(2, 4)
        np.testing.assert_allclose(value, getattr(known, name), atol=tolerance, err_msg=name)
