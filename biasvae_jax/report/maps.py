"""Heat maps over the grid as plotly figures, and the numbers behind them."""

import functools
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from biasvae_jax.axes import Axis, spread
from biasvae_jax.meaning import COLOURS, Better, Meaning
from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.statistics.staircase import boundary_steps

# red and blue stay apart to colour-blind readers; blue is better, and purple is higher
DIFFERENCES: dict[Better, str] = {"higher": "RdBu", "lower": "RdBu_r", "": "PuOr_r"}
NO_MEANING = Meaning("", "1")
BOUNDARY = "#D55E00"
MOST_NUMBERED = 1_000  # cells; in a larger map numbers, or lines between cells, would cover them
MOST_NAMED = 16  # rows; more names would cover each other
WIDTH = 350  # pixels of the columns on a page, whose names have six for each character


class Cells(NamedTuple):
    """A score over the grid, seeds summarised; each `[rows, columns]`, NaN where there is none."""

    mean: np.ndarray
    low: np.ndarray
    """Lower end of the 95 % Student-t interval over seeds; NaN below two seeds."""
    high: np.ndarray
    seeds: np.ndarray
    """Models behind each mean."""


def over_seeds(values: np.ndarray, level: float = 0.95) -> Cells:
    """Summarise `[rows, columns, seed]` as mean ± t·s/√n; models that diverged are left out."""
    interval = t_interval(values, -1, level)
    return Cells(interval.mean, interval.low, interval.high, interval.seeds)


def number(value: float) -> str:
    """Write a value for people: four significant digits, n/a where there is none.

    >>> number(0.123456), number(float("nan"))
    ('0.1235', 'n/a')
    """
    return f"{value:.4g}" if np.isfinite(value) else "n/a"


def short(value: float) -> str:
    """Write a value in at most five characters, six below 1e-9: digits are lost, never its size.

    >>> short(0.1234), short(-0.00123), short(12.3), short(-2.46e6), short(float("nan"))
    ('0.12', '-1e-3', '12', '-2.5M', 'n/a')
    """
    size = abs(value)
    if not np.isfinite(value):
        return "n/a"
    if value == 0:
        return "0"
    if 0.01 <= size < 999.5:
        return f"{value:.{2 if size < 0.995 else 1 if size < 9.95 else 0}f}"
    if 1 < size < 999.5e12:
        thousands = int(np.floor(np.log10(size / 0.9995) / 3))
        part = value / 1000.0**thousands
        return f"{part:.{1 if abs(part) < 9.95 else 0}f}{' kMGT'[thousands]}"
    digit, _, exponent = f"{value:.0e}".partition("e")
    return f"{digit}e{int(exponent)}"


def place(rows: Axis, columns: Axis, i: int, j: int) -> str:
    """Name a cell by the symbols of its axes, such as μ = 0, β = 1."""
    return f"{rows.symbol} = {rows[i]:g}, {columns.symbol} = {columns[j]:g}"


def describe(cells: Cells, rows: Axis, columns: Axis) -> list[list[str]]:
    """Say each cell's place, value and interval in words, `[rows][columns]`."""

    def say(i: int, j: int) -> str:
        where = place(rows, columns, i, j)
        if cells.seeds[i, j] == 0:
            return f"{where}<br>no value"
        interval = "one seed, so no interval"
        if cells.seeds[i, j] > 1:
            low, high = number(cells.low[i, j]), number(cells.high[i, j])
            interval = f"95 % interval {low} to {high} ({cells.seeds[i, j]} seeds)"
        return f"{where}<br>{number(cells.mean[i, j])}<br>{interval}"

    return [[say(i, j) for j in range(len(columns))] for i in range(len(rows))]


def _numbers(values: np.ndarray, place: np.ndarray, scale: str) -> go.Scatter:
    """Write each cell's value in black or white, whichever reads better on its colour.

    `place` is the value's place on the colour scale, 0 to 1, NaN where a cell has no colour.
    """
    rows, columns = np.indices(values.shape).reshape(2, -1)
    largest = np.nanmax(np.abs(values), initial=0.0, where=np.isfinite(values))
    inks = ["#767676"] * values.size  # reads on a light and on a dark page
    for index in np.flatnonzero(np.isfinite(place)):
        inks[index] = _ink(scale, round(float(np.clip(place.flat[index], 0, 1)), 2))
    return go.Scatter(
        x=columns.tolist(),
        y=rows.tolist(),
        text=["0.00" if largest >= 0.1 and abs(v) < 0.005 else short(v) for v in values.flat],
        mode="text",
        textfont={"color": inks},
        hoverinfo="skip",
        showlegend=False,
    )


@functools.cache
def _ink(scale: str, place: float) -> str:
    """Return black or white by the WCAG contrast ratio, which is the same at luminance 0.179."""
    rgb = np.asarray(sample_colorscale(scale, [place], colortype="tuple")[0], float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return "#fff" if linear @ (0.2126, 0.7152, 0.0722) < 0.179 else "#000"


def heat_map(
    cells: Cells,
    rows: Axis,
    columns: Axis,
    title: str = "",
    boundary: np.ndarray | None = None,
    limits: tuple[float, float] | None = None,
    difference: bool = False,
    meaning: Meaning = NO_MEANING,
) -> go.Figure:
    """Draw one score over the grid, its value in each cell, the interval on hover.

    `boundary` `[rows]` is β*(μ), or `[rows, lines]`, thinner after the first; `meaning` says which
    way is good, which is yellow; `limits` are the colours' ends, its own if None; a `difference`
    is centred on 0, and blue where it is for the better.
    """
    values = [[float(v) if np.isfinite(v) else None for v in row] for row in cells.mean]
    if limits is None:
        limits = meaning.limits(cells.mean)
    if limits and difference:
        known = np.abs(cells.mean[np.isfinite(cells.mean)])
        limits = -float(known.max()), float(known.max())
    low, high = limits or (0.0, 1.0)
    if low == high:  # one colour needs a scale all the same
        low, high = low - 0.5, high + 0.5
    scale = (DIFFERENCES if difference else COLOURS)[meaning.better]
    gap = gap_between(rows, columns)
    figure = go.Figure(
        go.Heatmap(
            z=values,
            hovertext=describe(cells, rows, columns),
            hoverinfo="text",
            colorscale=scale,
            zmin=low,
            zmax=high,
            xgap=gap,
            ygap=gap,
            colorbar={"thickness": 12, "outlinewidth": 0, "tickformat": ".3~g"},
        )
    )
    draw_boundary(figure, boundary, rows, columns)
    if cells.mean.size <= MOST_NUMBERED:
        figure.add_trace(_numbers(cells.mean, (cells.mean - low) / (high - low), scale))
    lay_out(figure, rows, columns, title)
    return figure


def draw_boundary(
    figure: go.Figure, boundary: np.ndarray | None, rows: Axis, columns: Axis
) -> None:
    """Draw β*(μ) and what follows it as staircases."""
    if boundary is None:
        return
    name, lines = f"{columns.symbol}*({rows.symbol})", np.asarray(boundary)
    for number, each in enumerate(lines.reshape(len(lines), -1).T):
        x, y = boundary_steps(each, columns)
        line = {"color": BOUNDARY, "width": 1.0 if number else 2.5}
        points = {"x": x.tolist(), "y": y.tolist()}
        figure.add_scatter(**points, mode="lines", line=line, hoverinfo="skip", name=name)


def lay_out(figure: go.Figure, rows: Axis, columns: Axis, title: str) -> None:
    """Name the axes and their cells, as many as there is room for."""
    axis = {"showgrid": False, "zeroline": False, "fixedrange": True, "ticks": ""}
    figure.update_layout(
        title={"text": title, "font": {"size": 14}},
        showlegend=False,
        dragmode=False,
        margin={"l": 50, "r": 10, "t": 30 if title else 10, "b": 45},
        xaxis=axis
        | {
            "title": {"text": columns.label, "standoff": 8},
            **names_across(columns),
            "range": [-0.5, len(columns) - 0.5],
            "tickangle": 0,
        },
        yaxis=axis
        | {
            "title": {"text": rows.label, "standoff": 8},
            **names_up(rows),
            "range": [-0.5, len(rows) - 0.5],
        },
    )


def gap_between(rows: Axis, columns: Axis) -> int:
    """Return the pixels between cells, none where these are many."""
    return int(len(rows) * len(columns) <= MOST_NUMBERED)


def names_across(columns: Axis) -> dict[str, list]:
    """Return plotly's ticks that name columns, as many as there is room for."""
    longest = max(len(f"{value:g}") for value in columns)
    return _names(columns, max(1, WIDTH // (6 * longest + 6)))


def names_up(rows: Axis) -> dict[str, list]:
    """Return plotly's ticks that name rows, as many as there is room for."""
    return _names(rows, MOST_NAMED)


def _names(axis: Axis, most: int) -> dict[str, list]:
    shown = spread(range(len(axis)), most)
    return {"tickvals": list(shown), "ticktext": [f"{axis[i]:g}" for i in shown]}
