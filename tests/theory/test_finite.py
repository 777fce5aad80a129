"""The linear optimum of a finite training set is what is trained on it, and scores as predicted."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.decomposition import PCA

from biasvae_jax.biases import Shift
from biasvae_jax.networks import linear_network
from biasvae_jax.objectives import analytic_beta_elbo
from biasvae_jax.projection import fit_least_squares
from biasvae_jax.scores.generation import generation_terms
from biasvae_jax.theory import (
    FinitePrediction,
    finite_prediction,
    noise_threshold,
    predict,
    sample_reduction,
    spiked_covariance,
    spiked_prediction,
    world_moments,
)
from biasvae_jax.worlds import Squares

SMALL = Squares(n=2, m=2, noise_mean=0.1)
UNEQUAL = Squares(n=2, m=7, contrast=(0.8, 1.0, 2.0, 1.5), noise_mean=0.1)


def images(world, strength, number, seed=0):
    return np.asarray(_images(world, strength, number, seed), float)


@functools.partial(jax.jit, static_argnums=(0, 2))
def _images(world, strength, number, seed):
    return world.sample(world.draw(jax.random.key(seed), (number,)), Shift(), strength).x


@pytest.mark.parametrize("dimension", [50, 200])
def test_eigenvalues_and_overlaps_of_sampled_spikes_have_the_limit_of_their_formulas(dimension):
    """Two spikes above √γ = ½ or 1 and one below, 40 samples of 200 images each."""
    rng, signal, noise = np.random.default_rng(0), np.array([1.5, 0.5, 0.05]), 0.25
    scale = np.sqrt(noise + np.pad(signal, (0, dimension - 3)))
    values, overlaps = [], []
    for _ in range(40):
        x = rng.normal(size=(200, dimension)) * scale
        found, axes = np.linalg.eigh(x.T @ x / 200)
        values.append(found[:-4:-1])
        overlaps.append(np.diag(axes[:3, :-4:-1]) ** 2)
    limit = spiked_covariance(signal, noise, 200, dimension)
    np.testing.assert_allclose(np.mean(values, 0), limit.eigenvalue, rtol=0.05)
    np.testing.assert_allclose(np.mean(overlaps, 0)[:2], limit.overlap[:2], atol=0.03)
    assert np.mean(overlaps, 0)[2] < 0.1  # 0 at sizes that are endless
    edge = noise_threshold(noise, 200, dimension, 1.0)
    assert limit.overlap[2] == 0 and limit.eigenvalue[2] == edge


def test_noise_is_worth_a_latent_up_to_the_edge_of_the_bulk():
    assert noise_threshold(0.25, 500, 441, 0.25) == pytest.approx(3.76, abs=0.001)
    assert noise_threshold(0.25, 1e12, 441, 0.25) == pytest.approx(1, abs=1e-4)
    x = np.random.default_rng(0).normal(size=(500, 441)) / 2
    largest = np.linalg.eigvalsh(np.cov(x.T, bias=True))[-1]
    assert largest / 0.25 == pytest.approx(3.76, rel=0.03)


def test_the_limit_joins_at_the_transition_and_ends_in_the_population():
    number, dimension = np.array([[50.0], [400.0]]), np.array([100.0, 30.0])
    threshold = 0.25 * np.sqrt(dimension / number)
    at, above = (spiked_covariance(threshold * k, 0.25, number, dimension) for k in (1, 1 + 1e-9))
    assert at.eigenvalue.shape == (2, 2) and not at.overlap.any()
    np.testing.assert_allclose(at.eigenvalue, above.eigenvalue)
    np.testing.assert_allclose(above.overlap, 0, atol=1e-8)
    endless = spiked_covariance(0.4, 0.25, 1e12, 441)
    np.testing.assert_allclose(endless, (0.65, 1), rtol=1e-8)


@pytest.mark.parametrize("number", [12, 60])
def test_its_losses_are_the_likelihoods_of_probabilistic_pca(number):
    """At β = 1 and PCA's noise variance the bound is tight; N below and above the pixels."""
    x, latents = images(SMALL, 1.0, number), 3
    fit = PCA(latents).fit(x)
    shrink = (number - 1) / number  # PCA divides by N − 1
    fit.explained_variance_, fit.noise_variance_ = (
        shrink * a for a in (fit.explained_variance_, fit.noise_variance_)
    )
    # of fewer images than pixels, PCA takes the noise's mean over the sample's rank alone
    sigma2 = float(fit.noise_variance_)
    found = finite_prediction(x, SMALL, 1.0, [1.0], sigma2, latents)
    reduction = sample_reduction(x, latents, world_moments(SMALL, 1.0))
    np.testing.assert_allclose(reduction.eigenvalues, fit.explained_variance_)
    np.testing.assert_allclose(np.abs(reduction.axes @ fit.components_.T), np.eye(3), atol=1e-9)
    constant = SMALL.pixels / 2 * np.log(2 * np.pi * sigma2)
    np.testing.assert_allclose(found.train_loss + constant, -fit.score(x))
    mean, covariance, _ = world_moments(SMALL, 1.0)
    second = covariance + np.outer(mean - fit.mean_, mean - fit.mean_)
    model = fit.get_covariance()
    surprise = 0.5 * (
        np.linalg.slogdet(2 * np.pi * model)[1] + np.trace(np.linalg.solve(model, second))
    )
    np.testing.assert_allclose(found.test_loss + constant, surprise)
    assert found.gap > 0 and found.generalisation_gap > 0


@pytest.mark.parametrize("beta", [0.6, 2.0])
def test_a_linear_vae_trained_on_the_images_becomes_the_predicted_one(beta):
    latents, variance = 3, 0.25
    x = images(SMALL, 0.0, 40)
    with jax.enable_x64(True):
        network = linear_network(SMALL.pixels, latents)
        start = jax.tree.map(lambda a: a.astype(float), network.init(jax.random.key(3)))
        flat, restore = jax.flatten_util.ravel_pytree(start)
        # points whose mean and covariance are those of eps: what is quadratic in it is exact
        eps = np.sqrt(latents) * np.concatenate([np.eye(latents), -np.eye(latents)])

        def losses(params, x):
            at = jax.vmap(
                lambda e: analytic_beta_elbo(
                    network, params, x, jnp.broadcast_to(e, (len(x), latents)), beta, variance
                ).loss.mean()
            )
            return at(jnp.asarray(eps)).mean()

        descend = jax.jit(jax.value_and_grad(lambda flat: losses(restore(flat), x)))
        options = {"maxiter": 5_000, "maxfun": 10_000, "ftol": 0, "gtol": 1e-5}
        end = minimize(descend, np.asarray(flat), jac=True, method="L-BFGS-B", options=options)
        params = restore(jnp.asarray(end.x))
        test_loss = float(jax.jit(losses)(params, images(SMALL, 0.0, 20_000, seed=1)))
        u, clean = (np.asarray(a, float) for a in SMALL.test_set())
        code, logvar = network.encode(params, clean)
        head = fit_least_squares(jnp.asarray(u), code)
        terms = generation_terms(network.decode(params, head(u)), jnp.asarray(clean))
        pmi = (np.exp(logvar) + (head(u) - code) ** 2).mean()
    known = finite_prediction(x, SMALL, 0.0, [beta], variance, latents)
    assert end.fun == pytest.approx(known.train_loss[0], abs=1e-6)
    assert test_loss == pytest.approx(known.test_loss[0], abs=0.08)
    np.testing.assert_allclose(
        terms,
        [known.generation_offset[0], known.generation_shrinkage[0], known.generation_head[0]],
        rtol=1e-2,
        atol=1e-5,
    )
    assert pmi == pytest.approx(known.pmi[0], rel=1e-2)


@pytest.mark.parametrize("latents", [3, 4, 6])
def test_a_training_set_with_the_populations_moments_is_endless_data(latents):
    mean, covariance, _ = world_moments(UNEQUAL, 1.0)
    scale, axes = np.linalg.eigh(covariance)
    half = axes * np.sqrt(scale * UNEQUAL.pixels)  # of ± columns, mean and covariance are exact
    found = finite_prediction(
        np.concatenate([mean + half.T, mean - half.T]), UNEQUAL, 1.0, [0.5, 2, 30], 0.25, latents
    )
    endless = predict(UNEQUAL, [1.0], [0.5, 2, 30], 0.25, latents)._asdict()
    np.testing.assert_allclose(found.gap, 0, atol=1e-8)
    np.testing.assert_allclose(found.generalisation_gap, 0, atol=1e-8)
    np.testing.assert_allclose(found.test_loss, endless["loss"][0])
    for name in set(endless) & set(FinitePrediction._fields):
        value = getattr(found, name)
        np.testing.assert_allclose(value, endless[name][0], atol=1e-8, err_msg=name)


@pytest.mark.parametrize(("world", "latents"), [(Squares(n=2, m=7), 4), (UNEQUAL, 6), (UNEQUAL, 3)])
def test_the_limit_alone_says_what_samples_average(world, latents):
    """196 pixels and 300 images, 8 samples; within the tolerance of sizes that are not endless."""
    beta, number, population = [0.2, 1.0, 2.5], 300, world_moments(world, 1.0)
    samples = [
        finite_prediction(
            images(world, 1.0, number, seed), world, 1.0, beta, 0.25, latents, population=population
        )
        for seed in range(8)
    ]
    found = FinitePrediction(*np.mean(samples, 0))._asdict()
    limit = spiked_prediction(world, 1.0, beta, 0.25, latents, number)._asdict()
    endless = predict(world, [1.0], beta, 0.25, latents)
    for name, value in found.items():
        close = {"rtol": 0.1, "atol": 0.004} if name.startswith("generation_") else {"rtol": 0.05}
        close = {"atol": 0.5} if name in ("train_loss", "generalisation_gap", "gap") else close
        np.testing.assert_allclose(limit[name], value, err_msg=name, **close)
    # which is far from endless data
    np.testing.assert_array_less(endless.generation_mse[0] + 0.005, found["generation_mse"])


def test_without_bias_the_mean_images_error_is_the_chance_of_the_sample():
    world, number = Squares(n=2, m=7), 300
    samples = [
        finite_prediction(images(world, 0.0, number, seed), world, 0.0, [0.2, 2.0], 0.25, 4)
        for seed in range(6)
    ]
    limit = spiked_prediction(world, 0.0, [0.2, 2.0], 0.25, 4, number).generation_offset
    found = np.mean([each.generation_offset for each in samples], 0)
    np.testing.assert_allclose(limit, found, rtol=0.15)


@pytest.mark.parametrize("number", [4, 12, 100])
@pytest.mark.parametrize("latents", [2, 6])
def test_whatever_the_sample_a_larger_beta_never_draws_better(number, latents):
    """generation_mse = mean of |y|² − Σ (1 − r²)(v'y)², y = G(u) − x̄, fitted from u."""
    x = images(SMALL, 2.0, number)
    found = finite_prediction(x, SMALL, 2.0, np.geomspace(0.01, 30, 40), 0.25, latents)
    assert (np.diff(found.generation_mse) > -1e-12).all()
    assert found.generation_mse[-1] > found.generation_mse[0] + 0.01


@pytest.mark.parametrize("number", [1, 2, 3])
def test_fewer_images_than_latents_leave_latents_empty(number):
    x, latents = images(SMALL, 0.0, number), 6
    found = finite_prediction(x, SMALL, 0.0, [0.0, 0.1, 1.0], 0.25, latents)
    for name, value in found._asdict().items():
        assert np.isnan(value[0])
        if (number, name) != (1, "signal_share"):
            assert np.isfinite(value[1:]).all(), name
    assert (found.active_units[1:] <= number - 1).all()
    assert (found.train_loss[1:] < found.test_loss[1:]).all()
    if number == 1:  # it draws the one image
        _, clean = SMALL.test_set()
        np.testing.assert_allclose(found.train_loss[1:], 0, atol=1e-9)
        np.testing.assert_allclose(found.recovery_r2[1:], 0, atol=1e-9)
        np.testing.assert_allclose(found.generation_mse[1:], ((clean - x) ** 2).mean(), rtol=1e-6)
        assert np.isnan(found.signal_share).all()


def test_another_world_is_sampled():
    @dataclasses.dataclass(frozen=True)
    class Other(Squares):
        pass

    x = images(SMALL, 1.0, 40)
    beta = [0.5, 2.0]
    exact = finite_prediction(x, SMALL, 1.0, beta, 0.25, 3)
    sampled = finite_prediction(x, Other(n=2, m=2, noise_mean=0.1), 1.0, beta, 0.25, 3)
    for name, value in exact._asdict().items():
        np.testing.assert_allclose(getattr(sampled, name), value, atol=0.02, rtol=0.01)


X = np.zeros((5, 16))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: finite_prediction(X[:0], SMALL, 0, [1], 1, 2), "x must be at least one image"),
        (lambda: finite_prediction(X[:, :9], SMALL, 0, [1], 1, 2), r"x must be images \[N, 16\]"),
        (lambda: finite_prediction(X + np.nan, SMALL, 0, [1], 1, 2), "x must be finite"),
        (lambda: finite_prediction(X, SMALL, 0, [-1], 1, 2), "beta must be ≥ 0"),
        (lambda: finite_prediction(X, SMALL, 0, [1], 0, 2), "variance must be > 0; got 0"),
        (lambda: finite_prediction(X, SMALL, 0, [1], 1, 0), "latent_dim must be ≥ 1; got 0"),
        (lambda: finite_prediction(X, SMALL, np.inf, [1], 1, 2), "mu must be finite; got inf"),
        (lambda: spiked_prediction(SMALL, 0, [1], 1, 4, 4), "images must be > 4, the latents"),
        (lambda: spiked_prediction(SMALL, 0, [1], 1, 17, 99), "latent_dim must be ≤ 16 pixels"),
        (lambda: spiked_covariance(-1, 1, 2, 3), "signal must be ≥ 0; got -1"),
        (lambda: spiked_covariance(1, 0, 2, 3), "noise_variance must be > 0; got 0"),
        (lambda: spiked_covariance(1, 1, [0, 2], 3), "images must be > 0"),
        (lambda: noise_threshold(1, 2, 3, 0), "variance must be > 0; got 0"),
    ],
)
def test_outside_the_domain_the_argument_and_its_bound_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
