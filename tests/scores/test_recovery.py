"""Scores of networks whose answer is known, and of random ones."""

import functools
from dataclasses import dataclass

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import MLP
from biasvae_jax.objectives import Autoencoder, Intel
from biasvae_jax.scores.recovery import (
    ScoreKeys,
    active_units,
    mean_code,
    r_squared,
    raw_recovery_mse,
    recovery_scores,
)
from biasvae_jax.scores.recovery import (
    test_codes as codes_of,
)
from biasvae_jax.training import Recipe
from biasvae_jax.worlds import Squares

WORLD = Squares()
KEYS = ScoreKeys(*(purpose_key(0, p) for p in (Purpose.TEST, Purpose.HEAD, Purpose.ACTIVE)))


@dataclass(frozen=True)
class Known:
    """Reads the squares' intensities off the image, turned by a rotation, and draws them back.

    posterior N(R·u·gain, exp(logvar)); with gain 0 it is a collapsed network. Its parameters are
    (R, gain, logvar), so that one program scores all.
    """

    latent_dim: int = 9

    def encode(self, params, x):
        rotation, gain, logvar = params
        blocks = x.reshape(*x.shape[:-1], 3, 7, 3, 7).mean((-3, -1)).reshape(*x.shape[:-1], 9)
        mean = gain * (blocks - 0.5) @ rotation
        return mean, jnp.full_like(mean, logvar)

    def decode(self, params, z_hat):
        rotation, gain, _ = params
        u = z_hat @ rotation.T / jnp.where(gain == 0, jnp.inf, gain)
        return WORLD.render(0.5 + u)


RECIPE = Recipe(WORLD, Known())
SCORED = jax.jit(lambda params, test: recovery_scores(KEYS, params, 0.0, test, RECIPE))


def scores(gain, logvar):
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(9, 9)))[0]
    params = rotation.astype(np.float32), np.float32(gain), np.float32(logvar)
    return jax.tree.map(float, SCORED(params, WORLD.test_set()))


def test_a_network_that_recovers_everything():
    got = scores(gain=3.0, logvar=-20.0)
    assert got.pmi < 1e-3 and got.pmi_exact < 1e-6 and got.pmi_mean < 1e-6
    assert got.recovery_mse < 1e-4
    assert got.recovery_r2 == pytest.approx(1, abs=1e-4)
    assert got.generation_mse < 1e-4
    assert got.active_units == 9


def test_a_collapsed_network_scores_one_and_zero_and_falls_into_the_trap_of_the_mean():
    got = scores(gain=0.0, logvar=0.0)
    assert got.pmi == pytest.approx(1, abs=0.02)
    assert got.pmi_mean == 0  # the trap: better than a network that recovered everything
    assert got.recovery_r2 == pytest.approx(0, abs=0.002)
    assert got.recovery_mse == pytest.approx(0.10667, abs=1e-3)
    assert got.generation_mse == pytest.approx(0.10667, abs=1e-4)
    assert got.active_units == 0


def test_the_mean_is_blind_to_scale_and_the_sample_is_not():
    got = scores(gain=0.01, logvar=0.0)  # nearly collapsed
    assert got.recovery_r2_mean == pytest.approx(1, abs=1e-3)  # the second trap
    assert got.recovery_r2 < 0.01


def test_noise_in_the_code_lowers_r2_as_the_channel_says():
    gain, variance = 2.0, 0.25
    got = scores(gain, np.log(variance))
    signal = gain**2 * WORLD.test_factors().var()
    assert got.recovery_r2 == pytest.approx(float(signal / (signal + variance)), abs=0.01)
    assert got.pmi_exact == pytest.approx(variance, rel=0.02)


def test_random_networks_stand_where_the_seeds_baseline_does():
    network = MLP(WORLD.pixels, 9)
    recipe, test = Recipe(WORLD, network), WORLD.test_set()

    def both(test, index):
        params = network.init(jax.random.fold_in(purpose_key(0, Purpose.BASELINE), index))
        return (
            recovery_scores(KEYS, params, 0.0, test, recipe),
            raw_recovery_mse(KEYS, params, test, recipe),
        )

    of_three = jax.jit(lambda test: jax.lax.map(functools.partial(both, test), jnp.arange(3)))
    all_scores, raw = of_three(test)
    assert 0.102 <= all_scores.recovery_mse.mean() <= 0.1075
    assert 0.104 <= raw.mean() <= 0.13
    assert all_scores.pmi.mean() == pytest.approx(1, abs=0.4)
    assert (all_scores.recovery_r2 < 0.1).all()
    assert (all_scores.recovery_r2_mean > 0.5).all()  # the trap again


def test_active_units_counts_latents_that_vary():
    class Stub:
        latent_dim = 3

        def encode(self, params, x):
            return x[:, :3] * params, jnp.zeros((len(x), 3))

    x = jax.random.normal(jax.random.key(0), (4_000, 3))
    for scale, expected in (((1.0, 0.0, 0.05), 1), ((0.2, 0.2, 0.0), 2), ((1.0, 1.0, 1.0), 3)):
        assert active_units(Stub(), jnp.asarray([scale]), x) == expected


def test_r_squared_of_perfect_and_of_mean_prediction():
    y = jax.random.normal(jax.random.key(0), (50, 2))
    chex.assert_trees_all_close(r_squared(y, y), jnp.asarray(1.0))
    chex.assert_trees_all_close(
        r_squared(jnp.broadcast_to(y.mean(0, keepdims=True), y.shape), y), jnp.asarray(0.0)
    )


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e6, 1e20])
def test_nothing_is_explained_of_a_target_that_does_not_vary(constant):
    """In float32 the mean of 0.1 is not 0.1, so that the target seems to vary."""
    y = jnp.full((1_000, 2), constant)
    for prediction in (y, y + 1, jnp.full_like(y, jnp.nan)):
        assert jnp.isnan(r_squared(prediction, y))
    varied = y.at[:, 1].set(jnp.linspace(0, 1, 1_000))
    chex.assert_trees_all_close(r_squared(varied, varied), jnp.asarray(1.0))


@pytest.mark.parametrize("objective", [Intel(), Autoencoder()], ids=lambda o: o.kind)
def test_codes_are_what_the_objective_decodes(objective):
    recipe = Recipe(WORLD, MLP(WORLD.pixels, 9), objective=objective)
    params, x = jax.jit(recipe.init)(jax.random.key(0)), WORLD.test_set()[1][:5]
    z_hat, mean = jax.jit(codes_of, static_argnums=1)(jax.random.key(1), recipe, params, x)
    normals = jax.random.normal(jax.random.key(1), (5, 9))
    at, logvar = recipe.network.encode(params, x)
    y = at if isinstance(objective, Autoencoder) else at + jnp.exp(0.5 * logvar) * normals
    chex.assert_trees_all_close(z_hat, objective.code(params, y), rtol=1e-5, atol=1e-6)
    chex.assert_trees_all_close(mean, mean_code(recipe, params, x), rtol=1e-5, atol=1e-6)
    assert isinstance(objective, Autoencoder) or np.abs(np.asarray(z_hat - y)).max() > 0.01
