import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import expit

from biasvae_jax.theory import (
    block_eigenvalue,
    cell_eigenvalues,
    collapse_threshold,
    expected_losses,
    linear_optimum,
    sigmoid_moments,
)
from biasvae_jax.worlds import Squares

WORLD = Squares()
positive = st.floats(0.05, 20)


@given(st.floats(-6, 6))
def test_moments_of_the_intensities_equal_the_integrals(mu):
    density = stats.norm(mu).pdf
    mean = integrate.quad(lambda z: expit(z) * density(z), mu - 10, mu + 10)[0]
    second = integrate.quad(lambda z: expit(z) ** 2 * density(z), mu - 10, mu + 10)[0]
    np.testing.assert_allclose(sigmoid_moments(mu), (mean, second - mean**2), atol=1e-8)


def test_thresholds_of_the_squares_world():
    # the table of the design, λ and β* = λ/σ² at μ = 0, ½ … 5
    expected = [2.376, 2.240, 1.884, 1.433, 1.011, 0.689, 0.480, 0.361, 0.300, 0.271, 0.259]
    eigenvalues = block_eigenvalue(WORLD, np.arange(11) / 2)
    np.testing.assert_allclose(eigenvalues, expected, atol=6e-4)
    np.testing.assert_allclose(
        collapse_threshold(eigenvalues, 0.25), np.array(expected) * 4, atol=3e-3
    )


def test_the_shared_eigenvalue_is_that_of_the_images_covariance():
    world = Squares(n=2, m=3)
    sample_images = np.random.default_rng(0)
    u = expit(sample_images.normal(1.0, 1.0, (200_000, 4)))
    x = np.asarray(world.render(u)) + 0.5 * sample_images.normal(size=(200_000, 36))
    values = np.sort(np.linalg.eigvalsh(np.cov(x.T)))[::-1]
    np.testing.assert_allclose(values[:4], block_eigenvalue(world, 1.0), rtol=0.02)
    np.testing.assert_allclose(values[4:], world.noise_variance, rtol=0.05)


def test_unequal_contrasts_have_the_eigenvalues_of_the_images_covariance():
    world = Squares(n=2, m=3, contrast=(0.5, 1.0, 2.0, 1.5))
    rng = np.random.default_rng(0)
    u = expit(rng.normal(1.0, 1.0, (200_000, 4)))
    x = np.asarray(world.render(u)) + 0.5 * rng.normal(size=(200_000, 36))
    values, vectors = np.linalg.eigh(np.cov(x.T))
    expected = cell_eigenvalues(world, 1.0)
    np.testing.assert_allclose(values[-4:], np.sort(expected), rtol=0.02)
    # the four directions are the squares themselves, in the order of their contrasts
    squares = np.asarray(Squares(n=2, m=3).render(np.eye(4))) / 3
    order = np.argsort(expected)
    np.testing.assert_allclose(np.abs(squares[order] @ vectors[:, -4:]), np.eye(4), atol=0.05)


def test_equal_contrasts_share_the_largest_eigenvalue():
    mu = np.arange(3.0)
    shared = block_eigenvalue(WORLD, mu)
    np.testing.assert_array_equal(cell_eigenvalues(WORLD, mu), np.repeat(shared[:, None], 9, 1))
    half = Squares(contrast=(0.5,) * 9)
    np.testing.assert_allclose(4 * (block_eigenvalue(half, mu) - 0.25), shared - 0.25)
    mixed = Squares(contrast=(0.5,) * 8 + (1.0,))
    np.testing.assert_allclose(block_eigenvalue(mixed, mu), shared)


def test_expected_losses_add_over_the_squares():
    """Two worlds of equal contrasts, weighed by how many squares of each the mixed one has."""
    mixed = Squares(contrast=(1.0,) * 3 + (0.4,) * 6)
    mu, beta = np.array([[0.0], [2.0]]), np.array([[0.5, 2.0, 20.0]])
    parts = [
        np.stack(expected_losses(Squares(contrast=(c,) * 9), mu, beta, 0.25)) for c in (1.0, 0.4)
    ]
    expected = (3 * parts[0] + 6 * parts[1]) / 9
    np.testing.assert_allclose(np.stack(expected_losses(mixed, mu, beta, 0.25)), expected)


@given(positive, positive, positive)
def test_the_optimum_minimises_the_linear_loss_along_a_direction(eigenvalue, beta, variance):
    """A scalar linear VAE, decoder weight w and encoder e, posterior variance s, by brute force."""

    def loss(w, e, s):
        distortion = eigenvalue * (1 - w * e) ** 2 + w**2 * s
        kl = 0.5 * (e**2 * eigenvalue + s - 1 - np.log(s))
        return 0.5 * distortion / variance + beta * kl

    optimum = linear_optimum(eigenvalue, beta, variance)
    w = np.sqrt(max(eigenvalue - beta * variance, 0))
    e = w / eigenvalue
    s = optimum.posterior_variance
    best = loss(w, e, s)
    stated = 0.5 * optimum.distortion / variance + beta * optimum.kl
    assert best == pytest.approx(stated, rel=1e-6)
    assert e**2 * eigenvalue == pytest.approx(optimum.mean_variance, abs=1e-9)
    rng = np.random.default_rng(0)
    for step in (0.01, 0.1, 1.0):
        w2, e2 = w + step * rng.normal(size=200), e + step * rng.normal(size=200)
        s2 = s * np.exp(step * rng.normal(size=200))
        assert (loss(w2, e2, s2) >= best - 1e-9).all()


def test_expected_losses_fall_with_bias_in_this_convention():
    losses = expected_losses(WORLD, np.array([0.0, 5.0]), 1.0, 0.25)
    np.testing.assert_allclose(losses.loss, [230.6, 220.7], atol=0.05)
    kl = expected_losses(WORLD, 0.0, np.array([0.5, 1, 2, 5]), 0.25).kl
    np.testing.assert_allclose(kl, [13.25, 10.13, 7.01, 2.89], atol=0.01)


@pytest.mark.parametrize("name", ["eigenvalue", "beta", "variance"])
def test_outside_its_domain_the_argument_is_named(name):
    arguments = {"eigenvalue": 1.0, "beta": 1.0, "variance": 1.0} | {name: 0.0}
    with pytest.raises(ValueError, match=name):
        linear_optimum(**arguments)
