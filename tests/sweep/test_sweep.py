import dataclasses
import functools

import chex
import jax
import numpy as np
import pytest

from biasvae_jax.config import Config
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.scores.events import EventScores
from biasvae_jax.sweep import Models, Sweep, grid
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.theory import block_eigenvalue, collapse_threshold, expected_losses, predict
from biasvae_jax.training import Recipe, init_state, train

SMALL = Config(
    mu=(0.0, 1.0, 3.0), beta=(0.5, 4.0), seeds=2, steps=50, n=2, m=3, hidden=(16,), batch_size=8
)
PLAN = Plan(devices=1, group=12, width=1, chunk=20)


@functools.cache
def run(config=SMALL, plan=PLAN, only=None, score=False):
    """Train a grid (or one model of it) in one group; return state, losses, scores and finite."""
    models = grid(config)[slice(None) if only is None else slice(only, only + 1)]
    sweep = Sweep(Recipe.from_config(config), plan)
    state, losses = sweep.init(models), []
    for _, state, info in sweep.train(models, state, 0, config.steps):
        losses.append(info.loss)
    scores = sweep.score(models, state.params) if score else None
    finite = sweep.finite(models, state)
    return sweep.gather(state, models), np.concatenate(losses, 1), scores, finite


def close(a, b):
    chex.assert_trees_all_close(a, b, rtol=1e-4, atol=1e-5)


def test_the_grid_is_every_combination_once_in_the_order_seed_mu_beta():
    models = grid(SMALL)
    rows = list(zip(*models, strict=True))
    assert len(set(rows)) == SMALL.models == 12
    assert rows == sorted(rows)
    assert models[1:3].seed.shape == (2,)


def test_stacked_training_equals_a_loop_over_models():
    state, losses, _, finite = run()
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
    close(alone, jax.tree.map(lambda a: a[index], run()[0]))


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
    params = run()[0].params
    for plan, part in ((PLAN, slice(12)), (Plan(8, 12, 2, 20), slice(12)), (PLAN, slice(7, 9))):
        sweep = Sweep(Recipe.from_config(SMALL), plan)
        mine = sweep.put(jax.tree.map(lambda a, p=part: a[p], params))
        found.append(sweep.diagnose(models[part], mine))
    chex.assert_trees_all_close(found[0], found[1], rtol=1e-3, atol=1e-4)
    seen = jax.tree.map(lambda a: a[7:9], found[0])
    chex.assert_trees_all_close(seen, found[2], rtol=1e-3, atol=1e-4)


def test_chunk_length_changes_no_bit():
    a, b = run(), run(plan=dataclasses.replace(PLAN, chunk=7))
    chex.assert_trees_all_equal(a[0], b[0])


def test_cells_of_a_seed_share_initialisation_and_seeds_do_not():
    models = grid(SMALL)
    sweep = Sweep(Recipe.from_config(SMALL), PLAN)
    params = sweep.gather(sweep.init(models), models).params
    kernel = params["encoder"]["Dense_0"]["kernel"]
    assert np.array_equal(kernel[0], kernel[5]) and not np.array_equal(kernel[0], kernel[6])


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
    chex.assert_trees_all_equal(sweep.gather(state, models), run()[0])


def test_baselines_are_three_networks_with_every_score_and_the_plainest_head():
    sweep, models = Sweep(Recipe.from_config(SMALL), PLAN), grid(SMALL)[:5]
    baselines, params = sweep.baselines(), sweep.init(models).params
    sweep.score(models, params)
    sweep.diagnose(models, params)
    for lifted in (sweep._score, sweep._variance):  # one program for any number of models
        assert lifted._cache_size() == 1
    beside = {"signal_share", "recovery_mse_raw"}
    scores = {*run(score=True)[2]._fields, *EventScores._fields}
    assert set(baselines) == scores | beside
    assert all(value.shape == (3,) for value in baselines.values())
    assert len(set(baselines["pmi"])) == 3


def test_models_are_indexed_together():
    models = Models(np.arange(3), np.arange(3.0), np.arange(3.0) * 10)
    assert [axis[0] for axis in models[1:2]] == [1, 1.0, 10.0]


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
