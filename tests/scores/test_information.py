import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biasvae_jax.scores.information import (
    canonical_directions,
    gaussian_information,
    held_out_information,
    info_nce,
    ksg_information,
    linear_information,
    mine,
    neural_information,
)
from biasvae_jax.theory import linear_optimum

PAIR = 0.4133  # nats, correlation 0.75


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def correlated(rows, rho, seed=0):
    """Truth and code whose columns j have the correlation rho[j], by chance only nearly so."""
    rho = np.asarray(rho)
    truth, noise = normal(2, rows, len(rho), seed=seed)
    return truth, rho * truth + np.sqrt(1 - rho**2) * noise


def exactly_correlated(rows, rho, seed=0):
    """The same with exactly these sample correlations and no others, mixed on both sides."""
    rho, rng = np.asarray(rho), np.random.default_rng(seed)
    raw = rng.normal(size=(rows, 2 * len(rho)))
    truth, noise = np.split(np.linalg.qr(raw - raw.mean(0))[0], 2, axis=1)
    mix = rng.normal(size=(2, len(rho), len(rho)))
    return truth @ mix[0] + 3, (rho * truth + np.sqrt(1 - rho**2) * noise) @ mix[1] - 5


# The linear world ---------------------------------------------------------------------------------


def test_linear_information_of_the_squares_world():
    # μ = 0, β = 1: λ = 2.376, σ_noise² = t = 0.25, so ρ² = 0.8006
    assert linear_information(2.376, 0.25, 0.25) == pytest.approx(0.80625, abs=1e-4)


def test_linear_information_is_that_of_a_simulated_linear_vae():
    eigenvalue, noise, threshold = 2.0, 0.3, 0.8
    u, observation, posterior = normal(3, 100_000, 1)
    u = np.sqrt(eigenvalue - noise) * u
    x = u + np.sqrt(noise) * observation
    mean = np.sqrt((1 - threshold / eigenvalue) / eigenvalue) * x
    z_hat = mean + np.sqrt(threshold / eigenvalue) * posterior
    expected = linear_information(eigenvalue, noise, threshold)
    assert gaussian_information(u, z_hat) == pytest.approx(float(expected), abs=0.005)


def test_without_noise_the_information_is_the_kl():
    eigenvalue, threshold = np.array([0.5, 1.0, 2.0]), 0.7
    np.testing.assert_allclose(
        linear_information(eigenvalue, 0.0, threshold), linear_optimum(eigenvalue, 1, threshold).kl
    )


def test_collapsed_latents_tell_nothing():
    np.testing.assert_array_equal(
        linear_information(np.array([0.3, 0.4]), 0.25, np.array([0.3, 9.0])), 0
    )


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0.0, 0.0, 1.0), "eigenvalue"),
        ((1.0, -0.1, 1.0), "noise_variance"),
        ((1.0, 1.1, 1.0), "noise_variance"),
        ((1.0, 0.5, 0.0), "threshold"),
        ((1.0, 0.5, np.nan), "threshold"),
    ],
)
def test_linear_information_names_bad_arguments(arguments, name):
    with pytest.raises(ValueError, match=name):
        linear_information(*arguments)


# Gaussian -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [[0.75], [0.9, 0.5, 0.0], [0.75] * 9])
def test_gaussian_information_of_exact_correlations(rho):
    truth, code = exactly_correlated(200, rho)
    expected = -0.5 * np.log(1 - np.square(rho)).sum()
    assert gaussian_information(truth, code) == pytest.approx(expected, abs=1e-9)
    assert gaussian_information(code, truth) == pytest.approx(expected, abs=1e-9)
    if len(rho) == 1:
        assert expected == pytest.approx(PAIR, abs=5e-5)


def test_gaussian_information_by_chance():
    values = [gaussian_information(*correlated(300, [0] * 6, seed=s)) for s in range(20)]
    assert np.mean(values) == pytest.approx(6 * 6 / (2 * 300), rel=0.15)


def test_canonical_directions():
    rho = np.array([0.9, 0.5, 0.1])
    truth, code, correlation = canonical_directions(*exactly_correlated(100, rho))
    np.testing.assert_allclose(correlation, rho, atol=1e-9)
    np.testing.assert_allclose(truth.T @ code, np.diag(rho), atol=1e-9)
    np.testing.assert_allclose(truth.mean(0), 0, atol=1e-9)


def test_a_shared_direction_is_infinite_information():
    truth, code = correlated(100, [0.5, 0.5])
    assert gaussian_information(truth, code) < 1
    assert gaussian_information(truth, np.hstack([code, truth.sum(1, keepdims=True)])) == np.inf


def test_duplicates_and_constants_add_no_gaussian_information():
    truth, code = correlated(100, [0.5, 0.5])
    more = np.hstack([code, code, np.full((100, 1), 0.1)])
    assert gaussian_information(truth, more) == pytest.approx(gaussian_information(truth, code))
    assert gaussian_information(truth, np.full((100, 2), 0.1)) == 0


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000))
def test_linear_maps_of_either_side_leave_gaussian_information(seed):
    truth, code = correlated(60, [0.9, 0.3, 0.0])
    left, right = normal(2, 3, 3, seed=seed) + 3 * np.eye(3)
    assert gaussian_information(truth @ left, code @ right) == pytest.approx(
        gaussian_information(truth, code)
    )


@pytest.mark.parametrize("score", [gaussian_information, ksg_information, canonical_directions])
def test_bad_input_is_named(score):
    good = normal(30, 3)
    for bad in (good[:20], np.where(good > 1, np.nan, good), good[:2], good[:, 0]):
        with pytest.raises(ValueError, match=r"^code "):
            score(good, bad)
    with pytest.raises(ValueError, match=r"^truth "):
        score(np.where(good > 1, np.nan, good), good)


# Neural bounds ------------------------------------------------------------------------------------


def optimal_scores(rho, rows=2_000):
    """The log density ratio of a correlated pair, at which both bounds are tight."""
    truth, code = (a[:, 0] for a in correlated(rows, [rho]))
    z, c = truth[:, None], code[None, :]
    spread = rho**2 * (z**2 + c**2) - 2 * rho * z * c
    ratio = -0.5 * np.log(1 - rho**2) - spread / (2 * (1 - rho**2))
    return jnp.asarray(ratio, jnp.float32)


@pytest.mark.parametrize("bound", [info_nce, mine])
def test_bounds_are_tight_at_the_optimal_critic_and_low_elsewhere(bound):
    scores = optimal_scores(0.75)
    tight = float(bound(scores).nats)
    assert tight == pytest.approx(PAIR, abs=0.04)
    assert float(bound(0.5 * scores).nats) < tight - 0.02
    assert float(bound(2 * scores).nats) < tight - 0.02
    assert float(bound(scores + 7).nats) == pytest.approx(tight, abs=1e-4)


@pytest.mark.parametrize("bound", [info_nce, mine])
def test_a_critic_that_knows_nothing_bounds_0(bound):
    assert float(bound(jnp.full((50, 50), 3.0)).nats) == pytest.approx(0, abs=1e-5)


def test_caps():
    perfect = 1e3 * jnp.eye(64)
    assert float(info_nce(perfect).cap) == pytest.approx(np.log(64))
    assert float(info_nce(perfect).nats) == pytest.approx(np.log(64))
    assert float(mine(perfect).nats) == pytest.approx(1e3)
    assert np.isinf(mine(perfect).cap)


def test_info_nce_compares_within_rows():
    """A term of the truth alone, the same along its row, cancels; one of the code does not."""
    scores = optimal_scores(0.75, rows=100)
    extra = jnp.broadcast_to(jnp.linspace(0, 50, 100), scores.shape)
    plain = float(info_nce(scores).nats)
    assert float(info_nce(scores + extra.T).nats) == pytest.approx(plain, abs=1e-3)
    assert float(info_nce(scores + extra).nats) < plain - 1


class Case(NamedTuple):
    """One model of a stack: what it draws, and which bound it is asked for."""

    key: jax.Array
    rho: jax.Array
    warp: jax.Array
    contrast: jax.Array


def estimate(case, steps):
    def sample(key, rows):
        truth, noise = jax.random.normal(key, (2, rows, 2))
        code = case.rho * truth + jnp.sqrt(1 - case.rho**2) * noise
        pair = jnp.where(case.warp, jnp.exp(truth), truth), jnp.where(case.warp, code**3, code)
        constant = jnp.ones((rows, 1))
        return 5 + pair[0], jnp.concatenate([pair[1], constant], axis=1)

    def bound(scores):
        either = functools.partial(jnp.where, case.contrast)
        return jax.tree.map(either, info_nce(scores), mine(scores))

    return neural_information(
        case.key, sample, bound, steps, batch_size=128, evaluation_size=1_024, hidden=32
    )


@pytest.fixture(scope="module")
def cases():
    rho, warp, contrast = np.array([[0, 0.75, 0.75] * 2, [0, 0, 1] * 2, [0] * 3 + [1] * 3])
    keys = jax.random.split(jax.random.key(0), 6)
    return Case(keys, jnp.asarray(rho), jnp.asarray(warp), jnp.asarray(contrast))


@pytest.fixture(scope="module")
def stacked(cases):
    """MINE, then InfoNCE, of two independent pairs, two correlated ones and these warped."""
    return jax.jit(jax.vmap(lambda case: estimate(case, 300)))(cases)


def test_neural_information_of_several_models_at_once(stacked):
    independent, related, warped = stacked.nats.reshape(2, 3).T
    np.testing.assert_allclose(independent, 0, atol=0.02)
    np.testing.assert_allclose(related, 2 * PAIR, atol=0.06)
    # the tails of an exponential and a cube are slow to learn, and must not break a bound
    assert (warped > 0.5).all() and (warped < 2 * PAIR + 0.06).all()
    np.testing.assert_allclose(stacked.cap, [np.inf] * 3 + [np.log(1_024)] * 3, rtol=1e-6)


def test_neural_information_of_one_model_is_that_in_a_stack(cases, stacked):
    alone = jax.jit(lambda case: estimate(case, 300))(jax.tree.map(lambda a: a[4], cases))
    assert float(alone.nats) == pytest.approx(float(stacked.nats[4]), abs=0.01)


@pytest.mark.parametrize("bound", [info_nce, mine])
def test_a_bound_on_a_fixed_array_is_that_of_rows_the_critic_has_not_seen(bound):
    """Scored on its own 2,000 rows, InfoNCE said 1.63 of three pairs that hold 1.02."""
    truth, code = correlated(2_000, [0.703] * 3)
    known = -1.5 * np.log(1 - 0.703**2)
    estimate = functools.partial(held_out_information, jax.random.key(0), bound=bound)
    assert known - 0.15 < float(estimate(1e5 + truth, code).nats) < known + 0.05
    none = estimate(truth, code[::-1])
    assert -0.15 < float(none.nats) < 0.05
    assert float(none.cap) == pytest.approx(np.log(1_000) if bound is info_nce else np.inf)


def test_more_held_out_rows_than_a_batch_holds_are_scored_in_equal_batches():
    truth, code = correlated(90, [0.9])
    found = held_out_information(
        jax.random.key(0), truth, code, held_out=2 / 3, passes=10, evaluation_size=25
    )
    assert float(found.cap) == pytest.approx(np.log(20))
    assert 0.2 < float(found.nats) < -0.5 * np.log(1 - 0.9**2) + 0.2


@pytest.mark.parametrize(("rows", "held_out"), [(3, 0.5), (100, 0.0), (100, 1.0), (100, 0.99)])
def test_a_part_without_rows_is_refused(rows, held_out):
    truth, code = correlated(rows, [0.5])
    with pytest.raises(ValueError, match="fewer than 2 rows"):
        held_out_information(jax.random.key(0), truth, code, held_out=held_out)
