"""Maps over the grid: one score, or what became of each model."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from biasvae_jax.axes import Axis
from biasvae_jax.drawing import own_settings
from biasvae_jax.statistics.regimes import WORDS, Regime, in_words
from biasvae_jax.statistics.staircase import boundary_steps

COLOUR_MAP = "cividis"  # even in lightness, and the same to colour-blind readers
# after Okabe & Ito: apart for colour-blind readers, and none is the boundary's vermilion
COLOURS = {
    Regime.FOLLOWING: "#0072B2",
    Regime.ACTIVE_ON_NOISE: "#9933FF",
    Regime.PARTIAL: "#56B4E9",
    Regime.COLLAPSED_BELOW: "#F0E442",
    Regime.COLLAPSED_BEYOND: "#D9D9D9",
    Regime.ACTIVE_BEYOND: "#CC79A7",
    Regime.COLLAPSED: "#882255",
    Regime.DIVERGED: "#000000",
    Regime.RECOVERED: "#443300",
}
REGIMES = {code: (colour, WORDS[code]) for code, colour in COLOURS.items()}
"""Colour and words of each regime, `{s}` standing for the strength's symbol."""
MOST_NUMBERED = 32  # columns or rows; larger maps have no room for a number in each cell
MOST_NAMED = 16  # lines of a legend, cells named along a side of a larger map


def spread(values: Sequence, most: int) -> Sequence:
    """Return at most so many of the values, evenly picked, the first among them."""
    return values[:: -(-len(values) // most)]


def _drawn_cells(rows: Axis, columns: Axis) -> tuple[int, int]:
    """Return the columns and rows that a map has room for: all, or those of a small figure."""
    if max(len(columns), len(rows)) <= MOST_NUMBERED:
        return len(columns), len(rows)
    return MOST_NAMED, MOST_NAMED


def _name_cells(axes, rows: Axis, columns: Axis) -> None:
    """Name the columns and rows of a map, or some of them where there are many."""
    sides = (axes.set_xticks, axes.set_yticks), (columns, rows), _drawn_cells(rows, columns)
    for ticks, axis, room in zip(*sides, strict=True):
        shown = spread(range(len(axis)), room)
        ticks(shown, [_number(axis[i]) for i in shown])
    axes.set_xlabel(columns.label)


def _number(value: float) -> str:
    return f"{value:g}"


@own_settings()
def heat_map(
    values: np.ndarray,
    rows: Axis,
    columns: Axis,
    title: str,
    label: str,
    boundary: np.ndarray | None = None,
) -> Figure:
    """Draw one score over the grid, its value in each cell.

    `values` `[rows, columns]`, NaN where there is none; `boundary` `[rows]` is the strength at
    which the theory expects collapse, drawn as steps, or `[rows, lines]`, that of each latent,
    falling, thinner after the first.
    """
    values = np.asarray(values, float)
    wide, high = _drawn_cells(rows, columns)
    figure = Figure(figsize=(3.2 + 0.72 * wide, 2.2 + 0.46 * high), layout="constrained")
    axes = figure.add_subplot()
    colours = colormaps[COLOUR_MAP].with_extremes(bad="0.85")
    image = axes.imshow(np.ma.masked_invalid(values), cmap=colours, aspect="auto", origin="lower")
    _name_cells(axes, rows, columns)
    axes.set_ylabel(rows.label)
    axes.set_title(title, wrap=True)
    figure.colorbar(image, ax=axes, label=label)
    least, most = image.get_clim()
    numbered = (len(columns), len(rows)) == (wide, high)
    for (row, column), value in np.ndenumerate(values) if numbered else ():
        text = "n/a" if np.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"
        dark = not np.isnan(value) and value < least + 0.47 * (most - least)  # both read alike
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else "k",
            zorder=3,
        )
    if boundary is not None:
        handles = _draw_boundary(axes, boundary, rows, columns)
        figure.legend(handles=handles, loc="outside lower center", frameon=False)
    return figure


def _draw_boundary(axes, boundary: np.ndarray, rows: Axis, columns: Axis) -> list:
    """Draw β*(μ) as staircases between the cells they separate; returns those for a legend."""
    name, drawn = f"{columns.symbol}*({rows.symbol})", []
    for each in np.reshape(boundary, (len(rows), -1)).T:
        x, y = boundary_steps(each, columns)
        if not x.size:
            return []  # columns out of order have no "between"
        drawn += axes.step(x, y, where="post", color="#D55E00", linewidth=1)
    drawn[0].set(linewidth=2.5, label=f"{name}: to its right, the linear theory predicts collapse")
    if len(drawn) > 1:
        drawn[1].set(label="the same of each further latent")
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    return drawn[:2]


@own_settings()
def regime_map(
    regimes: Mapping[str, np.ndarray],
    rows: Axis,
    columns: Axis,
    boundary: np.ndarray | None = None,
    measured: bool = True,
) -> Figure:
    """Draw what became of the models over the grid, a panel for each run named.

    `regimes` holds codes of `Regime`, `[rows, columns, seed]`: a cell has a share of each seed's
    colour, in the order of the codes. `boundary` `[rows]` is as in `heat_map`, for all runs;
    `measured` is whether `signal_share` was, without which the legend says so.
    """
    wide, high = _drawn_cells(rows, columns)
    width, height = 0.9 + 0.44 * wide, 0.36 * high
    figure = Figure(figsize=(max(7.2, width * len(regimes)), 2.6 + height), layout="constrained")
    several = any(np.shape(codes)[-1] > 1 for codes in regimes.values())
    each = "model (cells are divided among their seeds)" if several else "model"
    figure.suptitle(f"What became of each {each}")
    panels = figure.subplots(1, len(regimes), sharey=True, squeeze=False)[0]
    colours, line = ListedColormap([COLOURS[code] for code in Regime]), []
    for axes, (name, codes) in zip(panels, regimes.items(), strict=True):
        shares = np.sort(np.asarray(codes, int), axis=-1).reshape(len(rows), -1)
        axes.imshow(
            shares,
            cmap=colours,
            vmin=-0.5,
            vmax=len(Regime) - 0.5,
            aspect="auto",
            origin="lower",
            interpolation="nearest",
            extent=(-0.5, len(columns) - 0.5, -0.5, len(rows) - 0.5),
        )
        axes.vlines(np.arange(1, len(columns)) - 0.5, -0.5, len(rows) - 0.5, "white", linewidth=1)
        axes.hlines(np.arange(1, len(rows)) - 0.5, -0.5, len(columns) - 0.5, "white", linewidth=1)
        _name_cells(axes, rows, columns)
        axes.set(title=name)
        if boundary is not None:
            line = _draw_boundary(axes, boundary, rows, columns)
    panels[0].set_ylabel(rows.label)
    present = set(np.concatenate([np.ravel(codes) for codes in regimes.values()]).tolist())
    patches = [
        Patch(color=colour, label=in_words(code, columns.symbol, measured))
        for code, colour in COLOURS.items()
        if code in present
    ]
    beside = 2 if len(regimes) > 1 else 1
    figure.legend(handles=patches + line, loc="outside lower center", ncols=beside, frameon=False)
    return figure
