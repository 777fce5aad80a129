"""The empirical boundary: exact on activity that crosses by construction, censored off the grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from biasvae_jax.statistics.boundary import (
    against_theory,
    boundary,
    boundary_slope,
    most_active,
    place,
)
from biasvae_jax.statistics.intervals import t_interval

BETA = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
LATENTS = 8


def falling(middle):
    """Activity `[mu, beta, seed]` that falls along a line in log β through ½ at `middle`."""
    middle = np.asarray(middle, float)  # log β̂, [mu, seed]
    slope = LATENTS / np.log(256)  # from all at 1/16 of β̂ to none at 16 times
    return LATENTS / 2 - slope * (np.log(BETA)[:, None] - middle[:, None, :])


@given(arrays(float, (3, 4), elements=st.floats(np.log(0.6), np.log(7.5))))
def test_a_crossing_between_the_betas_is_found_exactly(middle):
    found = boundary(falling(middle), BETA, LATENTS)
    np.testing.assert_allclose(found.log_beta, middle, atol=1e-8)
    assert not found.censored.any()
    low, high = np.moveaxis(found.bracket, -1, 0)
    assert (low <= middle + 1e-8).all() and (middle <= high + 1e-8).all()
    np.testing.assert_allclose(found.interval.mean, middle.mean(-1), atol=1e-8)


@given(arrays(int, (2, 5, 3), elements=st.integers(0, LATENTS)), st.permutations(range(5)))
def test_the_order_of_the_betas_does_not_matter_and_more_activity_never_lowers_it(active, order):
    found = boundary(active, BETA, LATENTS)
    again = boundary(active[:, order], BETA[order], LATENTS)
    np.testing.assert_array_equal(found.log_beta, again.log_beta)
    more = boundary(np.minimum(active + 1, LATENTS), BETA, LATENTS)
    assert (more.log_beta >= found.log_beta).all()


def column(*counts):
    found = boundary(np.array(counts, float)[None, :, None], BETA, LATENTS)
    return found.log_beta[0, 0], found.censored[0, 0]


def test_counts_that_rise_are_pooled_with_their_neighbours():
    assert column(8, 8, 0, 0, 0) == (pytest.approx(np.log(2) / 2), 0)
    # 2 then 6 pool to 4 and 4, level at the half: the middle of β = 1 … 2
    assert column(8, 2, 6, 0, 0) == (pytest.approx(np.log(2) / 2), 0)
    # 0 then 4 pool to 2, so that the line from 8 crosses 4 at ⅔ of the way
    assert column(8, 0, 4, 0, 0) == (pytest.approx(np.log(0.5) + np.log(2) * 2 / 3), 0)


def test_a_crossing_off_the_grid_is_censored_on_its_side():
    assert column(8, 8, 8, 8, 8) == column(8, 8, 8, 8, 4) == (np.inf, 1)
    assert column(0, 0, 0, 0, 0) == column(4, 1, 0, 0, 0) == (-np.inf, -1)


def test_a_censored_seed_leaves_no_mean_but_a_diverged_cell_is_bridged():
    active = falling(np.full((2, 3), np.log(2.0)))
    active[0, :, 1] = LATENTS
    active[1, 2, 0] = np.nan
    active[1, :, 2] = np.nan
    found = boundary(active, BETA, LATENTS)
    assert found.censored.tolist() == [[0, 1, 0], [0, 0, 0]]
    assert np.isnan(found.interval.mean[0]) and found.interval.left_out[0] == 3
    assert found.log_beta[1, 0] == pytest.approx(np.log(2.0))
    assert np.isnan(found.log_beta[1, 2]) and found.interval.seeds[1] == 2
    gap = against_theory(found, np.array([1.0, 2.0]))
    assert np.isnan(gap.mean[0]) and gap.mean[1] == pytest.approx(0.0, abs=1e-9)


def test_the_gap_to_the_theory_is_the_interval_of_the_differences():
    middle = np.random.default_rng(0).normal(0.5, 0.2, (2, 5))
    threshold = np.array([3.0, 1.5])
    gap = against_theory(boundary(falling(middle), BETA, LATENTS), threshold)
    expected = t_interval(middle - np.log(threshold)[:, None])
    np.testing.assert_allclose(np.stack(gap), np.stack(expected), atol=1e-8)


def test_the_slope_is_least_squares_a_seed_and_students_over_seeds():
    rng = np.random.default_rng(0)
    mu = np.array([0.0, 0.5, 1.5, 3.0])
    middle = 1.5 - 0.4 * mu[:, None] + 0.1 * rng.normal(size=(4, 5))
    threshold = np.exp(2 - 0.3 * mu - 0.05 * mu**2)
    slope = boundary_slope(boundary(falling(middle), BETA, LATENTS), mu, threshold)
    each = [stats.linregress(mu, seed).slope for seed in middle.T]
    known = stats.ttest_1samp(each, 0.0).confidence_interval()
    assert (slope.interval.low, slope.interval.high) == pytest.approx(known, abs=1e-8)
    assert slope.theory == pytest.approx(stats.linregress(mu, np.log(threshold)).slope)
    assert slope.used.all()


def test_the_slope_uses_the_same_uncensored_biases_for_both():
    mu, middle = np.arange(4.0), np.log(4.0) - 0.5 * np.arange(4.0)[:, None] * np.ones(3)
    middle[0, 1] = np.log(1e4)  # one seed never collapses there
    threshold = np.exp(-(np.arange(4.0) ** 2))
    slope = boundary_slope(boundary(falling(middle), BETA, LATENTS), mu, threshold)
    assert slope.used.tolist() == [False, True, True, True]
    assert slope.interval.mean == pytest.approx(-0.5)
    assert slope.theory == pytest.approx(-4.0)  # of −μ² at 1, 2, 3
    lost = boundary_slope(boundary(np.zeros((4, 5, 3)), BETA, LATENTS), mu, threshold)
    assert np.isnan(lost.interval.mean) and np.isnan(lost.theory) and not lost.used.any()


@given(arrays(int, 3, elements=st.integers(1, 4)), st.integers(0, 2**32 - 1))
def test_no_boundary_within_the_brackets_has_a_slope_beyond_the_resolution(last, seed):
    """Activity that jumps from all to none says only between which β the boundary lies."""
    active = np.where(np.arange(5) < last[:, None], LATENTS, 0)[..., None] * np.ones(2)
    mu = np.arange(3.0)
    found = boundary(active, BETA, LATENTS)
    slope = boundary_slope(found, mu, np.ones(3))
    low, high = np.moveaxis(found.bracket[:, 0], -1, 0)
    anywhere = np.random.default_rng(seed).uniform(low, high, (50, 3))
    slopes = np.polyfit(mu, anywhere.T, 1)[0]
    assert (np.abs(slopes - slope.interval.mean) <= slope.resolution + 1e-9).all()
    worst = np.polyfit(mu, np.where(mu < 1, low, high), 1)[0]
    assert worst - slope.interval.mean == pytest.approx(slope.resolution)


@given(arrays(float, (3, 4), elements=st.floats(np.log(0.6), np.log(7.5))))
def test_a_column_of_beta_0_is_left_out_and_counted(middle):
    mu, threshold = np.arange(3.0), np.array([3.0, 2.0, 1.0])
    active = np.concatenate([np.zeros((3, 1, 4)), falling(middle)], 1)
    found, plain = boundary(active, np.r_[0, BETA], 8), boundary(falling(middle), BETA, 8)
    assert (found.without_log, plain.without_log) == (1, 0)
    for ours, theirs in zip(found[:3], plain[:3], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    slope = boundary_slope(found, mu, threshold)
    assert slope.interval == boundary_slope(plain, mu, threshold).interval
    assert most_active(active, np.r_[0, BETA], threshold, 8).before[0] >= 0
    only = boundary(active[:, :1], np.zeros(1), 8)
    assert np.isnan(only.log_beta).all() and only.without_log == 1


def test_the_place_is_judged_by_the_seeds_with_the_grid_s_worst_case_beside():
    middle = np.log(3.0) + 0.01 * np.random.default_rng(0).normal(size=(4, 5))
    threshold = np.array([2.5, 3.0, 3.5, 9.0])  # the bracket of log 3 is 2 … 4
    middle[1] -= middle[1].mean()
    middle[1] += np.log(3.0)
    found = boundary(falling(middle), BETA, LATENTS)
    judged = place(found, threshold)
    assert judged.side.tolist() == [1, 0, -1, -1]
    assert judged.widened_side.tolist() == [0, 0, 0, -1]
    np.testing.assert_allclose(judged.widened.low, np.log(2 / threshold))
    np.testing.assert_allclose(judged.widened.high, np.log(4 / threshold))
    np.testing.assert_array_equal(judged.interval, against_theory(found, threshold))
    middle[2, 0] = np.log(1e4)
    middle[0] = np.nan
    lost = place(boundary(falling(middle), BETA, LATENTS), threshold)
    assert np.isnan(lost.side[[0, 2]]).all() and np.isnan(lost.widened_side[[0, 2]]).all()
    assert lost.side[3] == -1


def test_the_slope_is_judged_by_the_seeds_with_the_resolution_beside():
    mu, noise = np.arange(3.0), 0.01 * np.random.default_rng(0).normal(size=(3, 5))
    found = boundary(falling(1.5 - 0.5 * mu[:, None] + noise), BETA, LATENTS)

    def judged(slope):
        return boundary_slope(found, mu, np.exp(2 + slope * mu))

    near, same, far = judged(-0.4), judged(found.interval.mean[[0, 2]] @ [-0.5, 0.5]), judged(2.0)
    assert (near.side, same.side, far.side) == (-1, 0, -1)
    assert (near.widened_side, same.widened_side, far.widened_side) == (0, 0, -1)
    assert near.widened.high == near.interval.high + near.resolution
    assert judged(-0.6).side == 1
    lost = boundary_slope(boundary(np.zeros((3, 5, 2)), BETA, 8), mu, np.ones(3))
    assert np.isnan(lost.side) and np.isnan(lost.widened_side) and np.isnan(lost.widened.low)


@pytest.mark.parametrize(
    ("change", "name"),
    [({"beta": BETA - 0.6}, "beta"), ({"latents": 0}, "latents"), ({"beta": BETA[:2]}, "active")],
)
def test_outside_its_domain_the_argument_is_named(change, name):
    arguments = {"active": np.zeros((2, 5, 3)), "beta": BETA, "latents": LATENTS} | change
    with pytest.raises(ValueError, match=name):
        boundary(**arguments)


def test_a_threshold_must_be_positive_and_one_for_each_bias():
    found = boundary(np.zeros((2, 5, 3)), BETA, LATENTS)
    for threshold in (np.array([1.0, 0.0]), np.ones(3)):
        with pytest.raises(ValueError, match="threshold"):
            against_theory(found, threshold)


def test_models_are_counted_on_their_side_of_the_boundary():
    active = np.array([[[9.0, 5, 4, np.nan], [9, 0, 0, 5]], [[9, 9, 9, 9], [0, 0, 5, 0]]])
    found = most_active(active, np.array([1.0, 4.0]), np.array([4.0, 8.0]), latents=9)
    # at μ₀ β = 4 is not before β* = 4
    assert found.before == (2 + 4 + 1, 12) and found.beyond == (2, 4)
    half = most_active(np.full((1, 1, 2), 4.0), np.array([1.0]), np.array([2.0]), latents=8)
    assert half.before == (0, 2)
