import itertools

import numpy as np
import pytest

from biasvae_jax.statistics.regimes import (
    GIVEN,
    Regime,
    counts_in_words,
    recovered,
    regime,
    renewed,
)

SHARES = (0.0, 0.98, 0.99, 1.0, 1.01, 9.0)
ACTIVE = (0, 1, 8, 9, 18)


def one(share, active, finite=True, wanted=9, signal=None):
    signal = None if signal is None else np.array(signal)
    limits = np.array(share), np.array(1.0)
    return regime(*limits, np.array(active), np.array(finite), wanted, signal)


@pytest.mark.parametrize(
    ("share", "active", "follows", "on_noise"),
    [
        (0.5, 9, Regime.FOLLOWING, Regime.ACTIVE_ON_NOISE),
        (0.5, 12, Regime.FOLLOWING, Regime.ACTIVE_ON_NOISE),
        (1.005, 9, Regime.FOLLOWING, Regime.ACTIVE_ON_NOISE),
        (0.5, 8, Regime.PARTIAL, Regime.ACTIVE_ON_NOISE),
        (0.98, 0, Regime.COLLAPSED_BELOW, Regime.COLLAPSED_BELOW),
        (0.995, 0, Regime.COLLAPSED_BEYOND, Regime.COLLAPSED_BEYOND),
        (3.0, 0, Regime.COLLAPSED_BEYOND, Regime.COLLAPSED_BEYOND),
        (1.02, 1, Regime.ACTIVE_BEYOND, Regime.ACTIVE_ON_NOISE),
        (3.0, 9, Regime.ACTIVE_BEYOND, Regime.ACTIVE_ON_NOISE),
    ],
)
def test_each_side_of_each_threshold(share, active, follows, on_noise):
    assert one(share, active, signal=0.5) == one(share, active, signal=0.9) == follows
    assert one(share, active, signal=0.49) == one(share, active, signal=-0.01) == on_noise
    # where it was not measured, activity alone decides
    assert one(share, active) == one(share, active, signal=np.nan) == follows
    assert one(share, active, finite=False, signal=0.1) == Regime.DIVERGED


def test_every_model_has_exactly_one_and_all_that_are_given_occur():
    cases = itertools.product(SHARES, ACTIVE, (False, True), (9,), (0.2, 0.8))
    codes = {int(one(*case)) for case in cases}
    assert codes == set(GIVEN) - {Regime.COLLAPSED} and Regime.RECOVERED not in GIVEN


def test_without_a_threshold_there_is_one_kind_of_collapse_and_nothing_beyond():
    cases = itertools.product(ACTIVE, (False, True))
    found = {case: int(regime(np.array(1.0), None, *map(np.array, case), 9)) for case in cases}
    assert set(found.values()) == {1, 7, Regime.DIVERGED, Regime.COLLAPSED}
    assert {case for case, code in found.items() if code == Regime.COLLAPSED} == {(0, True)}


def test_a_grid_is_classified_at_once_as_int8():
    codes = regime(np.array([0.5, 2.0])[:, None], np.ones((3, 1, 1)), np.full((3, 2, 4), 9), 1, 9)
    assert codes.shape == (3, 2, 4) and codes.dtype == np.int8
    assert (codes[:, 0] == Regime.FOLLOWING).all() and (codes[:, 1] == Regime.ACTIVE_BEYOND).all()


def test_stored_codes_keep_their_numbers_and_names_of_old():
    names = (
        *("RECOVERED", "PARTIAL", "COLLAPSED_BY_OBJECTIVE", "COLLAPSED_BY_OPTIMISER"),
        *("ACTIVE_BEYOND", "DIVERGED", "COLLAPSED", "FOLLOWING", "ACTIVE_ON_NOISE"),
    )
    assert [Regime[name] for name in names] == list(range(9))
    assert Regime.COLLAPSED_BY_OBJECTIVE is Regime.COLLAPSED_BEYOND
    assert Regime.COLLAPSED_BY_OPTIMISER is Regime.COLLAPSED_BELOW


@pytest.mark.parametrize("threshold", [1.0, None])
@pytest.mark.parametrize("signal", [None, 0.2, 0.8, np.nan])
def test_codes_of_old_become_what_the_law_gives_today(threshold, signal):
    cases = list(itertools.product(SHARES, ACTIVE, (False, True)))
    share, active, finite = map(np.array, zip(*cases, strict=True))
    signals = None if signal is None else np.full(len(cases), signal)
    today = regime(share, threshold, active, finite, 9, signals)
    # the law of 0.1.0: what follows noise was called as any other
    old = regime(share, threshold, active, finite, 9)
    old = np.where(old == Regime.FOLLOWING, Regime.RECOVERED, old).astype(np.int8)
    found = renewed(old, signals)
    np.testing.assert_array_equal(found, today)
    assert found.dtype == np.int8 and Regime.RECOVERED not in found
    np.testing.assert_array_equal(renewed(today, signals), today)


def test_a_model_still_to_score_has_no_regime():
    codes = np.array([np.nan, 0, 5])
    np.testing.assert_array_equal(renewed(codes, np.full(3, 0.1)), [np.nan, 8, 5])
    assert counts_in_words(codes[1:], "β").startswith("1 diverged; 1 with all latents wanted")
    assert counts_in_words(codes[:1], "β") == "none is scored yet"


def test_recovered_is_earned_by_r2_alone():
    assert recovered(np.array([[0.9, 0.95, 0.899], [np.nan, np.inf, -3.0]])) == (2, 4)
