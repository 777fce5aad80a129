import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from biasvae_jax.projection import Head, fit_adam, fit_adam_raw, fit_least_squares, mse

KEY = jax.random.key(0)


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


def test_a_constant_target_is_met_exactly():
    x, _ = data()
    head = fit_least_squares(x, jnp.full((len(x), 2), 0.7))
    assert mse(head(x), jnp.full((len(x), 2), 0.7)) < 1e-10


@pytest.mark.parametrize("noise", [0.0, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_the_seeds_head_is_within_two_percent_of_least_squares(noise, scale):
    x, y = data(rows=19_683, inputs=9, targets=9, noise=noise, scale=scale)
    exact = mse(fit_least_squares(x, y)(x), y)
    adam = mse(jax.jit(fit_adam)(KEY, x, y)(x), y)
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
    assert jnp.isfinite(fit_adam(KEY, x, y, epochs=2)(x)).all()


def test_rows_must_match():
    x, y = data()
    for fit in (fit_least_squares, lambda x, y: fit_adam(KEY, x, y)):
        with pytest.raises(AssertionError):
            fit(x[1:], y)
