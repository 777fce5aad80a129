"""A map of what became of the models: no scale of numbers, but kinds with a colour each."""

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from biasvae_jax.axes import Axis
from biasvae_jax.figures.regimes import COLOURS
from biasvae_jax.report.maps import draw_boundary, gap_between, lay_out, place
from biasvae_jax.statistics.regimes import counts_in_words, in_words


class Kind(NamedTuple):
    """An entry of the legend."""

    colour: str
    words: str


def legend(codes: np.ndarray, symbol: str, measured: bool) -> list[Kind]:
    """Name the kinds that occur, in the order of telling; `measured` as in `in_words`."""
    present = set(np.unique(codes[np.isfinite(codes)]).tolist())
    known = COLOURS.items()
    return [Kind(c, in_words(code, symbol, measured)) for code, c in known if code in present]


def regime_map(
    codes: np.ndarray, rows: Axis, columns: Axis, boundary: np.ndarray | None, measured: bool
) -> go.Figure:
    """Draw codes of `Regime`, `[rows, columns, seed]`: a cell is divided among its seeds.

    NaN, a model still to score, has no colour; `boundary` as in `heat_map`.
    """
    seeds = codes.shape[-1]
    index = {float(code): k for k, code in enumerate(COLOURS)}
    shares = np.sort(np.asarray(codes, float), axis=-1).reshape(len(rows), -1)
    ends = np.repeat(np.arange(len(COLOURS) + 1) / len(COLOURS), 2)[1:-1]
    inks = np.repeat(list(COLOURS.values()), 2)
    said = describe(codes, rows, columns, measured)
    figure = go.Figure(
        go.Heatmap(
            z=[[index.get(code) for code in row] for row in shares.tolist()],
            x=((np.arange(shares.shape[1]) + 0.5) / seeds - 0.5).tolist(),
            y=list(range(len(rows))),
            hovertext=[[text for text in row for _ in range(seeds)] for row in said],
            hoverinfo="text",
            colorscale=list(zip(ends.tolist(), inks.tolist(), strict=True)),
            zmin=-0.5,
            zmax=len(COLOURS) - 0.5,
            showscale=False,
        )
    )
    white = {"mode": "lines", "line": {"color": "#fff", "width": 1}, "hoverinfo": "skip"}
    if gap_between(rows, columns):
        figure.add_scatter(**_lines(len(columns), len(rows), "x", "y"), **white)
        figure.add_scatter(**_lines(len(rows), len(columns), "y", "x"), **white)
    draw_boundary(figure, boundary, rows, columns)
    lay_out(figure, rows, columns, "")
    return figure


def describe(codes: np.ndarray, rows: Axis, columns: Axis, measured: bool) -> list[list[str]]:
    """Say each cell's place and what became of its models, `[rows][columns]`."""

    def say(i: int, j: int) -> str:
        counts = counts_in_words(codes[i, j], columns.symbol, measured)
        return f"{place(rows, columns, i, j)}<br>{counts.replace('; ', '<br>')}"

    return [[say(i, j) for j in range(len(columns))] for i in range(len(rows))]


def _lines(count: int, length: int, across: str, along: str) -> dict[str, Any]:
    """Return the lines between so many cells as one trace."""
    at = np.arange(1, count) - 0.5
    return {
        across: [v for each in at.tolist() for v in (each, each, None)],
        along: [-0.5, length - 0.5, None] * len(at),
    }
