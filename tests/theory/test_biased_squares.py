"""The squares under every bias that knows its moments: against images, and what is published."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.biases import Correlate, LatentBias, Missing, Mixture, Scale, Shift, Truncate
from biasvae_jax.theory import (
    cell_moments,
    collapse_boundary,
    collapse_threshold,
    correlated_reduction,
    predict,
    reduce_world,
    sampled_moments,
    squares_reduction,
    world_moments,
)
from biasvae_jax.theory.squares import normal_latents
from biasvae_jax.worlds import Squares

WORLD = Squares(n=2, m=3, noise_mean=0.2, contrast=(0.5, 1.0, 2.0, 1.5))
PLAIN = Squares()


@pytest.mark.parametrize(
    ("bias", "strength"),
    [
        (Truncate(), 0.3),
        (Mixture(), 0.25),
        (Missing(combination="square 2 & square 3"), 1.0),
        (Correlate(pairs="square 3 & *"), 0.8),
    ],
)
@pytest.mark.parametrize("directions", [2, 7])
def test_the_directions_are_those_of_sampled_images(bias, strength, directions):
    exact = reduce_world(WORLD, strength, directions, bias=bias)
    moments = sampled_moments(jax.random.key(0), WORLD, strength, 65_536, bias)
    axes = exact.axes
    np.testing.assert_allclose(axes @ axes.T, np.eye(directions), atol=1e-12)
    np.testing.assert_allclose(exact.mean, moments.mean, atol=0.01)
    for matrix, along in ((moments.covariance, exact.eigenvalues), (moments.signal, exact.signal)):
        np.testing.assert_allclose(axes @ matrix @ axes.T, np.diag(along), atol=0.03)
    rest = np.trace(moments.covariance) - exact.eigenvalues.sum()
    assert exact.rest == pytest.approx(rest, abs=0.06)
    known = world_moments(WORLD, strength, bias=bias)
    np.testing.assert_allclose(known.covariance, moments.covariance, atol=0.02)


class Hidden(Shift):
    """The shift, of which it is not told that its latents are normal."""

    def normal(self, strength):
        return None

    def moments(self, strength, count, link):
        return Shift().moments(strength, count, link)


@given(st.floats(-4, 4))
def test_independent_normals_are_reduced_by_their_moments_as_by_the_closed_form(mu):
    found = reduce_world(WORLD, mu, 6, bias=Hidden())
    for ours, theirs in zip(found, squares_reduction(WORLD, mu, 6), strict=True):
        np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-9)


@given(st.floats(-0.99, 0.99))
def test_one_pair_splits_one_eigenvalue_and_keeps_its_sum(rho):
    bias = Correlate(pairs="square 2 & square 6")
    found = reduce_world(PLAIN, rho, 9, bias=bias)
    fair = squares_reduction(PLAIN, 0.0, 9)
    assert found.eigenvalues.sum() == pytest.approx(fair.eigenvalues.sum())
    np.testing.assert_allclose(found.eigenvalues[1:-1], fair.eigenvalues[1:-1])
    if abs(rho) > 0.01:
        signs = np.sign(found.axes[:, [7, 9 * 21 + 16]])  # one pixel of either
        assert (signs[0].prod(), signs[-1].prod()) == (np.sign(rho), -np.sign(rho))


def test_the_published_pair_splits_into_17_and_2():
    found = reduce_world(PLAIN, 0.9, 9, bias=Correlate())
    thresholds = collapse_threshold(found.eigenvalues, 0.25)
    assert thresholds[[0, -1]] == pytest.approx([17.1, 1.87], rel=3e-3)
    assert collapse_boundary(PLAIN, [0.9], 0.25, Correlate()) == pytest.approx(thresholds[:1])


def test_between_its_two_thresholds_of_a_pair_the_sum_alone_survives():
    world = Squares(n=2, contrast=(1.0, 1.0, 1e-3, 1e-3))  # the others are as good as grey
    beta = (1.5, 1.85, 2.0)
    found = predict(world, [0.9], beta, 0.25, 4, bias=Correlate())
    paired = found.recovery_r2[0] * 4 / 2  # all of it is of two of four factors
    assert paired[[0, 2]] == pytest.approx([0.83, 0.45], abs=0.02)
    assert found.active_units[0].tolist() == [2, 2, 1]


def test_normal_latents_are_reduced_as_ever_and_an_unknown_bias_by_sampling():
    class Unknown(LatentBias):
        def latents(self, noise, strength):
            return noise + strength

    assert normal_latents(PLAIN, 2.0, Scale()) == (0.0, 2.0)
    assert cell_moments(PLAIN, 1.0, Unknown()) is None
    cells = cell_moments(WORLD, 1.0, Truncate())
    assert cells is not None
    with pytest.raises(ValueError, match="directions must be ≥ 1; got 0"):
        correlated_reduction(WORLD, cells, 0)
