import dataclasses
import functools

import chex
import jax
import numpy as np
import pytest
from small import PLAN, SMALL, close, trained

from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.scores.events import EventScores
from biasvae_jax.sweep import Models, Sweep, grid
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.training import Recipe, init_state, train

run = functools.cache(trained)


def test_the_grid_is_every_combination_once_in_the_order_seed_mu_beta():
    models = grid(SMALL)
    rows = list(zip(*models, strict=True))
    assert len(set(rows)) == SMALL.models == 12
    assert rows == sorted(rows)
    assert models[1:3].seed.shape == (2,)


def test_stacked_training_equals_a_loop_over_models():
    state, losses, _, finite = run(score=True)
    assert finite.all()
    recipe, models = Recipe.from_config(SMALL), grid(SMALL)
    alone = jax.jit(train, static_argnums=(4, 5))
    for index, (seed, bias, beta) in enumerate(zip(*models, strict=True)):
        start = init_state(purpose_key(int(seed), Purpose.INIT), recipe)
        key = purpose_key(int(seed), Purpose.TRAIN)
        one, info = alone(key, start, bias, beta, recipe, SMALL.steps)
        close(jax.tree.map(lambda a, i=index: a[i], state), one)
        np.testing.assert_allclose(losses[index], info.loss, rtol=1e-4)


@pytest.mark.parametrize("index", [0, 7, 11])
def test_a_cell_of_the_grid_equals_the_same_cell_trained_alone(index):
    alone = jax.tree.map(lambda a: a[0], run(only=index)[0])
    close(alone, jax.tree.map(lambda a: a[index], run(score=True)[0]))


@pytest.mark.parametrize(
    "change",
    [{"width": 5, "chunk": 50}, {"width": 12, "devices": 2}, {"devices": 8, "chunk": 7}],
)
def test_no_plan_changes_a_result(change):
    """12 models on 8 devices need padding; 12 in widths of 5 leave a rest."""
    plan = dataclasses.replace(PLAN, **change)
    state, losses, scores, _ = run(plan=plan, score=True)
    expected = run(score=True)
    close(state, expected[0])
    np.testing.assert_allclose(losses, expected[1], rtol=1e-4)
    chex.assert_trees_all_close(scores, expected[2], rtol=1e-2, atol=1e-3)
    assert all(len(value) == 12 for value in scores)


def test_no_plan_changes_a_diagnosis_nor_does_the_grid_around_a_model():
    models, found = grid(SMALL), []
    params = run(score=True)[0].params
    for plan, part in ((PLAN, slice(12)), (Plan(8, 12, 2, 20), slice(12)), (PLAN, slice(7, 9))):
        sweep = Sweep(Recipe.from_config(SMALL), plan)
        mine = sweep.put(jax.tree.map(lambda a, p=part: a[p], params))
        found.append(sweep.diagnose(models[part], mine))
    chex.assert_trees_all_close(found[0], found[1], rtol=1e-3, atol=1e-4)
    seen = jax.tree.map(lambda a: a[7:9], found[0])
    chex.assert_trees_all_close(seen, found[2], rtol=1e-3, atol=1e-4)


def test_cells_of_a_seed_share_initialisation_and_seeds_do_not():
    models = grid(SMALL)
    sweep = Sweep(Recipe.from_config(SMALL), PLAN)
    params = sweep.gather(sweep.init(models), models).params
    kernel = params["encoder"]["Dense_0"]["kernel"]
    assert np.array_equal(kernel[0], kernel[5]) and not np.array_equal(kernel[0], kernel[6])


def test_baselines_are_three_networks_with_every_score_and_the_plainest_head():
    sweep, models = Sweep(Recipe.from_config(SMALL), PLAN), grid(SMALL)[:5]
    baselines, params = sweep.baselines(), sweep.init(models).params
    sweep.score(models, params)
    sweep.diagnose(models, params)
    for average in (sweep._score, sweep._variance):  # one program for any number of models
        assert average._lifted._cache_size() == 1
    beside = {"signal_share", "recovery_mse_raw"}
    scores = {*run(score=True)[2]._fields, *EventScores._fields}
    assert set(baselines) == scores | beside
    assert all(value.shape == (3,) for value in baselines.values())
    assert len(set(baselines["pmi"])) == 3


def test_models_are_indexed_together():
    models = Models(np.arange(3), np.arange(3.0), np.arange(3.0) * 10)
    assert [axis[0] for axis in models[1:2]] == [1, 1.0, 10.0]


def test_intended_nan_is_no_error_where_jax_looks_for_nan():
    """A collapsed model has no signal share, and a constant factor has no R²."""
    sweep = Sweep(Recipe.from_config(dataclasses.replace(SMALL, bins=(0.5,))), PLAN)
    models = grid(SMALL)[:2]
    with jax.debug_nans(True):
        params = jax.tree.map(lambda a: 0 * a, sweep.init(models).params)
        scores = sweep.score(models, params)
        share = sweep.diagnose(models, params).signal_share
        baselines = sweep.baselines()
    assert np.isnan([*share, *scores.recovery_r2, *baselines["recovery_r2"]]).all()
    assert np.isfinite([*scores.pmi, *baselines["signal_share"]]).all()


def test_a_model_whose_last_step_threw_it_out_is_not_finite():
    """Each of its numbers is finite, but not what it makes of an image."""
    sweep, models = Sweep(Recipe.from_config(SMALL), PLAN), grid(SMALL)[:2]
    state = sweep.gather(sweep.init(models), models)
    far = jax.tree.map(lambda a: np.concatenate([a[:1], np.full_like(a[1:], 1e30)]), state.params)
    assert sweep.finite(models, sweep.put(state)).tolist() == [True, True]
    assert sweep.finite(models, sweep.put(state._replace(params=far))).tolist() == [True, False]
