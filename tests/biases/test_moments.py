"""What the theory knows of each bias, against draws and against SciPy's own integrals."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from biasvae_jax.biases import (
    Correlate,
    LatentBias,
    LinkedMoments,
    Missing,
    Mixture,
    Probability,
    Scale,
    Shift,
    Truncate,
)
from biasvae_jax.factors import Factor
from biasvae_jax.theory import sigmoid_moments

IMAGES = 65_536
NOISE = jax.random.normal(jax.random.key(1), (IMAGES, 4))
FACTORS = tuple(Factor(name) for name in "abcd")
KNOWN = [
    (Shift(), 2.0),
    (Scale(), 3.0),
    (Truncate(), 0.3),
    (Truncate(), 0.001),
    (Mixture(), 0.25),
    (Mixture(bright=-1), 0.5),
    (Missing(), 1.0),
    (Missing(combination="d & b"), 0.6),
    (Correlate(), 0.9),
    (Correlate(pairs="b & a; a & d"), -0.7),
    (Correlate(pairs="c & *"), 1.0),
]


def known(bias: LatentBias, strength: float, link) -> LinkedMoments:
    found = bias.on(FACTORS).moments(strength, len(FACTORS), link)
    assert found is not None
    return found


@pytest.mark.parametrize(("bias", "strength"), KNOWN)
def test_the_moments_are_those_of_what_is_drawn(bias, strength):
    found = known(bias, strength, special.expit)
    u = special.expit(np.asarray(bias.on(FACTORS).latents(NOISE, strength), float))
    centred = u - found.mean
    products = np.einsum("na,nb->nab", centred, centred)
    for drawn, expected in ((u, found.mean), (products, found.covariance)):
        standard_error = drawn.std(0) / np.sqrt(IMAGES)
        assert (np.abs(drawn.mean(0) - expected) < 4.5 * standard_error + 1e-7).all()


@pytest.mark.parametrize(("bias", "strength"), KNOWN)
def test_at_a_link_that_jumps_at_0_the_mean_is_the_probability(bias, strength):
    below = known(bias, strength, lambda z: z < 0).mean
    drawn = (np.asarray(bias.on(FACTORS).latents(NOISE, strength)) < 0).mean(0)
    assert below == pytest.approx(drawn, abs=4.5 * 0.5 / np.sqrt(IMAGES))


@given(st.floats(-0.99, 0.99))
def test_a_pairs_covariance_is_scipys_integral_of_the_bivariate_normal(rho):
    # Φ as link: E Φ(z_a)Φ(z_b) is an orthant probability, P(x_a, x_b < 0) of correlation ρ/2
    found = known(Correlate(), rho, special.ndtr).covariance[0, 1]
    orthant = stats.multivariate_normal([0, 0], [[2, rho], [rho, 2]]).cdf([0, 0])
    assert found == pytest.approx(orthant - 0.25, abs=1e-7)
    assert found == pytest.approx(np.arcsin(rho / 2) / (2 * np.pi), abs=1e-12)


@given(st.floats(0.001, 1))
def test_truncated_latents_have_scipys_moments(q):
    found = known(Truncate(), q, lambda z: z)
    expected = stats.truncnorm(-np.inf, special.ndtri(q))
    assert found.mean == pytest.approx(expected.mean(), rel=1e-8, abs=1e-12)
    assert np.diag(found.covariance) == pytest.approx(expected.var(), rel=1e-6)


@given(st.floats(0, 1))
def test_missing_latents_have_the_moments_of_the_quadrants(s):
    found = known(Missing(), s, lambda z: z)
    half = np.sqrt(2 / np.pi)  # mean of |z|
    mean = (2 - s) / (4 - s) * half - 2 / (4 - s) * half
    assert found.mean == pytest.approx([mean, mean, 0, 0], abs=1e-12)
    assert found.covariance[0, 1] == pytest.approx(-s / (4 - s) * half**2 - mean**2, abs=1e-12)


@given(st.floats(-5, 5), st.floats(0, 5))
def test_normal_latents_have_the_moments_of_the_closed_form(mean, deviation):
    class Normal(Shift):
        def normal(self, strength):
            return mean, deviation

    found = Normal().moments(0.0, 2, special.expit)
    assert found is not None
    expected = sigmoid_moments(mean, deviation)
    assert found.mean == pytest.approx(expected[0], abs=1e-10)
    assert found.covariance == pytest.approx(np.eye(2) * expected[1], abs=1e-10)


@pytest.mark.parametrize("bias", [Truncate(), Mixture(), Missing(), Correlate(), Scale(), Shift()])
def test_at_its_neutral_value_a_bias_has_the_fair_moments(bias):
    found, fair = known(bias, bias.axis.neutral, special.expit), sigmoid_moments(0.0)
    assert found.mean == pytest.approx(fair[0], abs=1e-12)
    assert found.covariance == pytest.approx(np.eye(4) * fair[1], abs=1e-12)


def test_what_is_not_known_has_no_moments():
    assert Probability().moments(0.5, 2, special.expit) is None
