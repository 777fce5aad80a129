"""A map of what became of each model over the grid."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from biasvae_jax.axes import Axis
from biasvae_jax.drawing import own_settings
from biasvae_jax.figures.grid import draw_boundary, drawn_cells, name_cells
from biasvae_jax.statistics.regimes import WORDS, Regime, in_words

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
    wide, high = drawn_cells(rows, columns)
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
        thin = min(1.0, 16 / max(len(rows), len(columns)))  # lines must not hide many cells
        between = {"colors": "white", "linewidth": thin}
        axes.vlines(np.arange(1, len(columns)) - 0.5, -0.5, len(rows) - 0.5, **between)
        axes.hlines(np.arange(1, len(rows)) - 0.5, -0.5, len(columns) - 0.5, **between)
        name_cells(axes, rows, columns, (wide, high))
        axes.set(title=name)
        if boundary is not None:
            line = draw_boundary(axes, boundary, rows, columns)
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
