"""What each bias of rows draws, at any strength."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.biases import Associate, CorrelateRows, Missing, Resample
from biasvae_jax.components import ConfigError

NAMES = ("shape", "scale", "x")
GRID = np.stack(np.meshgrid([1.0, 3.0], np.arange(6.0), np.arange(11.0) / 10), -1).reshape(-1, 3)
TIGHT = CorrelateRows(pairs="scale & x")


def drawn(bias, factors=GRID, strength=0.0):
    """Return each row's probability under a bias of a strength."""
    classes = bias.classes(factors, NAMES)
    counts = np.bincount(classes)
    shares = bias.shares_of(
        jnp.asarray(counts, jnp.float32), bias.traits(factors, NAMES), jnp.float32(strength)
    )
    return np.asarray(shares, float)[classes] / counts[classes]


@given(st.floats(0, 40))
def test_pairs_of_factors_agree_with_the_fields_weight(tightness):
    relative = (GRID - GRID.min(0)) / np.ptp(GRID, axis=0)
    weight = np.exp(-0.5 * (tightness * (relative[:, 1] - relative[:, 2])) ** 2)
    np.testing.assert_allclose(drawn(TIGHT, strength=tightness), weight / weight.sum(), atol=1e-6)


def test_the_shared_confounder_pairs_one_with_every_other_and_weights_are_multiplied():
    relative = (GRID - GRID.min(0)) / np.ptp(GRID, axis=0)
    squares = sum((relative[:, 1] - relative[:, j]) ** 2 for j in (0, 2))
    weight = np.exp(-0.5 * 25 * squares)
    every, both = (CorrelateRows(pairs=p) for p in ("scale & *", "scale & shape; x & scale"))
    for bias in (every, both):
        np.testing.assert_allclose(drawn(bias, strength=5), weight / weight.sum(), atol=1e-6)


@pytest.mark.parametrize("bias", [TIGHT, CorrelateRows(pairs="x & *")])
def test_without_a_strength_every_row_has_the_same_probability(bias):
    np.testing.assert_allclose(drawn(bias), 1 / len(GRID), rtol=1e-5)


@given(st.sets(st.integers(0, len(GRID) - 1), min_size=2, max_size=5), st.floats(0, 1e25))
def test_whatever_rows_there_are_the_probabilities_add_up_to_1(rows, tightness):
    p = drawn(TIGHT, GRID[sorted(rows)], tightness)
    assert p.sum() == pytest.approx(1, abs=1e-4) and (p >= 0).all()


@given(st.floats(-1, 1))
def test_two_attributes_have_half_each_and_the_correlation_asked_for(phi):
    p = drawn(Associate(attributes="shape & x"), strength=phi)
    first, second = GRID[:, 0] == 3, GRID[:, 2] > 0.5  # of 11 values the middle is not there
    assert p[first].sum() == pytest.approx(0.5, abs=1e-6)
    assert p[second].sum() == pytest.approx(0.5, abs=1e-6)
    a, b = first - 0.5, second - 0.5
    assert 4 * (p * a * b).sum() == pytest.approx(phi, abs=1e-6)


def test_a_combination_that_is_missing_is_never_drawn_and_the_others_keep_their_proportions():
    p = drawn(Missing(combination="shape & scale"), strength=1)
    gone = (GRID[:, 0] == 3) & (GRID[:, 1] > 2)
    assert p[gone].sum() == 0
    np.testing.assert_allclose(p[~gone], 1 / (~gone).sum(), rtol=1e-5)


@pytest.mark.parametrize(
    ("bias", "message"),
    [
        (CorrelateRows(pairs="scale & y"), "--pairs y is no factor of these images"),
        (CorrelateRows(pairs="scael & x"), "did you mean scale"),
        (Associate(attributes="shape & colour"), "--attributes colour is no factor"),
        (Resample(factor="scal"), "--factor scal is no factor of these images; did you mean scale"),
    ],
)
def test_a_factor_that_is_not_there_is_named_with_the_nearest(bias, message):
    with pytest.raises(ConfigError, match=message):
        bias.classes(GRID, NAMES)


def test_more_combinations_than_can_be_told_apart_are_one_line():
    values = np.arange(300.0)
    many = np.stack(np.meshgrid(values, values, [0.0]), -1).reshape(-1, 3)
    with pytest.raises(ConfigError, match="90,000 combinations of values, over 65,536"):
        CorrelateRows().classes(many, NAMES)


def test_attributes_that_are_never_both_there_are_one_line():
    rows = GRID[(GRID[:, 0] == 1) | (GRID[:, 1] < 3)]
    with pytest.raises(ConfigError, match="rows has shape there & scale there; use more --rows"):
        Associate(attributes="shape & scale").classes(rows, NAMES)
