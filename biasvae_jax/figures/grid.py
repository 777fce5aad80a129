"""What maps over the grid share: named cells, and the line that the theory draws between them."""

import numpy as np

from biasvae_jax.axes import Axis, spread
from biasvae_jax.statistics.staircase import boundary_steps

MOST_NUMBERED = 32  # columns or rows; larger maps have no room for a number in each cell
MOST_NAMED = 16  # lines of a legend, cells named along a side of a larger map
BOUNDARY = "#D55E00"


def drawn_cells(rows: Axis, columns: Axis) -> tuple[int, int]:
    """Return the columns and rows that a map has room for: all, or those of a small figure."""
    if max(len(columns), len(rows)) <= MOST_NUMBERED:
        return len(columns), len(rows)
    return MOST_NAMED, MOST_NAMED


def name_cells(axes, rows: Axis, columns: Axis, room: tuple[int, int]) -> None:
    """Name at most so many columns and rows of a map, evenly picked."""
    sides = (axes.set_xticks, axes.set_yticks), (columns, rows), room
    for ticks, axis, most in zip(*sides, strict=True):
        shown = spread(range(len(axis)), most)
        ticks(shown, [f"{axis[i]:g}" for i in shown])
    axes.set_xlabel(columns.label)


def draw_boundary(axes, boundary: np.ndarray, rows: Axis, columns: Axis) -> list:
    """Draw β*(μ) as staircases between the cells they separate; returns those for a legend."""
    name, drawn = f"{columns.symbol}*({rows.symbol})", []
    for each in np.reshape(boundary, (len(rows), -1)).T:
        x, y = boundary_steps(each, columns)
        if not x.size:
            return []  # columns out of order have no "between"
        drawn += axes.step(x, y, where="post", color=BOUNDARY, linewidth=1)
    drawn[0].set(linewidth=2.5, label=f"{name}: to its right, the linear theory predicts collapse")
    if len(drawn) > 1:
        drawn[1].set(label="the same of each further latent")
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    return drawn[:2]
