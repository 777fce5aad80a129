"""Each objective's own terms against slow sums in numpy, closed forms and trained models."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from batches import KEY, NETWORK, WORLD, recipe_of, start, terms_of
from jax.test_util import check_grads
from scipy import special, stats

from biasvae_jax.networks import Dense
from biasvae_jax.objectives import (
    Autoencoder,
    BetaTc,
    Capacity,
    DipI,
    DipII,
    Hfs,
    Intel,
    Iwae,
    MixturePrior,
    SigmaVae,
    analytic_kl,
    decompose,
    reparameterise,
)
from biasvae_jax.objectives.hfs import factorised_support_distance
from biasvae_jax.objectives.intel import cluster
from biasvae_jax.training import Recipe, train

RUN = jax.jit(train, static_argnames=("recipe", "steps"))


def code_of(seed=0, rows=12, latents=3):
    rng = np.random.default_rng(seed)
    mean, logvar = rng.normal(size=(rows, latents)), rng.normal(size=(rows, latents)) - 1
    z = mean + np.exp(logvar / 2) * rng.normal(size=(rows, latents))
    return z, mean, logvar


def test_the_decomposition_is_the_papers_double_loop_and_adds_up_to_the_kl():
    z, mean, logvar = code_of()
    rows, latents = z.shape
    q = lambda i, m, j: stats.norm(mean[m, j], np.exp(logvar[m, j] / 2)).logpdf(z[i, j])  # noqa: E731
    expected = []
    for i in range(rows):
        own = sum(q(i, i, j) for j in range(latents))
        joint = special.logsumexp([sum(q(i, m, j) for j in range(latents)) for m in range(rows)])
        joint -= np.log(rows)
        product = sum(
            special.logsumexp([q(i, m, j) for m in range(rows)]) - np.log(rows)
            for j in range(latents)
        )
        prior = stats.norm().logpdf(z[i]).sum()
        expected.append((own - joint, joint - product, product - prior))
    parts = jax.jit(decompose)(*(jnp.asarray(a, jnp.float32) for a in (z, mean, logvar)))
    np.testing.assert_allclose(np.stack(parts, 1), expected, rtol=1e-4, atol=1e-4)
    assert (np.asarray(parts.index_code) <= np.log(rows) + 1e-5).all()  # the trap


def test_the_weights_of_the_decomposition_are_where_they_belong():
    *_, terms = terms_of(BetaTc(alpha=0.5, gamma=2.0), 3.0)
    expected = terms.reconstruction + 0.5 * terms.index_code + 3 * terms.total_correlation
    np.testing.assert_allclose(terms.loss, expected + 2 * terms.dimension_kl, rtol=1e-5)


@pytest.mark.parametrize("objective", [DipI(diagonal=10.0), DipII(diagonal=2.0)])
def test_dips_penalty_is_numpys_covariance(objective):
    params, x, _, terms = terms_of(objective, 2.0)
    mean, logvar = (np.asarray(a, float) for a in NETWORK.encode(params, x))
    covariance = np.cov(mean, rowvar=False, bias=True)
    if isinstance(objective, DipII):
        covariance += np.diag(np.exp(logvar).mean(0))
    off = covariance - np.diag(np.diag(covariance))
    spread = np.diag(covariance) - 1
    expected = (off**2).sum() + objective.diagonal * (spread**2).sum()
    np.testing.assert_allclose(terms.covariance, expected, rtol=1e-4)
    loss = terms.reconstruction + terms.kl + 2 * terms.covariance
    np.testing.assert_allclose(terms.loss, loss, rtol=1e-5)


def test_the_supports_distance_is_a_slow_search():
    code = np.random.default_rng(1).normal(size=(9, 3)).astype(np.float32)
    expected = 0.0
    for i, j in itertools.combinations(range(3), 2):
        worst = 0.0
        for a, b in itertools.product(code[:5, i], code[:5, j]):
            worst = max(worst, min((a - z[i]) ** 2 + (b - z[j]) ** 2 for z in code))
        expected += worst
    distance = jax.jit(functools.partial(factorised_support_distance, points=5))
    found = distance(jnp.asarray(code))
    assert float(found) == pytest.approx(expected, rel=1e-5)
    grid = jnp.asarray(list(itertools.product([0.0, 1.0, 2.0], repeat=2)))
    of_nine = jax.jit(functools.partial(factorised_support_distance, points=9))
    assert float(of_nine(grid)) == 0  # every combination occurs
    line = jnp.stack([jnp.linspace(0, 1, 9)] * 2, axis=1)
    assert float(of_nine(line)) == pytest.approx(0.5, abs=0.01)
    assert float(of_nine(line[:, :1])) == 0
    check_grads(distance, (jnp.asarray(code),), 1, eps=1e-3)
    *_, terms = terms_of(Hfs(kl_weight=2.0), 3.0)
    loss = terms.reconstruction + 2 * terms.kl + 3 * terms.distance
    np.testing.assert_allclose(terms.loss, loss, rtol=1e-5)


def test_the_bound_of_one_sample_is_the_elbo_and_rises_with_more():
    """Checked sample by sample in numpy; Burda et al. 2016, theorem 1."""
    params, x, noise, one = terms_of(Iwae(), 1.0)
    mean, logvar = NETWORK.encode(params, x)
    costs = []
    for k in range(8):
        z = reparameterise(noise[:, k], mean, logvar)
        error = np.square(np.asarray(x - NETWORK.decode(params, z))).sum(1) / 0.5
        log_q = stats.norm(mean, np.exp(np.asarray(logvar) / 2)).logpdf(z).sum(1)
        costs.append(error + log_q - stats.norm().logpdf(z).sum(1))
    costs = np.array(costs)
    np.testing.assert_allclose(one.loss, costs[0], rtol=1e-4)
    for k in (2, 4, 8):
        *_, terms = terms_of(Iwae(), float(k))
        expected = np.log(k) - special.logsumexp(-costs[:k], axis=0)
        np.testing.assert_allclose(terms.loss, expected, rtol=1e-4)
    bounds = [np.mean([terms_of(Iwae(), k, seed=s)[-1].loss.mean() for s in range(20)])
              for k in (1.0, 4.0, 8.0)]  # fmt: skip
    assert bounds[0] > bounds[1] > bounds[2]


def test_the_kl_to_a_mixture_is_unbiased_and_its_samples_are_the_mixtures():
    objective = MixturePrior(components=3)
    prior = {
        "logits": jnp.asarray([0.0, 1.0, -1.0]),
        "mean": jnp.asarray([[-2.0, 0.0], [1.0, 1.0], [3.0, -3.0]]),
        "logvar": jnp.asarray([[0.0, -1.0], [-2.0, 0.5], [0.3, 0.0]]),
    }
    params, log_prior = {"prior": prior}, jax.jit(objective.log_prior)
    shares = np.asarray(jax.nn.softmax(prior["logits"]))
    spreads = np.exp(np.asarray(prior["logvar"]) / 2)
    z = np.random.default_rng(0).normal(size=(50, 2))
    density = sum(
        p * stats.norm(m, s).pdf(z).prod(1)
        for p, m, s in zip(shares, np.asarray(prior["mean"]), spreads, strict=True)
    )
    np.testing.assert_allclose(log_prior(params, jnp.asarray(z)), np.log(density), rtol=1e-4)
    normals = jax.random.normal(jax.random.key(0), (200_000, 2))
    drawn = np.asarray(jax.jit(objective.prior_sample)(params, normals, normals), float)
    means = np.asarray(prior["mean"], float)
    mean = shares @ means
    covariance = sum(
        p * (np.outer(m - mean, m - mean) + np.diag(s**2))
        for p, m, s in zip(shares, means, spreads, strict=True)
    )
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.06)
    # against a normal posterior: the integral on a grid
    axis = np.linspace(-6, 6, 401)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    q = stats.norm([0.5, -0.3], [0.7, 1.2]).pdf(grid).prod(1)
    p = np.exp(np.asarray(log_prior(params, jnp.asarray(grid)), float))
    exact = (q * (np.log(q) - np.log(p))).sum() * (axis[1] - axis[0]) ** 2
    posterior = np.array([0.5, -0.3]) + np.array([0.7, 1.2]) * np.asarray(normals)
    log_q = stats.norm([0.5, -0.3], [0.7, 1.2]).logpdf(posterior).sum(1)
    sampled = log_q - np.asarray(log_prior(params, jnp.asarray(posterior)))
    assert sampled.mean() == pytest.approx(exact, abs=5 * sampled.std() / 200_000**0.5 + 1e-3)


def test_the_autoencoder_draws_nothing_and_samples_its_own_codes():
    objective = Autoencoder()
    params, x, noise, terms = terms_of(objective, 2.0)
    code, _ = NETWORK.encode(params, x)
    error = np.square(x - NETWORK.decode(params, code)).sum(1) / 0.5
    np.testing.assert_allclose(terms.reconstruction, error, rtol=1e-5)
    np.testing.assert_allclose(terms.kl, analytic_kl(code, jnp.zeros_like(code)), rtol=1e-5)
    np.testing.assert_allclose(terms.loss, error + 2 * np.asarray(terms.kl), rtol=1e-5)
    mean, logvar = objective.posterior(NETWORK, params, x)
    np.testing.assert_array_equal(reparameterise(noise, mean, logvar), code)
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(5_000, 2)) @ [[1.0, 0.5], [0.0, 0.2]] + [3.0, -1.0]
    normals = jnp.asarray(rng.normal(size=(50_000, 2)))
    drawn = np.asarray(objective.prior_sample(params, normals, jnp.asarray(codes)))
    np.testing.assert_allclose(drawn.mean(0), codes.mean(0), atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(codes.T), atol=0.02)


def test_the_mapped_code_is_what_the_decoder_sees():
    objective = Intel()
    params, x, noise, terms = terms_of(objective, 2.0)
    mean, logvar = NETWORK.encode(params, x)
    y = reparameterise(noise, mean, logvar)
    z = objective.code(params, y)
    ratio = np.asarray(z / y)
    assert (ratio >= 0.2 - 1e-5).all() and (ratio <= 1 + 1e-5).all() and np.ptp(ratio) > 0.01
    error = np.square(x - NETWORK.decode(params, z)).sum(1) / 0.5
    np.testing.assert_allclose(terms.reconstruction, error, rtol=1e-4)
    shares = ratio / ratio.sum(1, keepdims=True)
    entropies = stats.entropy(shares, axis=1).mean(), stats.entropy(shares.mean(0))
    np.testing.assert_allclose(terms.sparsity, entropies[0] - entropies[1], atol=1e-4)
    np.testing.assert_allclose(terms.loss, error + 2 * terms.kl + terms.sparsity, rtol=1e-4)


def test_a_clustered_latent_leaves_the_middle_and_has_a_finite_slope():
    y = jnp.linspace(-3, 3, 301)
    z = np.asarray(cluster(y))
    assert (np.abs(z[np.abs(y) > 0.02]) > 0.4).all()
    np.testing.assert_allclose(z[0], -3 - 3**0.2, rtol=1e-5)
    slopes = jax.vmap(jax.grad(cluster))(jnp.asarray([-1e-9, 0.0, 1e-9, 1e-5]))
    assert np.isfinite(slopes).all()
    objective = Intel(target="clustered", clustered=2)
    code = objective.code({}, jnp.ones((1, 4)))
    np.testing.assert_allclose(code[0], [2, 2, 1, 1])


def test_the_capacity_is_that_of_the_batch():
    *_, terms = terms_of(Capacity(gamma=7.0), 3.0)
    away = 7 * abs(float(terms.kl.mean()) - 3)
    np.testing.assert_allclose(terms.loss - terms.reconstruction, away, rtol=1e-4)


def test_the_kl_ends_at_the_capacity():
    recipe = recipe_of(Capacity(kl_warmup=500), batch=64)
    for capacity in (1.0, 3.0):
        _, terms = RUN(KEY, start(recipe), 0.0, capacity, recipe=recipe, steps=1_500)
        assert float(terms.kl[-300:].mean()) == pytest.approx(capacity, rel=0.05)


def test_with_the_learned_variance_the_reconstruction_is_a_gaussians():
    """−ln N(x; x̂, s²) by SciPy, and no other s² makes the batch's smaller."""
    params, x, noise, terms = terms_of(SigmaVae(), 2.0)
    z = reparameterise(noise, *NETWORK.encode(params, x))
    x_hat = np.asarray(NETWORK.decode(params, z), float)
    found = float(terms.variance[0])

    def reconstruction(variance):
        density = stats.norm(x_hat, variance**0.5).logpdf(np.asarray(x, float)).sum(1)
        return -density - 0.5 * 36 * np.log(2 * np.pi)

    np.testing.assert_allclose(terms.reconstruction, reconstruction(found), rtol=1e-4)
    others = [reconstruction(found * by).mean() for by in (0.9, 1.0, 1.1)]
    assert others[1] == min(others)


def test_the_learned_variance_is_the_worlds():
    """σ_noise² = ¼; of the linear optimum (pPCA) with all signal kept it is that exactly."""
    network = Dense((), output="identity").bind(WORLD.image, 4)
    recipe = Recipe(WORLD, network, objective=SigmaVae(), batch_size=64)
    _, terms = RUN(KEY, start(recipe), 0.0, 1.0, recipe=recipe, steps=2_000)
    assert float(terms.variance[-300:].mean()) == pytest.approx(0.25, rel=0.05)
