"""Equivalence is SciPy's two one-sided tests, and says so where nothing can be said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from biasvae_jax.statistics.equivalence import equivalence


@given(st.integers(0, 2**32 - 1), st.floats(-1.5, 1.5), st.sampled_from([0.9, 0.95, 0.99]))
def test_it_is_two_one_sided_tests(draw, centre, level):
    values = centre + 0.5 * np.random.default_rng(draw).normal(size=6)
    found = equivalence(values, 1.0, level)
    above = stats.ttest_1samp(values, -1.0, alternative="greater").pvalue
    below = stats.ttest_1samp(values, 1.0, alternative="less").pvalue
    if max(above, below) < 1 - level:
        expected = "equivalent"
    else:
        apart = stats.ttest_1samp(values, 0.0).pvalue < 1 - level
        expected = "different" if apart else "undecided"
    assert found.verdict == expected
    known = stats.ttest_1samp(values, 0.0).confidence_interval(2 * level - 1)
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(known))


def test_each_place_has_its_verdict_and_one_seed_decides_nothing():
    values = np.array(
        [[0.01, -0.01, 0.0], [2.0, 2.1, 2.2], [-3.0, 0.0, 3.0], [0.0, np.nan, np.nan]]
    )
    found = equivalence(values, 0.5)
    assert found.verdict.tolist() == ["equivalent", "different", "undecided", "undecided"]
    assert found.interval.left_out.tolist() == [0, 0, 0, 2]
    # surely not 0, and surely too small to matter
    assert equivalence(np.array([0.1, 0.11, 0.12]), 0.5).verdict == "equivalent"


def test_at_the_margin_it_is_called_equivalent_as_seldom_as_stated():
    values = 1 + 0.3 * np.random.default_rng(0).normal(size=(4_000, 5))
    share = np.mean(equivalence(values, 1.0).verdict == "equivalent")
    assert share == pytest.approx(0.05, abs=0.012)


def test_outside_its_domain_the_argument_is_named():
    for margin in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="margin"):
            equivalence(np.ones(3), margin)
    with pytest.raises(ValueError, match="level"):
        equivalence(np.ones(3), 1.0, level=0.5)
