import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from biasvae_jax import Autoencoder, BetaElbo, MixturePrior
from biasvae_jax.networks import Dense
from biasvae_jax.scores.decomposition import importance_bound, kl_parts
from biasvae_jax.scores.families import FAMILIES
from biasvae_jax.scores.subject import Subject
from biasvae_jax.theory import linear_params, reduce_world
from biasvae_jax.training import Recipe
from biasvae_jax.worlds import Squares

WORLD = Squares(n=2, m=3, bins=(0.2, 0.8))
LINEAR = Dense((), output="identity").bind(WORLD.image, 4)
SCORE = FAMILIES["decomposition"]
BOUND = jax.jit(importance_bound, static_argnums=3)


def codes(rows=40, latents=3):
    rng = np.random.default_rng(0)
    mean, logvar, eps = rng.normal(size=(3, rows, latents))
    return eps, 2 * mean, logvar - 1


@pytest.mark.parametrize("objective", [BetaElbo(), MixturePrior(components=3)])
def test_the_parts_are_a_double_loop_and_add_up_to_the_sampled_kl(objective):
    eps, mean, logvar = codes()
    z, deviation = mean + np.exp(logvar / 2) * eps, np.exp(logvar / 2)
    params = jax.jit(objective.init, static_argnums=1)(jax.random.key(0), 3)
    each = stats.norm(mean[None], deviation[None]).logpdf(z[:, None])
    own = stats.norm(mean, deviation).logpdf(z).sum(1)
    joint = special.logsumexp(each.sum(2), axis=1) - np.log(40)
    product = (special.logsumexp(each, axis=1) - np.log(40)).sum(1)
    prior = np.asarray(jax.jit(objective.log_prior)(params, jnp.asarray(z, jnp.float32)))
    expected = (own - joint).mean(), (joint - product).mean(), (product - prior).mean()
    given = (jnp.asarray(a, jnp.float32) for a in (eps, mean, logvar))
    found = jax.jit(lambda *given: kl_parts(*given, objective, params))(*given)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert sum(found) == pytest.approx((own - prior).mean(), rel=1e-4)


def linear(beta, objective=None, **changes):
    """The β-VAE's linear optimum on the squares without a bias, as a subject."""
    objective = BetaElbo() if objective is None else objective
    recipe = Recipe(WORLD, LINEAR, objective=objective, batch_size=16)
    reduction = reduce_world(WORLD, 0.0, 4)
    params = linear_params(reduction, beta, 0.25)
    return Subject(recipe, {**params, **changes}, 0, 0.0), reduction


def test_at_the_linear_optimum_the_kl_is_information_alone():
    """Its codes are N(0, I) together, up to the images' own shape: TC and Σ KL_j are next to 0."""
    subject, reduction = linear(1.0)
    found = dict(zip(SCORE.variables, SCORE.of(subject), strict=True))
    kl = 0.5 * np.log(reduction.eigenvalues / 0.25).sum()
    assert found["index_code_information"] == pytest.approx(kl, rel=0.03)
    assert found["total_correlation"] == pytest.approx(0, abs=0.04)
    assert found["dimension_kl"] == pytest.approx(0, abs=0.03)
    assert found["largest_kl"] == pytest.approx(kl / 4, rel=0.03)
    of_latents = found["latent_kl"]
    # a logvar is the same for every image, so Σ_j KL_j is the KL
    assert of_latents.shape == (4,) and of_latents.sum() == pytest.approx(kl, rel=0.03)
    assert (np.diff(of_latents) <= 0).all() and of_latents[0] == np.float32(found["largest_kl"])
    # test images have no noise, which costs ½ a pixel that no latent explains
    free = found["importance_bound_test"] - found["importance_bound"]
    assert 0.5 * (36 - 4) - 2 < free < 0.5 * 36 + 2


def test_at_beta_1_the_bound_is_the_likelihood_of_a_gaussian():
    """There the posterior is exact: every importance weight is p(x), by SciPy."""
    subject, reduction = linear(1.0)
    x = subject.training_images[:64]
    normals = jax.random.normal(jax.random.key(0), (8, 64, 4))
    found = BOUND(normals, x, subject.params, subject.recipe)
    axes, along = np.asarray(reduction.axes), np.asarray(reduction.signal)
    covariance = (axes.T * along) @ axes + 0.25 * np.eye(36)
    likelihood = stats.multivariate_normal(reduction.mean, covariance).logpdf(np.asarray(x))
    constant = 0.5 * 36 * np.log(2 * np.pi * 0.25)
    assert float(found) == pytest.approx(likelihood.mean() + constant, abs=0.02)


def test_the_bound_rises_with_samples_where_the_posterior_is_not_exact():
    subject, _ = linear(2.0)
    x = subject.training_images[:256]
    normals = jax.random.normal(jax.random.key(0), (64, 256, 4))
    bound = lambda k: BOUND(normals[:k], x, subject.params, subject.recipe)  # noqa: E731
    bounds = [float(bound(k)) for k in (1, 8, 64)]
    assert bounds[0] < bounds[1] < bounds[2]


def test_a_code_that_is_not_drawn_has_no_decomposition():
    subject, _ = linear(1.0, Autoencoder())
    assert all("not drawn" in why for why in SCORE.of(subject))
