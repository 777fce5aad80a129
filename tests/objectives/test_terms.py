import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy import integrate, stats

from biasvae_jax.networks import MLP
from biasvae_jax.objectives import (
    analytic_kl,
    beta_elbo,
    gaussian_reconstruction,
    linear_warmup,
    reparameterise,
    sample_kl,
)

SAMPLED = jax.jit(jax.vmap(sample_kl, (0, None, None)))
means = st.floats(-3, 3)
logvars = st.floats(-3, 2)


@given(means, logvars)
def test_analytic_kl_equals_the_integral(mean, logvar):
    q, p = stats.norm(mean, np.exp(logvar / 2)), stats.norm()
    low, high = mean - 12 * q.std(), mean + 12 * q.std()
    expected, _ = integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), low, high)
    assert analytic_kl(jnp.array([mean]), jnp.array([logvar])) == pytest.approx(expected, abs=1e-3)


@given(means, logvars)
def test_sample_kl_is_unbiased_for_the_analytic_kl(mean, logvar):
    mean, logvar = jnp.full(3, mean), jnp.full(3, logvar)
    eps = jax.random.normal(jax.random.key(0), (100_000, 3))
    eps = jnp.concatenate([eps, -eps])
    kl = np.asarray(SAMPLED(eps, mean, logvar))
    error = 6 * kl.std() / np.sqrt(len(kl)) + 1e-4
    assert abs(kl.mean() - analytic_kl(mean, logvar)) < error


@given(means, logvars, st.floats(-3, 3))
def test_sample_kl_is_a_log_density_ratio(mean, logvar, eps):
    z = float(reparameterise(jnp.array([eps]), jnp.array([mean]), jnp.array([logvar]))[0])
    expected = stats.norm(mean, np.exp(logvar / 2)).logpdf(z) - stats.norm().logpdf(z)
    got = sample_kl(jnp.array([eps]), jnp.array([mean]), jnp.array([logvar]))
    assert got == pytest.approx(expected, rel=1e-3, abs=1e-3)


@given(st.floats(0.01, 100))
def test_reconstruction_is_the_gaussian_likelihood_without_its_constant(variance):
    x, y = jax.random.normal(jax.random.key(0), (2, 7))
    density = stats.norm(np.asarray(y), variance**0.5).logpdf(np.asarray(x)).sum()
    constant = 0.5 * 7 * np.log(2 * np.pi * variance)
    got = gaussian_reconstruction(x, y, variance)
    assert got == pytest.approx(-density - constant, rel=1e-3, abs=1e-3)


def test_loss_is_reconstruction_plus_beta_kl_and_its_gradient_is_right():
    network = MLP(pixels=16, latent_dim=3, hidden=(8,))
    params = network.init(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (16,))
    eps = jax.random.normal(jax.random.key(2), (3,))
    for beta in (0.0, 0.5, 4.0):
        losses = jax.jit(lambda p, beta=beta: beta_elbo(network, p, x, eps, beta, 0.25))(params)
        chex.assert_trees_all_close(losses.loss, losses.reconstruction + beta * losses.kl)
        loss = jax.jit(lambda p, beta=beta: beta_elbo(network, p, x, eps, beta, 0.25).loss)
        check_grads(loss, (params,), order=1, modes=("rev",), atol=2e-2, rtol=2e-2)


@given(st.integers(1, 1000), st.integers(0, 2000))
def test_warmup_rises_linearly_to_one(warmup, step):
    weight = linear_warmup(jnp.asarray(step), warmup)
    assert weight == pytest.approx(min(1, step / warmup), rel=1e-6)


def test_no_warmup_is_full_weight_from_the_first_step():
    assert linear_warmup(jnp.asarray(0), 0) == 1
