"""Intervals of bounded numbers stay in range, and are SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from biasvae_jax.statistics.bounded import (
    bounded_interval,
    correlation_interval,
    count_interval,
    share_interval,
)
from biasvae_jax.statistics.intervals import describe, t_interval

draws = st.integers(0, 2**32 - 1)


@given(draws, st.floats(-3, 3), st.sampled_from([0.5, 0.9, 0.95]))
def test_a_correlations_interval_is_scipys_of_fishers_z(draw, centre, level):
    z = centre + np.random.default_rng(draw).normal(size=(2, 4))
    found = correlation_interval(np.tanh(z), level=level)
    known = stats.ttest_1samp(z, 0.0, axis=1).confidence_interval(level)
    np.testing.assert_allclose((found.low, found.high), np.tanh(known), atol=1e-6)
    np.testing.assert_allclose(found.mean, np.tanh(z.mean(1)), atol=1e-6)


@given(arrays(float, (3, 4), elements=st.floats(0, 1)))
def test_a_share_never_leaves_its_range_and_its_complement_mirrors_it(values):
    found, other = share_interval(values), share_interval(1 - values)
    ends = np.stack([found.low, found.mean, found.high])
    assert (ends >= 0).all() and (ends <= 1).all() and (np.diff(ends, axis=0) >= -1e-12).all()
    inside = ((values > 1e-9) & (values < 1 - 1e-9)).all(1)  # 1 − 1e-20 is 1
    np.testing.assert_allclose(found.low[inside], 1 - other.high[inside], atol=1e-6)


def test_students_interval_leaves_the_range_where_this_one_does_not():
    values = np.array([0.99, 0.7, 0.999])
    assert t_interval(values).high > 1 > share_interval(values).high > 0.999
    inner = bounded_interval(values * 3 + 2, 2, 5)
    assert inner.high == pytest.approx(3 * share_interval(values).high + 2)


def test_at_a_bound_itself_it_is_students_cut_to_the_range():
    values = np.array([[1.0, 0.8, 0.9], [0.7, 0.8, 0.9], [1.0, 1.0, 1.0]])
    found, plain = share_interval(values), t_interval(values)
    assert plain.high[0] > 1 and found.high[0] == 1
    assert (found.mean[0], found.low[0]) == pytest.approx((plain.mean[0], plain.low[0]))
    assert found.high[1] < 1 and found.low[2] == found.high[2] == 1
    # single precision may pass a bound by its rounding
    assert correlation_interval(np.array([1 + 1e-7, 0.5])).high == 1


def test_seeds_that_are_not_finite_are_left_out_and_one_has_no_interval():
    found, kept = share_interval(np.array([0.2, np.nan, 0.4])), share_interval(np.array([0.2, 0.4]))
    assert found[:3] == kept[:3] and (found.seeds, found.left_out) == (2, 1)
    one = share_interval(np.array([0.43]))
    assert one.mean == pytest.approx(0.43) and "one seed" in describe(one)
    assert "no value" in describe(share_interval(np.array([np.nan])))


@given(st.integers(0, 40), st.integers(0, 40), st.sampled_from([0.8, 0.95]))
def test_a_counts_interval_is_scipys_exact_one(count, more, level):
    of = count + more
    found = count_interval(count, of, level)
    if not of:
        assert np.isnan(found.mean) and np.isnan(found.low) and found.seeds == 0
        return
    known = stats.binomtest(count, of).proportion_ci(level, "exact")
    assert (found.low, found.high) == pytest.approx((known.low, known.high))
    assert found.mean == count / of and found.seeds == of


def test_counts_of_many_places_are_taken_at_once():
    found = count_interval(np.array([0, 3, 5]), np.array([5, 5, 5]))
    assert found.low[0] == 0 and found.high[2] == 1 and 0.4 < found.high[0] < 0.6
    one = count_interval(3, 5)
    assert found.at(1) == pytest.approx(one)


def test_outside_its_domain_the_argument_is_named():
    with pytest.raises(ValueError, match="between 0 and 1"):
        share_interval(np.array([0.5, 1.1]))
    with pytest.raises(ValueError, match="level"):
        share_interval(np.array([0.5, 0.1]), level=2)
    for count, of in ((-1, 5), (6, 5), (1.5, 5)):
        with pytest.raises(ValueError, match="count"):
            count_interval(count, of)
    with pytest.raises(ValueError, match="level"):
        count_interval(1, 5, level=0)
