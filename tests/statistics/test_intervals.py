"""Intervals equal SciPy's, cover as they claim, and say so when there is nothing to say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from biasvae_jax.statistics.intervals import (
    Interval,
    describe,
    joint_band,
    paired_interval,
    simulated_coverage,
    t_interval,
)

numbers = st.floats(-100, 100)
draws = st.integers(0, 2**32 - 1)
levels = st.sampled_from([0.5, 0.9, 0.95])


@given(draws, numbers, levels)
def test_the_interval_is_scipys_for_one_sample(draw, centre, level):
    values = centre + np.random.default_rng(draw).normal(size=(4, 3))
    ours = t_interval(values, 0, level)
    theirs = stats.ttest_1samp(values, 0.0, axis=0).confidence_interval(level)
    np.testing.assert_allclose((ours.low, ours.high), theirs, atol=1e-9)
    np.testing.assert_allclose(ours.mean, values.mean(0))
    assert (ours.seeds == 4).all() and (ours.left_out == 0).all()


@given(draws, numbers, levels)
def test_the_paired_interval_is_scipys_for_related_samples(draw, centre, level):
    values = centre + np.random.default_rng(draw).normal(size=(2, 3, 5))
    ours = paired_interval(*values, -1, level)
    theirs = stats.ttest_rel(*values, axis=-1).confidence_interval(level)
    np.testing.assert_allclose((ours.low, ours.high), theirs, atol=1e-9)


def test_what_seeds_share_cancels_in_pairs():
    seed = np.random.default_rng(0).normal(size=6)
    pairs = paired_interval(seed + 0.5, seed)
    assert pairs.low == pytest.approx(0.5) and pairs.high == pytest.approx(0.5)


@given(st.permutations([1.0, 2.0, 4.0, np.nan, np.inf]))
def test_seeds_that_are_not_finite_are_left_out_and_counted(values):
    interval, kept = t_interval(np.array(values)), t_interval(np.array([1.0, 2.0, 4.0]))
    assert interval[:3] == pytest.approx(kept[:3])
    assert (interval.seeds, interval.left_out) == (3, 2)
    assert "2 of 5 seeds left out" in describe(interval)
    broken = np.array([np.nan, np.inf, 5.0, 5.0, 5.0])
    paired = paired_interval(np.array(values), broken)
    assert paired.seeds == sum(np.isfinite(values[2:]))


def test_an_interval_is_taken_at_one_place_of_a_grid():
    values = np.random.default_rng(0).normal(size=(2, 3, 4))
    whole, one = t_interval(values), t_interval(values[1, 2])
    assert whole.at(1, 2) == pytest.approx(one)


def test_no_more_than_four_digits_are_written():
    assert describe(Interval(12.345678, 12.341, 12.349, 5, 0)) == "12.35 [12.34, 12.35]"
    assert describe(Interval(-43_210.9, -43_211.0, -43_210.8, 5, 0)) == "-43211 [-43211, -43211]"
    assert describe(Interval(0.0, -0.00012, 0.00012, 5, 0)) == "0.00000 [-0.00012, 0.00012]"
    assert describe(Interval(0.024, -0.004, 0.052, 5, 0)) == "0.02 [0.00, 0.05]"  # no −0.00


def test_one_seed_has_no_interval_in_numbers_and_in_words():
    interval = t_interval(np.array([0.43]))
    assert interval.mean == 0.43 and np.isnan(interval.low) and np.isnan(interval.high)
    assert describe(interval, "nats") == "0.43 nats, no interval (one seed)"
    assert "no interval (one seed)" in describe(t_interval(np.array([0.43, np.nan])))
    assert describe(t_interval(np.array([np.nan, np.nan]))).startswith("no value")
    assert describe(t_interval(np.array([]))) == "no value"


@pytest.mark.parametrize(
    ("ends", "unit", "words"),
    [
        ((0.43, 0.40, 0.46), "", "0.43 [0.40, 0.46]"),
        ((0.43, 0.418, 0.442), "nats", "0.430 [0.418, 0.442] nats"),
        ((123.4, 80.2, 166.6), "", "123 [80, 167]"),
        ((0.5, 0.5, 0.5), "", "0.5 [0.5, 0.5]"),
        ((0.0, 0.0, 0.0), "", "0 [0, 0]"),
    ],
)
def test_as_many_decimals_as_the_interval_carries(ends, unit, words):
    assert describe(Interval(*ends, 5, 0), unit) == words


@given(arrays(float, (3, 4), elements=numbers), st.floats(-5, 5), st.floats(0.1, 10))
def test_the_band_moves_and_grows_with_the_curves(curves, shift, scale):
    first, second = (
        joint_band(curves, resamples=50),
        joint_band(shift + scale * curves, resamples=50),
    )
    for end in ("mean", "low", "high"):
        expected = shift + scale * getattr(first, end)
        np.testing.assert_allclose(getattr(second, end), expected, atol=1e-6, rtol=1e-6)


def test_a_band_of_one_step_is_about_students_interval():
    values = np.random.default_rng(1).normal(size=200)
    band, interval = joint_band(values[:, None], resamples=20_000), t_interval(values)
    assert (band.low[0], band.high[0]) == pytest.approx((interval.low, interval.high), abs=0.01)


def test_curves_that_break_off_are_left_out_whole():
    curves = np.random.default_rng(0).normal(size=(5, 7))
    curves[2, 6] = np.nan
    band, kept = joint_band(curves), joint_band(np.delete(curves, 2, 0))
    np.testing.assert_array_equal(band.low, kept.low)
    assert (band.seeds, band.left_out) == (4, 1)
    single = joint_band(curves[:1])
    np.testing.assert_array_equal(single.mean, curves[0])
    assert np.isnan(single.low).all() and np.isnan(joint_band(curves[2:3]).mean).all()


def test_the_band_covers_as_documented():
    """Five smooth random curves: the whole in about 0.87 of studies, each step in 0.97 or more."""
    x, rng = np.linspace(0, 1, 40), np.random.default_rng(0)
    covariance = np.exp(-((x[:, None] - x) ** 2) / 0.08) + 1e-6 * np.eye(40)
    draws = rng.normal(size=(300, 5, 40)) @ np.linalg.cholesky(covariance).T
    bands = [joint_band(curves, resamples=500) for curves in draws]
    inside = np.array([(band.low <= 0) & (band.high >= 0) for band in bands])
    assert 0.82 < inside.all(1).mean() < 0.93
    assert inside.mean() > 0.97


@pytest.mark.parametrize(("steps", "covered"), [(20, 0.75), (100, 0.4), (400, 0.05)])
def test_a_band_of_rough_curves_covers_as_little_as_documented(steps, covered):
    """And Student's intervals at a level shared by the steps cover all of them."""
    draws = np.random.default_rng(0).normal(size=(150, 5, steps))
    bands = [joint_band(curves, resamples=300) for curves in draws]
    share = np.mean([((band.low <= 0) & (band.high >= 0)).all() for band in bands])
    assert share == pytest.approx(covered, abs=0.1)
    each = t_interval(draws, axis=1, level=1 - 0.05 / steps)
    assert ((each.low <= 0) & (each.high >= 0)).all(1).mean() > 0.9


def test_students_interval_covers_its_level_and_the_percentile_bootstrap_does_not():
    normal = simulated_coverage(5)
    assert abs(normal.t - 0.95) < 4 * normal.error < 0.03
    assert 0.80 < normal.bootstrap < 0.87
    skewed = simulated_coverage(5, population="exponential")
    assert skewed.bootstrap < skewed.t < normal.t - 0.04
    assert simulated_coverage(50, studies=1_000).bootstrap > 0.92
    assert abs(simulated_coverage(3, level=0.8).t - 0.8) < 0.03


def test_outside_its_domain_the_argument_is_named():
    with pytest.raises(ValueError, match="level"):
        t_interval(np.ones(3), level=1.0)
    with pytest.raises(ValueError, match="one shape"):
        paired_interval(np.ones(3), np.ones(1))
    with pytest.raises(ValueError, match="curves"):
        joint_band(np.ones(3))
    with pytest.raises(ValueError, match="seeds"):
        simulated_coverage(1)
    with pytest.raises(ValueError, match="population"):
        simulated_coverage(5, population="cauchy")
