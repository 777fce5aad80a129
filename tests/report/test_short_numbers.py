"""Digits in cells."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biasvae_jax.report.maps import short

SIZES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


@given(st.floats(-1e38, 1e38))
@example(-2.46e6)
@example(-999_499.9)
@example(0.995)
@example(-9.9499e3)
@example(999.5e12)
def test_a_number_of_any_size_fits_a_cell_and_keeps_its_size(value):
    text = short(value)
    assert len(text) <= (5 if abs(value) >= 1e-9 or value == 0 else 7)
    read = float(text[:-1]) * SIZES[text[-1]] if text[-1] in SIZES else float(text)
    one_digit = "e" in text or text[-2:-1] == "."
    rounding = 0.0051 if 0.01 <= abs(value) < 1 else 0.0
    assert read == pytest.approx(value, rel=0.52 if one_digit else 0.06, abs=rounding)


def test_what_is_no_number_is_not_available():
    assert short(float("nan")) == short(float("inf")) == "n/a"
