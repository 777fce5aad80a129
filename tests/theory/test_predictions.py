"""The closed-form optimum, run as a network, costs and scores what is predicted."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from biasvae_jax.biases import Shift
from biasvae_jax.config import Config
from biasvae_jax.networks import linear_network
from biasvae_jax.objectives import analytic_beta_elbo
from biasvae_jax.sweep import Sweep, grid
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.theory import (
    expected_losses,
    finite_prediction,
    linear_params,
    loss_bound,
    predict,
    reduce_world,
    sample_reduction,
    sigmoid_moments,
    world_moments,
)
from biasvae_jax.training import Recipe
from biasvae_jax.worlds import Squares

WORLD = Squares(n=2, m=3, noise_mean=0.1, contrast=(0.8, 1.0, 2.0, 1.5))


@jax.jit
def moved(params, key, scale):
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))
    away = [jax.random.normal(k, leaf.shape) for leaf, k in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(tree, [a + scale * b for a, b in zip(leaves, away, strict=True)])


@pytest.mark.parametrize(("latents", "beta"), [(3, 2.0), (4, 0.5), (6, 0.5)])
def test_its_loss_is_the_expected_one_and_no_neighbour_has_a_lower(latents, beta):
    """β = ½ is below σ_noise²/σ² = 1, where latents to spare take noise directions."""
    network = linear_network(WORLD.pixels, latents)
    params = linear_params(reduce_world(WORLD, 1.0, latents), beta, 0.25)
    noise_key, eps_key, other_key = jax.random.split(jax.random.key(0), 3)
    x = jax.jit(lambda: WORLD.sample(WORLD.draw(noise_key, (20_000,)), Shift(), 1.0).x)()
    eps = jax.random.normal(eps_key, (len(x), latents))

    @jax.jit
    def losses(params):
        return jax.tree.map(
            lambda a: a.mean(), analytic_beta_elbo(network, params, x, eps, beta, 0.25)
        )

    best, known = losses(params), expected_losses(WORLD, 1.0, beta, 0.25, latents)
    np.testing.assert_allclose(best, known, atol=0.12)
    for scale in (0.03, 0.1):
        for key in jax.random.split(other_key, 3):
            assert losses(moved(params, key, scale)).loss > best.loss


CONFIG = Config(
    n=2, m=5, mu=(0.0, 2.0), beta=(0.5, 3.0), hidden=(), output="identity",
    bins=tuple(np.linspace(0.1, 0.9, 9).tolist()),
)  # fmt: skip
PLAN = Plan(devices=2, group=4, width=1, chunk=1)


FEW = dataclasses.replace(CONFIG, latent_dim=3, contrast=(1.0, 0.7, 1.5, 2.0))
MANY = dataclasses.replace(CONFIG, latent_dim=7)


@functools.cache
def sweep_of(config):
    return Sweep(Recipe.from_config(config), PLAN)


def optima(config, bias, beta, reduce=reduce_world):
    """The optimum at each (bias, β), stacked."""
    world = Recipe.from_config(config).world
    params = [
        linear_params(reduce(world, float(mu), config.latents), weight, 0.25)
        for mu, weight in zip(bias, beta, strict=True)
    ]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *params)
    return sweep_of(config).put(stacked)


@pytest.mark.parametrize("config", [FEW, MANY], ids=["few", "many"])
def test_its_scores_are_the_predicted_ones(config):
    models, sweep, world = grid(config), sweep_of(config), Recipe.from_config(config).world
    stacked = optima(config, models.bias, models.beta)
    scores = sweep.score(models, stacked)._asdict()
    scores |= sweep.diagnose(models, stacked)._asdict()
    known = predict(world, config.mu, config.beta, 0.25, config.latents)._asdict()
    np.testing.assert_allclose(scores["gap"], 0, atol=1e-4)
    for name, tolerance in (
        ("pmi", 0.02), ("recovery_r2", 0.01), ("signal_share", 0.01), ("active_units", 0),
        ("generation_mse", 0.004), ("generation_offset", 0.004), ("generation_shrinkage", 0.004),
        ("generation_head", 0.004),
    ):  # fmt: skip
        found = scores[name].reshape(2, 2)
        np.testing.assert_allclose(found, known[name], atol=tolerance, rtol=0.02, err_msg=name)


def test_the_optimum_of_a_training_set_scores_what_is_predicted_of_it():
    models, sweep, world = grid(MANY), sweep_of(MANY), Recipe.from_config(MANY).world
    noise = world.draw(jax.random.key(5), (150,))
    samples = {mu: np.asarray(world.sample(noise, Shift(), mu).x) for mu in MANY.mu}

    def of_sample(world, mu, latents):
        return sample_reduction(samples[mu], latents, world_moments(world, mu))

    stacked = optima(MANY, models.bias, models.beta, of_sample)
    scores = sweep.score(models, stacked)._asdict()
    scores |= sweep.diagnose(models, stacked)._asdict()
    for row, mu in enumerate(MANY.mu):
        known = finite_prediction(samples[mu], world, mu, MANY.beta, 0.25, MANY.latents)
        for name, tolerance in (
            ("pmi", 0.02), ("recovery_r2", 0.015), ("signal_share", 0.015), ("active_units", 0),
            ("generation_mse", 0.004), ("generation_offset", 0.004), ("gap", 0.05),
            ("generation_shrinkage", 0.004), ("generation_head", 0.004),
        ):  # fmt: skip
            found = np.asarray(scores[name]).reshape(2, 2)[row]
            predicted = getattr(known, name)
            np.testing.assert_allclose(found, predicted, atol=tolerance, rtol=0.03, err_msg=name)


def test_the_gap_of_a_collapsed_model_is_what_its_squares_would_have_saved():
    models, world = grid(MANY), Recipe.from_config(MANY).world
    found = sweep_of(MANY).diagnose(models, optima(MANY, models.bias, np.full(4, 1e3)))
    mu, beta = models.bias.astype(float), models.beta
    best = expected_losses(world, mu, beta, 0.25, 7).loss
    collapsed = expected_losses(world, mu, 1e3, 0.25, 7).loss
    np.testing.assert_allclose(found.gap, collapsed - best, rtol=0.02, atol=0.02)
    assert np.isnan(found.signal_share).all()


def test_predictions_of_the_squares_in_closed_form():
    """Equal contrast c and n² latents: what the docstring says."""
    world = Squares(n=2, m=5, contrast=(0.7,) * 4, noise_mean=0.2)
    found = predict(world, (2.0,), (0.5, 1.5), 0.25, 4)
    reduction = reduce_world(world, 2.0, 1)
    eigenvalue, spread = reduction.eigenvalues[0], np.var(world.bins)
    r = np.array([0.5, 1.5]) * 0.25 / eigenvalue
    signal = (1 - r) * (0.7 * 5) ** 2 * spread / eigenvalue
    shift = 0.7 * (np.mean(world.bins) - sigmoid_moments(2.0)[0]) - 0.2
    for name, known in (
        ("pmi", r), ("recovery_r2", signal / (signal + r)), ("generation_head", 0 * r),
        ("generation_shrinkage", 0.49 * r**2 * spread),
        ("generation_offset", r**2 * shift**2),
        ("signal_share", 1 - 0.25 / eigenvalue + 0 * r),
        ("kl", -2 * np.log(r)),
    ):  # fmt: skip
        np.testing.assert_allclose(getattr(found, name)[0], known, atol=1e-6, err_msg=name)


def test_spare_latents_take_noise_below_one_and_the_share_falls():
    world = Squares()
    few, many = (predict(world, (0.0, 5.0), (0.5, 1.2), 0.25, k) for k in (9, 18))
    np.testing.assert_array_equal(few.active_units, [[9, 9], [9, 0]])
    np.testing.assert_array_equal(many.active_units, [[18, 9], [18, 0]])
    assert (many.signal_share < few.signal_share)[:, 0].all()
    assert many.loss[0, 0] < few.loss[0, 0] - 0.5
    assert many.loss[0, 1] == pytest.approx(few.loss[0, 1])
    assert many.loss[0, 0] > loss_bound(world, 0.0, 0.5, 0.25)


def test_nothing_is_recovered_of_factors_that_do_not_vary():
    found = predict(Squares(n=2, m=3, bins=(0.3,)), (0.0,), (0.5, 50.0), 0.25, 4)
    assert np.isnan(found.recovery_r2).all() and np.isfinite(found.generation_mse).all()
