"""Heat maps over the grid as plotly figures, and the numbers behind them."""

import functools
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from biasvae_jax.axes import Axis
from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.statistics.staircase import boundary_steps

COLOUR_MAP = "Cividis"  # even in lightness, and the same to colour-blind readers
DIFFERENCE_MAP = "RdBu"  # red and blue stay apart to them
BOUNDARY = "#D55E00"
MOST_NUMBERED = 1_000  # cells; in a larger map the numbers would cover each other


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


def _short(value: float) -> str:
    """Write a value that fits a cell of a small map."""
    if not np.isfinite(value):
        return "n/a"
    return (
        f"{value:.2f}" if abs(value) < 1 else f"{value:.1f}" if abs(value) < 10 else f"{value:.0f}"
    )


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
    inks = ["#767676"] * values.size  # reads on a light and on a dark page
    for index in np.flatnonzero(np.isfinite(place)):
        inks[index] = _ink(scale, round(float(np.clip(place.flat[index], 0, 1)), 2))
    return go.Scatter(
        x=columns.tolist(),
        y=rows.tolist(),
        text=[_short(v) for v in values.flat],
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
) -> go.Figure:
    """Draw one score over the grid, its value in each cell, the interval on hover.

    `boundary` `[rows]` is β*(μ), or `[rows, lines]`, thinner after the first; `limits` are the
    colours' ends; a `difference` is centred on 0.
    """
    values = [[float(v) if np.isfinite(v) else None for v in row] for row in cells.mean]
    if limits is None and any(v is not None for row in values for v in row):
        limits = float(np.nanmin(cells.mean)), float(np.nanmax(cells.mean))
        if difference:
            limits = -max(map(abs, limits)), max(map(abs, limits))
    low, high = limits or (0.0, 1.0)
    if low == high:  # one colour needs a scale all the same
        low, high = low - 0.5, high + 0.5
    scale = DIFFERENCE_MAP if difference else COLOUR_MAP
    figure = go.Figure(
        go.Heatmap(
            z=values,
            hovertext=describe(cells, rows, columns),
            hoverinfo="text",
            colorscale=scale,
            zmin=low,
            zmax=high,
            xgap=1,
            ygap=1,
            colorbar={"thickness": 12, "outlinewidth": 0, "tickformat": ".3~g"},
        )
    )
    if cells.mean.size <= MOST_NUMBERED:
        figure.add_trace(_numbers(cells.mean, (cells.mean - low) / (high - low), scale))
    if boundary is not None:
        name, lines = f"{columns.symbol}*({rows.symbol})", np.asarray(boundary)
        for number, each in enumerate(lines.reshape(len(lines), -1).T):
            x, y = boundary_steps(each, columns)
            line = {"color": BOUNDARY, "width": 1.0 if number else 2.5}
            points = {"x": x.tolist(), "y": y.tolist()}
            figure.add_scatter(**points, mode="lines", line=line, hoverinfo="skip", name=name)
    axis = {"showgrid": False, "zeroline": False, "fixedrange": True, "ticks": ""}
    figure.update_layout(
        title={"text": title, "font": {"size": 14}},
        showlegend=False,
        dragmode=False,
        margin={"l": 50, "r": 10, "t": 30 if title else 10, "b": 45},
        xaxis=axis
        | {
            "title": {"text": columns.label, "standoff": 8},
            "tickvals": list(range(len(columns))),
            "ticktext": [f"{b:g}" for b in columns],
            "range": [-0.5, len(columns) - 0.5],
            "tickangle": 0,
        },
        yaxis=axis
        | {
            "title": {"text": rows.label, "standoff": 8},
            "tickvals": list(range(len(rows))),
            "ticktext": [f"{m:g}" for m in rows],
            "range": [-0.5, len(rows) - 0.5],
        },
    )
    return figure
