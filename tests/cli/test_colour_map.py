"""The small map at the end of a sweep: on any terminal, and where there are no colours."""

import io

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from biasvae_jax.axes import Axis
from biasvae_jax.cli.colour_map import BAR, MOST_ROWS, colour_map
from biasvae_jax.meaning import Meaning

R2 = Meaning("R²", "1", "higher", worst=0.0)


def drawn(values, beta=None, boundary=None, **more):
    values = np.asarray(values, float)
    rows = Axis("mu", "μ", "bias", tuple(map(float, range(values.shape[0]))))
    columns = Axis("beta", "β", "weight", beta or tuple(map(float, range(values.shape[1]))))
    return colour_map(values, rows, columns, R2, boundary, **more)


def printed(lines, **how):
    text = io.StringIO()
    console = Console(file=text, highlight=False, soft_wrap=True, **how)
    for line in lines:
        console.print(line)
    return text.getvalue()


@pytest.mark.parametrize("width", [30, 40, 60, 80, 200])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (11, 11), (60, 50)])
def test_no_line_is_wider_than_the_terminal_and_what_is_left_out_is_told(shape, width):
    lines = drawn(np.linspace(0, 1, shape[0] * shape[1]).reshape(shape), width=width)
    assert max(cell_len(line.plain) for line in lines) <= width
    head, *body = [line.plain for line in lines]
    thinned = "shown: " in body[-1]
    body = body[:-1] if thinned else body
    assert len(body) == min(shape[0], MOST_ROWS)
    assert thinned == (len(body) < shape[0] or len(head.split()) - 1 < shape[1])
    assert head.split()[1] == "0" and body[0].split()[0] == "0"  # an end is always there
    assert body[-1].split()[0] == f"{shape[0] - 1}"


def test_numbers_are_read_without_colours():
    lines = printed(drawn([[0.934, 1.0, np.nan], [0.0, 0.05, 12.3]])).splitlines()
    assert [line.split()[1:] for line in lines[1:]] == [[".93", "1.00", "–"], [".00", ".05", "12"]]
    assert printed(drawn([[0.0004, 0.03]])).split()[-2:] == ["4e-04", "3e-02"]


def test_colours_are_there_on_a_terminal_alone(monkeypatch):
    lines = drawn([[0.0, 1.0]])
    assert "\x1b[" not in printed(lines)
    assert "48;2;" in printed(lines, force_terminal=True, color_system="truecolor")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "48;2;" not in printed(lines, force_terminal=True, color_system="truecolor")


def test_the_bar_stands_between_the_strengths_around_the_threshold():
    bounds = np.array([0.5, 2.0, 7.0, 99.0, np.nan])
    lines = drawn(np.full((5, 3), 0.5), (1.0, 2.0, 10.0), bounds)
    found = [line.plain.replace(BAR, " | ").split()[1:] for line in lines[1:]]
    cell = ".50"
    assert found == [
        ["|", cell, cell, cell], [cell, "|", cell, cell], [cell, cell, "|", cell], [cell] * 3,
        [cell] * 3,
    ]  # fmt: skip


def test_axes_rise_however_they_are_given():
    lines = drawn([[0.9, 0.1, 0.5]], (10.0, 0.1, 1.0), np.array([0.5]))
    assert lines[0].plain.split() == ["μ\\β", "0.1", "1", "10"]
    assert lines[1].plain.replace(BAR, " | ").split() == ["0", ".10", "|", ".50", ".90"]


def test_one_cell_and_a_scale_of_ones_own():
    one = drawn([[0.02]], limits=(0.0, 1.0))[1].spans[-1].style
    assert one.bgcolor.triplet.blue > one.bgcolor.triplet.red  # bad, though it is the best there
