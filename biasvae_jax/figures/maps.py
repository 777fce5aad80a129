"""A map of one score over the grid, yellow where it is good."""

from typing import Literal, NamedTuple

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from biasvae_jax.axes import Axis
from biasvae_jax.drawing import own_settings
from biasvae_jax.figures.grid import draw_boundary, drawn_cells, name_cells

COLOUR_MAP = "cividis"  # even in lightness, and the same to colour-blind readers
NOTHING = "0.85"  # of cells without a value, and of those that a map leaves out of its colours
LARGE_TYPE = 16  # points, on a figure of PAGE inches, which a page shows half as wide
PAGE = (7.6, 6.2)

Better = Literal["higher", "lower", ""]


class Apart(NamedTuple):
    """Cells of which a score says nothing: grey and hatched, and not among its colours."""

    cells: np.ndarray
    """`[rows, columns]`, true where it says nothing."""
    reason: str
    """Why, for the legend."""


@own_settings()
def heat_map(
    values: np.ndarray,
    rows: Axis,
    columns: Axis,
    title: str,
    label: str,
    boundary: np.ndarray | None = None,
    *,
    better: Better = "",
    limits: tuple[float, float] | None = None,
    apart: Apart | None = None,
    for_page: bool = False,
) -> Figure:
    """Draw one score over the grid, its value in each cell.

    `values` `[rows, columns]`, NaN where there is none; `boundary` `[rows]` is the strength at
    which the theory expects collapse, drawn as steps, or `[rows, lines]`, that of each latent,
    falling, thinner after the first. The end of the colours that is `better` is the bright one.
    `limits` are the values at both ends of the colours, by default the least and the greatest.
    `for_page` is the form for a narrow column of a page: large type, no numbers.
    """
    values = np.asarray(values, float)
    wide, high = drawn_cells(rows, columns)
    inches = PAGE if for_page else (3.2 + 0.72 * wide, 2.2 + 0.46 * high)
    with rc_context({"font.size": LARGE_TYPE if for_page else 10}):
        figure = Figure(figsize=inches, layout="constrained")
        axes = figure.add_subplot()
        colours = colormaps[COLOUR_MAP + ("_r" if better == "lower" else "")]
        coloured = values if apart is None else np.where(apart.cells, np.nan, values)
        shown = np.ma.masked_invalid(coloured)
        image = axes.imshow(
            shown, cmap=colours.with_extremes(bad=NOTHING), aspect="auto", origin="lower"
        )
        if limits is not None:
            image.set_clim(*limits)
        name_cells(axes, rows, columns, (6, 6) if for_page else (wide, high))
        axes.set_ylabel(rows.label)
        axes.set_title(title, wrap=True)
        good = f"{label}, {better} is better" if better else label
        figure.colorbar(image, ax=axes, label=good)
        numbered = (len(columns), len(rows)) == (wide, high) and not for_page
        if numbered:
            _write_numbers(axes, values, np.asarray(image.to_rgba(shown)))
        handles = [] if apart is None else _hatch(axes, apart)
        if boundary is not None:
            handles += draw_boundary(axes, boundary, rows, columns)
        if handles:
            figure.legend(handles=handles, loc="outside lower center", frameon=False)
    return figure


def _write_numbers(axes, values: np.ndarray, colours: np.ndarray) -> None:
    """Write each value on its cell, in the ink that reads there, a rim keeping lines off it."""
    for (row, column), value in np.ndenumerate(values):
        text = "n/a" if np.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"
        cell = colours[row, column]
        ink = "white" if luminance(cell) < 0.179 else "black"  # both then read alike, or better
        written = axes.text(
            column, row, text, ha="center", va="center", fontsize=8, color=ink, zorder=3
        )
        written.set_path_effects([withStroke(linewidth=2.5, foreground=cell)])


def luminance(colour: np.ndarray) -> float:
    """Return the relative luminance of an sRGB colour, 0 (black) to 1 (white), as WCAG has it."""
    channel = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(channel[:3] @ (0.2126, 0.7152, 0.0722))


def _hatch(axes, apart: Apart) -> list:
    """Hatch the cells of which the score says nothing; returns the handle for a legend."""
    for row, column in np.argwhere(apart.cells):
        at = column - 0.5, row - 0.5
        axes.add_patch(Rectangle(at, 1, 1, fill=False, hatch="//", edgecolor="0.7", linewidth=0))
    handle = Patch(facecolor=NOTHING, hatch="//", edgecolor="0.7", linewidth=0, label=apart.reason)
    return [handle] if np.any(apart.cells) else []
