"""Many tests at once: against SciPy and statsmodels' published definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from biasvae_jax.statistics.multiple import holm, paired_p

P = arrays(float, st.integers(1, 12), elements=st.floats(0, 1))


def test_the_paired_test_is_scipys():
    values = np.random.default_rng(0).normal(0.3, 1, (4, 6))
    np.testing.assert_allclose(paired_p(values), stats.ttest_1samp(values, 0, axis=-1).pvalue)


def test_what_is_not_finite_is_left_out_and_one_seed_says_nothing():
    values = np.array([[0.5, 0.7, np.nan], [1.0, np.nan, np.nan], [np.nan] * 3])
    found = paired_p(values)
    assert found[0] == pytest.approx(stats.ttest_1samp(values[0, :2], 0).pvalue)
    assert np.isnan(found[1:]).all()


def test_seeds_that_agree_to_the_last_bit_have_no_spread():
    np.testing.assert_array_equal(paired_p(np.array([[0.0, 0.0], [0.5, 0.5]])), [1.0, 0.0])


def test_a_known_case():
    """The example of Holm's procedure: 0.01, 0.04, 0.03, 0.005 of four tests."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


@given(P)
def test_adjusted_values_are_no_smaller_no_larger_than_bonferronis_and_keep_the_order(p):
    found = holm(p)
    assert (found >= p).all() and (found <= np.minimum(1, len(p) * p) + 1e-12).all()
    assert (np.diff(found[np.argsort(p, kind="stable")]) >= 0).all()


def test_what_has_no_value_does_not_count():
    found = holm(np.array([0.01, np.nan, 0.04]))
    np.testing.assert_allclose(found, [0.02, np.nan, 0.04])


def test_false_alarms_in_any_of_many_tests_are_as_rare_as_one():
    rng = np.random.default_rng(1)
    p = paired_p(rng.normal(size=(2000, 20, 5)))
    any_false = np.mean([holm(each).min() < 0.05 for each in p])
    assert 0.03 < any_false < 0.065
