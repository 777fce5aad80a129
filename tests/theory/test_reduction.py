"""The quadrature's mean and covariance are those of sampled images."""

import re
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import pytest
from scipy.special import expit

from biasvae_jax import theory
from biasvae_jax.theory import (
    collapse_boundary,
    linear_optimum,
    predict,
    reduce_world,
    sampled_moments,
    sampled_reduction,
    squares_reduction,
)
from biasvae_jax.worlds import Sample, Squares

WORLD = Squares(n=2, m=3, noise_mean=0.2, contrast=(0.5, 1.0, 2.0, 1.5))
KEY = jax.random.key(0)


@dataclass(frozen=True)
class OneBiasedSquare(Squares):
    """Biased in its first square alone, so no longer the world of the quadrature."""

    def sample(self, noise, bias, strength, data=(), prepared=None):
        z = noise.latent.at[..., 0].add(strength)
        u = jax.nn.sigmoid(z)
        x_clean = self.render(u)
        return Sample(z, u, x_clean, x_clean + self.noise_variance**0.5 * noise.image)


@pytest.mark.parametrize("directions", [2, 4, 7, 36])
def test_the_squares_are_the_principal_directions_of_sampled_images(directions):
    moments = sampled_moments(KEY, WORLD, 1.0, 100_000)
    exact = squares_reduction(WORLD, 1.0, directions)
    axes = exact.axes
    np.testing.assert_allclose(axes @ axes.T, np.eye(directions), atol=1e-12)
    np.testing.assert_allclose(exact.mean, moments.mean, atol=0.01)
    for matrix, along in ((moments.covariance, exact.eigenvalues), (moments.signal, exact.signal)):
        np.testing.assert_allclose(axes @ matrix @ axes.T, np.diag(along), atol=0.03)
    rest = np.trace(moments.covariance) - exact.eigenvalues.sum()
    assert exact.rest == pytest.approx(rest, abs=0.06)
    found = sampled_reduction(moments, directions)
    np.testing.assert_allclose(found.eigenvalues[:4], exact.eigenvalues[:4], rtol=0.02)
    np.testing.assert_allclose(found.signal[:4], exact.signal[:4], atol=0.03)


def test_the_skewness_that_is_told_is_that_of_the_intensities():
    """Not of a square's noisy mean, which at μ = 2 has −1.00."""
    normal = np.arange(-9, 9, 1 / 64)
    u, weights = expit(2 + normal), np.exp(-0.5 * normal**2)
    mean = np.average(u, weights=weights)
    second, third = (np.average((u - mean) ** power, weights=weights) for power in (2, 3))
    told = f"−{-third / second**1.5:.2f} at μ = 2"
    assert told == "−1.54 at μ = 2"
    pages = Path(__file__).parents[2] / "docs"
    page = (pages / "mathematics.md").read_text().replace(r"$\mu = 2$", "μ = 2")
    for text in (theory.__doc__, page):
        assert re.findall(r"skewness\D*?(−.*?μ = 2)", text) == [told]


def test_directions_beyond_the_pixels_are_empty():
    exact = squares_reduction(WORLD, 0.0, 40)
    assert exact.axes.shape == (40, 36) and not exact.axes[36:].any()
    assert (exact.eigenvalues[36:] < 1e-9).all() and exact.rest == pytest.approx(0, abs=1e-9)


def test_a_world_that_changes_the_squares_is_sampled():
    world = OneBiasedSquare(n=2, m=3)
    found = reduce_world(world, 4.0, 4)
    fair, biased = (squares_reduction(Squares(n=2, m=3), mu, 1).eigenvalues[0] for mu in (0, 4.0))
    np.testing.assert_allclose(found.eigenvalues, [fair, fair, fair, biased], rtol=0.05)
    np.testing.assert_allclose(collapse_boundary(world, [4.0], 0.5), fair / 0.5, rtol=0.05)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: squares_reduction(WORLD, np.inf, 4), "mu must be finite; got inf"),
        (lambda: squares_reduction(WORLD, 0.0, 0), "directions must be ≥ 1; got 0"),
        (lambda: sampled_moments(KEY, WORLD, 0.0, 1), "images must be ≥ 2; got 1"),
        (lambda: collapse_boundary(WORLD, [0.0], 0.0), "variance must be > 0; got 0"),
        (lambda: predict(WORLD, [0.0], [0.0], 0.25, 4), "beta must be > 0"),
        (lambda: predict(WORLD, [0.0], [1.0], 0.25, 0), "latent_dim must be ≥ 1; got 0"),
        (lambda: linear_optimum(1.0, np.nan, 1.0), "beta must be > 0; got nan"),
    ],
)
def test_outside_the_domain_the_argument_and_its_bound_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
