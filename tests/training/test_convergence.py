import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.config import Config
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.objectives import Losses
from biasvae_jax.sweep import Sweep, grid
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.training import Recipe, init_state, train
from biasvae_jax.training.convergence import converged_step, observe, start_watch


@jax.jit
def watches(losses, patience, tolerance):
    def see(watch, loss):
        watch = observe(watch, Losses(loss, loss, loss), patience, tolerance)
        return watch, watch.converged

    return jax.lax.scan(see, start_watch(Losses), losses)[1]


def watch_all(losses, patience, tolerance):
    """Return the step at which the losses converged (0: never)."""
    converged = np.asarray(watches(np.float32(losses), patience, tolerance))
    return int(np.argmax(converged)) + 1 if converged.any() else 0


@given(st.integers(1, 20), st.floats(0, 2), st.integers(0, 2**32 - 1))
def test_the_rule_is_that_of_its_windows(patience, tolerance, seed):
    losses = 200 + np.cumsum(np.random.default_rng(seed).normal(-0.2, 1, 100)).astype(np.float32)
    windows = [losses[i : i + patience].mean() for i in range(0, 100 - patience + 1, patience)]
    drops = -np.diff(windows)
    if (abs(drops - tolerance) < 1e-3).any():
        return  # float32 may decide either way
    stops = np.flatnonzero(drops <= tolerance)
    expected = (stops[0] + 2) * patience if len(stops) else 0
    assert watch_all(losses, patience, tolerance) == expected


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_stored_curves_tell_where_the_rule_would_have_stopped(windows, seed):
    bins = 100 + np.cumsum(np.random.default_rng(seed).normal(-0.3, 1, (6, 40)), axis=1)
    patience = 10 * windows
    found = converged_step(bins, 200, warmup=20, patience=patience, tolerance=0.25)
    for row, step in zip(bins, found, strict=True):
        # 5 steps a bin, each with the bin's mean; float32 may decide either way at the tolerance
        stopped = watch_all(np.repeat(row, 5)[20:], patience, 0.25)
        assert step == (20 + stopped if stopped else 200)


def test_a_curve_with_fewer_than_two_windows_never_converges():
    assert (converged_step(np.zeros((3, 2, 10)), 100, 0, 60, 0.1) == 100).all()


@pytest.mark.parametrize("change", [{"warmup": 3}, {"patience": 7}, {"patience": 0}, {"steps": 99}])
def test_windows_that_cut_a_bin_are_refused(change):
    with pytest.raises(ValueError, match="warm-up"):
        converged_step(
            np.zeros(10), **{"steps": 100, "warmup": 10, "patience": 20} | change, tolerance=0
        )


def test_a_loss_that_is_not_finite_ends_the_training():
    assert watch_all([3.0, 2.0, 1.0, np.nan, 0.0, -1.0], 2, 0.0) == 4


RECIPE = Recipe.from_config(
    Config(n=2, m=3, hidden=(16,), batch_size=8, kl_warmup=10, patience=20, tolerance=0.5)
)
KEY = purpose_key(0, Purpose.TRAIN)


@pytest.fixture(scope="module")
def trained():
    state = init_state(purpose_key(0, Purpose.INIT), RECIPE)
    return jax.jit(train, static_argnums=(4, 5))(KEY, state, 0.5, 2.0, RECIPE, 400)


def test_a_converged_model_is_the_one_that_took_fewer_steps(trained):
    state, info = trained
    taken = int(state.step)
    assert 50 <= taken < 400 and (taken - RECIPE.objective.kl_warmup) % RECIPE.patience == 0
    plain = dataclasses.replace(RECIPE, patience=0)
    start = init_state(purpose_key(0, Purpose.INIT), plain)
    run = jax.jit(train, static_argnums=(4, 5))
    same, losses = run(KEY, start, 0.5, 2.0, plain, taken)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
        state.params,
        same.params,
    )
    np.testing.assert_allclose(info.loss[:taken], losses.loss, rtol=1e-5)
    last_window = losses.loss[-RECIPE.patience :].mean()
    np.testing.assert_allclose(info.loss[taken:], last_window, rtol=1e-5)


@pytest.mark.parametrize("width", [1, 3])
def test_models_of_a_sweep_stop_each_by_itself_in_chunks_of_any_length(trained, width):
    config = Config(
        mu=(0.0, 0.5), beta=(0.1, 2.0, 1e4), n=2, m=3, hidden=(16,), batch_size=8, steps=400,
        kl_warmup=10, patience=20, tolerance=0.5,
    )  # fmt: skip
    models = grid(config)
    sweep = Sweep(RECIPE, Plan(devices=1, group=6, width=width, chunk=90))
    for _, state, info in sweep.train(models, sweep.init(models), 0, 400):
        assert np.isfinite(info.loss).all()
    steps = sweep.gather(state.step, models)
    assert len(set(steps.tolist())) > 1
    cell = np.flatnonzero((models.bias == 0.5) & (models.beta == 2.0))[0]
    assert steps[cell] == trained[0].step
