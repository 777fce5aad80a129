"""Cells named in sentences."""

import dataclasses

import pytest

from biasvae_jax.biases import Shift
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.report.links import linked
from biasvae_jax.report.maps import place

MU = dataclasses.replace(Shift.axis, values=(-0.5, 0.0, 1e6))
BETA = dataclasses.replace(BetaElbo.axis, values=(1e-5, 1.0))


@pytest.mark.parametrize("i", range(3))
@pytest.mark.parametrize("j", range(2))
def test_every_cell_is_a_link_wherever_it_ends_a_sentence(i, j):
    where = place(MU, BETA, i, j)
    for end in (".", "", ", and", " (0.9)", "; more"):
        text = linked(f"At {where}{end}", MU, BETA)
        assert text.startswith('At <a href="#mu=') and text.endswith(f">{where}</a>{end}")


def test_an_exponent_is_written_so_that_an_address_keeps_it():
    assert 'href="#mu=1e%2B06&amp;beta=1e-05"' in linked("μ = 1e+06, β = 1e-05", MU, BETA)


def test_what_is_no_cell_of_the_grid_is_no_link_and_everything_is_escaped():
    text = linked("<b> μ = 7, β = 1; μ = 0, β = 1", MU, BETA)
    assert text.startswith("&lt;b&gt; μ = 7, β = 1; <a ") and text.count("<a ") == 1
