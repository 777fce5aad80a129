import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from biasvae_jax.projection import (
    Head,
    fit_adam,
    fit_adam_raw,
    fit_least_squares,
    minibatches,
    mse,
)

KEY = jax.random.key(0)
FIT = jax.jit(fit_adam, static_argnames=("epochs",))


def data(rows=2_000, inputs=4, targets=3, noise=0.3, scale=1.0):
    keys = jax.random.split(jax.random.key(1), 3)
    x = scale * jax.random.normal(keys[0], (rows, inputs)) + 5
    y = x @ jax.random.normal(keys[1], (inputs, targets)) / scale
    return x, y + noise * jax.random.normal(keys[2], y.shape) - 2


@given(st.floats(1e-3, 1e3), st.floats(0.01, 3))
def test_least_squares_agrees_with_scikit_learn(scale, noise):
    x, y = data(scale=scale, noise=noise)
    reference = LinearRegression().fit(np.asarray(x, float), np.asarray(y, float))
    expected = reference.predict(np.asarray(x, float))
    np.testing.assert_allclose(fit_least_squares(x, y)(x), expected, rtol=1e-6, atol=2e-3)


@given(st.integers(0, 3))
def test_least_squares_gives_constant_and_repeated_columns_no_weight_of_their_own(column):
    x, y = data()
    best = mse(fit_least_squares(x, y)(x), y)
    constant = jnp.insert(x, column, 3.14, axis=1)
    head = fit_least_squares(constant, y)
    assert jnp.abs(head.weight[column]).max() < 1e-3
    chex.assert_trees_all_close(mse(head(constant), y), best, rtol=1e-3)
    repeated = jnp.concatenate([x, x], 1)
    chex.assert_trees_all_close(mse(fit_least_squares(repeated, y)(repeated), y), best, rtol=1e-3)


def test_a_constant_input_far_from_0_has_weight_0_exactly():
    """The mean of a thousand times 1,000 is not 1,000 in float32."""
    x, y = data(rows=1_000)
    assert (fit_least_squares(jnp.insert(x, 1, 1_000.0, axis=1), y).weight[1] == 0).all()


@pytest.mark.parametrize("mean", [1e3, 1e5, 1e7])
def test_least_squares_of_inputs_far_from_0_is_that_of_double_precision(mean):
    rng = np.random.default_rng(0)
    x = (mean + rng.normal(size=(2_000, 3))).astype(np.float32)
    truth = (x.astype(float) - mean) @ rng.normal(size=(3, 2))
    y = (truth + 1.2 * rng.normal(size=truth.shape)).astype(np.float32)
    reference = LinearRegression().fit(x.astype(float), y.astype(float))
    expected = np.mean((reference.predict(x.astype(float)) - y) ** 2)
    head = fit_least_squares(jnp.asarray(x), jnp.asarray(y))
    assert float(mse(head(jnp.asarray(x)), jnp.asarray(y))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("noise", [0.03, 1.0])
@pytest.mark.parametrize("rows", [81, 200, 2_000])
def test_few_rows_have_epochs_enough(rows, noise):
    x, y = data(rows=rows, inputs=9, targets=9, noise=noise)
    exact = mse(fit_least_squares(x, y)(x), y)
    assert mse(FIT(KEY, x, y)(x), y) <= 1.02 * exact + 1e-4 * y.var()


def test_from_4096_rows_on_there_are_3_epochs():
    x, y = data(rows=4_096)
    chex.assert_trees_all_equal(FIT(KEY, x, y), FIT(KEY, x, y, epochs=3))


def test_rounding_of_the_targets_moves_a_head_of_one_batch_by_rounding_alone():
    """Its bias has a gradient of rounding, of which Adam would make steps of 0.02."""
    x = jnp.asarray(np.stack(np.meshgrid(*[[0.1, 0.9]] * 4), -1).reshape(-1, 4), jnp.float32)
    y = x @ jax.random.normal(KEY, (4, 4))
    other = y * (1 + 2e-7 * jax.random.normal(KEY, y.shape))
    assert jnp.abs(FIT(KEY, x, y)(x) - FIT(KEY, x, other)(x)).max() < 1e-5


def test_a_constant_target_is_met_exactly():
    x, _ = data()
    head = fit_least_squares(x, jnp.full((len(x), 2), 0.7))
    assert mse(head(x), jnp.full((len(x), 2), 0.7)) < 1e-10


@pytest.mark.parametrize("noise", [0.0, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_the_seeds_head_is_within_two_percent_of_least_squares(noise, scale):
    x, y = data(rows=19_683, inputs=9, targets=9, noise=noise, scale=scale)
    exact = mse(fit_least_squares(x, y)(x), y)
    adam = mse(FIT(KEY, x, y)(x), y)
    assert exact * (1 - 1e-3) - 1e-6 <= adam <= 1.02 * exact + 1e-4 * y.var()


def test_the_plainest_head_starts_random_and_ends_short_of_the_optimum():
    x, y = data(rows=19_683, inputs=9, targets=9)
    exact = mse(fit_least_squares(x, y)(x), y)
    raw = mse(jax.jit(fit_adam_raw)(KEY, x, y)(x), y)
    assert exact * 1.05 < raw < mse(y, 0 * y)


def test_heads_are_affine_and_fewer_rows_than_a_batch_still_train():
    head = Head(jnp.eye(2), jnp.array([1.0, -1.0]))
    chex.assert_trees_all_close(head(jnp.array([[2.0, 3.0]])), jnp.array([[3.0, 2.0]]))
    x, y = data(rows=10)
    assert jnp.isfinite(FIT(KEY, x, y, epochs=2)(x)).all()


def test_rows_must_match():
    x, y = data()
    for fit in (fit_least_squares, lambda x, y: fit_adam(KEY, x, y)):
        with pytest.raises(AssertionError):
            fit(x[1:], y)


def test_the_head_is_that_of_adam_with_half_a_cosine_over_all_steps():
    """Step by step in float64, by Kingma & Ba's algorithm 1."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 2, (130, 2)), rng.normal(size=(130, 3))
    y += x @ rng.normal(size=(2, 3))
    key = jax.random.key(5)
    steps = minibatches(key, 130)
    assert steps.shape == (192, 64) and len(set(np.asarray(steps[0]).tolist())) == 64
    a, b = ((each - each.mean(0)) / each.std(0) for each in (x, y))
    weights = np.zeros((3, 3))  # the last row is the bias
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step, rows in enumerate(np.asarray(steps)):
        inputs = np.column_stack([a[rows], np.ones(64)])
        gradient = 2 * inputs.T @ (inputs @ weights - b[rows]) / b[rows].size
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        rate = 0.02 * (1 + np.cos(np.pi * step / len(steps))) / 2
        n = step + 1
        weights -= rate * first / (1 - 0.9**n) / (np.sqrt(second / (1 - 0.999**n)) + 1e-8)
    expected = y.mean(0) + y.std(0) * (np.column_stack([a, np.ones(130)]) @ weights)
    inputs, targets = jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)
    found = FIT(key, inputs, targets)(inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
