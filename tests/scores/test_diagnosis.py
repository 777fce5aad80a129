"""Signal and noise told apart in encoders whose answer is known."""

from dataclasses import dataclass

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax.networks import MLP
from biasvae_jax.objectives import analytic_beta_elbo, beta_elbo
from biasvae_jax.scores.diagnosis import (
    code_variance,
    encoder_threshold,
    fresh_noise,
    gap,
    signal_share,
    twin_noise,
)
from biasvae_jax.theory import sigmoid_moments
from biasvae_jax.training import Recipe, draw_noise
from biasvae_jax.worlds import Squares

WORLD = Squares(n=1, m=3)
RECIPE = Recipe(WORLD, MLP(WORLD.pixels, 2, (4,)))


@dataclass(frozen=True)
class Reader:
    """Two latents: the image's sum, and a contrast in which there is noise alone."""

    def encode(self, params, x):
        mean = params * jnp.stack([x.sum(-1), x[..., 0] - x[..., 1]], axis=-1)
        return mean, jnp.zeros_like(mean)


@jax.jit
def variances(params):
    of_batch = lambda b: code_variance(twin_noise(0, b, RECIPE), params, 1.0, READER)  # noqa: E731
    return jax.tree.map(lambda a: a.mean(0), jax.lax.map(of_batch, jnp.arange(16)))


def share(params):
    return float(signal_share(variances(np.array([params], np.float32))))


READER = Recipe(WORLD, Reader())


def test_the_share_is_signal_over_signal_and_noise():
    signal, noise = 81 * sigmoid_moments(1.0)[1], 9 * 0.25
    assert share([0.3, 0.0]) == pytest.approx(signal / (signal + noise), abs=0.02)
    assert share([0.0, 1.0]) == pytest.approx(0, abs=0.02)
    both = signal / (signal + noise + 4 * 2 * 0.25)
    assert share([0.3, 0.6]) == pytest.approx(both, abs=0.02)


def test_without_an_active_latent_there_is_no_share():
    assert np.isnan(share([0.0, 0.0])) and np.isnan(share([0.01, 0.01]))


def test_the_encoders_threshold_is_beta_star_of_what_its_features_keep():
    rng = np.random.default_rng(0)
    scale = np.array([3.0, 2.0, 1.0, 1.0, 1.0])
    x = rng.normal(size=(20_000, 5)) * scale + 7
    covariance = np.cov(x.T, bias=True)
    whole = encoder_threshold(x, x @ rng.normal(size=(5, 5)) + 1, 0.25)
    assert whole == pytest.approx(np.linalg.eigvalsh(covariance)[-1] / 0.25)
    # one feature explains of x what its regression does: |Cov(x, h)|²/Var(h)
    h = x @ np.array([1.0, 2.0, 0, 0, 0])
    expected = (np.cov(x.T, h, bias=True)[:-1, -1] ** 2).sum() / h.var() / 0.25
    assert encoder_threshold(x, h[:, None], 0.25) == pytest.approx(expected)
    assert encoder_threshold(x, np.abs(rng.normal(size=(20_000, 2))), 0.25) < 0.01 * whole


def drawn(recipe, bias):
    """Return a batch's noise, and its images under a bias."""
    noise = jax.jit(lambda: fresh_noise(0, 0, recipe))()
    return noise, jax.jit(recipe.sample)(noise.world, bias).x


def test_the_threshold_of_a_dead_encoder_is_0_and_it_gets_no_gradient():
    network = MLP(WORLD.pixels, 2, (4,))
    params = jax.jit(network.init)(jax.random.key(0))
    params["encoder"]["Dense_0"]["bias"] = jnp.full(4, -99.0)
    noise, x = drawn(RECIPE, 0.0)
    assert encoder_threshold(np.asarray(x), np.asarray(network.features(params, x)), 0.25) == 0
    slope = jax.grad(lambda p: beta_elbo(network, p, x, noise.posterior, 1.0, 0.25).loss.mean())
    layers = jax.jit(slope)(params)["encoder"]
    chex.assert_trees_all_equal(layers["Dense_0"], jax.tree.map(jnp.zeros_like, layers["Dense_0"]))
    assert not layers["Dense_1"]["kernel"].any() and layers["Dense_1"]["bias"].any()


@pytest.mark.parametrize(("share", "live"), [(0.8, True), (1.25, True), (0.8, False)])
def test_a_collapsed_loss_has_a_way_down_only_below_the_threshold_and_with_a_decoder(share, live):
    world = Squares(n=1, m=2)
    network = MLP(world.pixels, 1, (3,), output="identity")
    recipe = Recipe(world, network, batch_size=40_000)
    noise = jax.jit(lambda: draw_noise(jax.random.key(0), jnp.asarray(0), recipe))()
    x = jax.jit(recipe.sample)(noise.world, 1.0).x
    params = jax.jit(network.init)(jax.random.key(1))
    encoder, decoder = params["encoder"], params["decoder"]
    # collapsed: a posterior that is the prior, a decoder that draws the mean image
    encoder["Dense_1"] = jax.tree.map(jnp.zeros_like, encoder["Dense_1"])
    decoder["Dense_1"] = {"kernel": jnp.zeros((3, 4)), "bias": x.mean(0)}
    # hidden units of the decoder that are z + 50, linear wherever z is; or that never respond
    decoder["Dense_0"] = {"kernel": jnp.ones((1, 3)), "bias": jnp.full(3, 50.0 if live else -50.0)}
    h = network.features(params, x)
    beta = share * encoder_threshold(np.asarray(x), np.asarray(h), 0.25)

    def loss(w, v):
        kernel = encoder["Dense_1"]["kernel"].at[:, 0].set(w)
        bias = encoder["Dense_1"]["bias"].at[0].set(-h.mean(0) @ w)
        moved = {
            "encoder": encoder | {"Dense_1": {"kernel": kernel, "bias": bias}},
            "decoder": decoder
            | {
                "Dense_1": {
                    "kernel": decoder["Dense_1"]["kernel"].at[0].set(v),
                    "bias": x.mean(0) - 50 * v,
                }
            },
        }
        eps = jnp.concatenate([noise.posterior, -noise.posterior])  # without its chance of a mean
        twice = jnp.concatenate([x, x])
        return analytic_beta_elbo(network, moved, twice, eps, beta, 0.25).loss.mean()

    with jax.default_matmul_precision("highest"):
        hessian = jax.jit(jax.hessian(lambda p: loss(p[:3], p[3:])))(jnp.zeros(7))
    lowest = float(np.linalg.eigvalsh(hessian)[0])
    if live:
        assert (lowest < -1e-3) if share < 1 else (lowest > 1e-3)
    else:  # the decoder's bias alone still moves the loss, and only up
        assert lowest > -1e-3


def test_twins_share_latents_and_not_noise():
    noise, renewed = twin_noise(0, 3, RECIPE)
    chex.assert_trees_all_equal(noise.latent, renewed.latent)
    a, b = np.asarray(noise.image), np.asarray(renewed.image)
    assert abs((a * b).mean()) < 5 / np.sqrt(a.size) and abs(b.var() - 1) < 10 / np.sqrt(b.size)
    assert not np.array_equal(twin_noise(0, 4, RECIPE)[1].image, b)


def test_a_model_has_no_gap_to_itself_and_that_of_its_worse_decoding():
    network = MLP(WORLD.pixels, 2, hidden=(), output="identity")
    recipe = Recipe(WORLD, network)
    params = jax.jit(network.init)(jax.random.key(0))
    noise, x = drawn(recipe, 0.0)
    between = jax.jit(lambda *models: gap(noise, *models, 0.0, 2.0, recipe))
    assert between(params, params) == 0
    shifted = jax.tree.map(lambda a: a, params)
    shifted["decoder"]["Dense_0"]["bias"] += 0.5
    mean, logvar = network.encode(params, x)
    error = network.decode(params, mean + jnp.exp(logvar / 2) * noise.posterior) - x
    worse = (jnp.square(error + 0.5) - jnp.square(error)).sum(-1).mean() / 2 / 0.25
    found = between(shifted, params)
    np.testing.assert_allclose(found, worse, rtol=1e-4)


def test_the_gap_is_the_difference_of_reconstruction_and_of_weighted_kl():
    network = MLP(WORLD.pixels, 2, hidden=(), output="identity")
    recipe = Recipe(WORLD, network)
    models = [jax.jit(network.init)(jax.random.key(seed)) for seed in (0, 1)]
    noise, x = drawn(recipe, 1.0)

    @jax.jit
    def loss(params):
        mean, logvar = network.encode(params, x)
        error = network.decode(params, mean + jnp.exp(logvar / 2) * noise.posterior) - x
        kl = 0.5 * (mean**2 + jnp.exp(logvar) - 1 - logvar).sum(-1)
        return (0.5 * jnp.square(error).sum(-1) / 0.25 + 3.0 * kl).mean()

    found = jax.jit(lambda *models: gap(noise, *models, 1.0, 3.0, recipe))(*models)
    np.testing.assert_allclose(found, loss(models[0]) - loss(models[1]), rtol=1e-3)
