import itertools

import numpy as np
import pytest

from biasvae_jax.statistics.regimes import Regime, regime


def one(share, active, finite=True, wanted=9):
    return regime(np.array(share), np.array(1.0), np.array(active), np.array(finite), wanted)


@pytest.mark.parametrize(
    ("share", "active", "expected"),
    [
        (0.5, 9, Regime.RECOVERED),
        (0.5, 12, Regime.RECOVERED),
        (1.005, 9, Regime.RECOVERED),
        (0.5, 8, Regime.PARTIAL),
        (0.98, 0, Regime.COLLAPSED_BY_OPTIMISER),
        (0.995, 0, Regime.COLLAPSED_BY_OBJECTIVE),
        (3.0, 0, Regime.COLLAPSED_BY_OBJECTIVE),
        (1.02, 1, Regime.ACTIVE_BEYOND),
        (3.0, 9, Regime.ACTIVE_BEYOND),
    ],
)
def test_each_side_of_each_threshold(share, active, expected):
    assert one(share, active) == expected
    assert one(share, active, finite=False) == Regime.DIVERGED


def test_every_model_has_exactly_one_and_all_occur():
    cases = itertools.product((0.0, 0.99, 1.0, 1.01, 9.0), (0, 1, 8, 9, 18), (False, True))
    codes = [int(one(*case)) for case in cases]
    assert set(codes) == set(Regime) - {Regime.COLLAPSED}


def test_without_a_threshold_there_is_one_kind_of_collapse_and_nothing_beyond():
    cases = itertools.product((0, 1, 8, 9, 18), (False, True))
    found = {case: int(regime(np.array(1.0), None, *map(np.array, case), 9)) for case in cases}
    assert set(found.values()) == {0, 1, Regime.DIVERGED, Regime.COLLAPSED}
    assert {case for case, code in found.items() if code == Regime.COLLAPSED} == {(0, True)}


def test_a_grid_is_classified_at_once_as_int8():
    codes = regime(np.array([0.5, 2.0])[:, None], np.ones((3, 1, 1)), np.full((3, 2, 4), 9), 1, 9)
    assert codes.shape == (3, 2, 4) and codes.dtype == np.int8
    assert (codes[:, 0] == Regime.RECOVERED).all() and (codes[:, 1] == Regime.ACTIVE_BEYOND).all()
