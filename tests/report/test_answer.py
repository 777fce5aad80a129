"""The sentence that answers the question of a grid, honest about what it cannot tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.axes import Axis
from biasvae_jax.report.answer import TIE, answer

FALLS, RISES, LEVEL, BOTH = [0.9, 0.5, 0.1], [0.1, 0.5, 0.9], [0.5, 0.505, 0.5], [0.5, 0.9, 0.1]
HOLE = [0.5, np.nan, 0.1]


def said(rows, beta=(0.1, 1.0, 10.0)):
    mu = tuple(float(i) for i in range(len(rows)))
    return answer(np.array(rows), Axis("mu", "μ", "bias", mu), Axis("beta", "β", "weight", beta))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([FALLS] * 11, "Recovery R² falls as β rises at 11 of 11 biases."),
        ([RISES], "Recovery R² rises as β rises at the one bias."),
        ([FALLS, LEVEL, FALLS],
         "Recovery R² falls as β rises at 2 of 3 biases; at 1 it changes by no more than 0.01."),
        ([BOTH, BOTH, RISES, HOLE],
         "Recovery R² goes up and down as β rises at 2 of 3 biases; at 1 it rises; 1 more has "
         "cells without a value."),
        ([HOLE], "How recovery depends on β cannot be told: no μ has a recovery R² at every β."),
    ],
)  # fmt: skip
def test_each_way_is_counted_and_what_has_no_value_is_told(rows, sentence):
    assert said(rows) == sentence


def test_one_strength_tells_nothing():
    assert said([[0.5], [0.1]], beta=(1.0,)).endswith("cannot be told from one β.")


def test_strengths_are_taken_in_their_order_however_they_are_given():
    assert said([[0.1, 0.9, 0.5]], beta=(10.0, 0.1, 1.0)) == said([FALLS])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_where_recovery_falls_no_stronger_regularisation_helps(row):
    """So the sentence never contradicts the one that names the biases where one does."""
    sentence = said([row], beta=tuple(float(i) for i in range(len(row))))
    helped = max(row) - row[0] > TIE
    assert not ("falls as" in sentence and helped)
    assert not ("changes by no more" in sentence and helped)
    if helped:
        assert "rises as β rises at" in sentence or "up and down" in sentence
