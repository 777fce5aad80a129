"""A score over the grid as a small map for a terminal: numbers on colours, β* a bar between cells.

Where there are no colours (a file, a pipe, NO_COLOR) the numbers stay.
"""

import math

import numpy as np
from matplotlib import colormaps
from rich.color import Color
from rich.style import Style
from rich.text import Text

from biasvae_jax.axes import Axis, thinned
from biasvae_jax.meaning import COLOURS, Meaning

BAR = "┃"
MOST_ROWS = 24


def colour_map(
    values: np.ndarray,
    rows: Axis,
    columns: Axis,
    meaning: Meaning,
    boundary: np.ndarray | None = None,
    limits: tuple[float, float] | None = None,
    width: int = 80,
) -> list[Text]:
    """Draw a score `[rows, columns]`, NaN where there is none, in lines of at most `width` cells.

    Both axes rise. `boundary` `[rows]` is the strength beyond which the theory expects collapse,
    `limits` the values at the ends of the colours (None: the meaning's). A grid with too many
    cells is thinned evenly, its ends kept, and the last line says so.
    """
    i, j = np.argsort(rows.values).tolist(), np.argsort(columns.values).tolist()
    corner = f"{rows.symbol}\\{columns.symbol}"
    left = max(map(len, [corner, *map(_short, rows)])) + 1
    limits = limits or meaning.limits(values)
    small = limits is not None and max(map(abs, limits)) < 0.1  # two digits would not tell them
    texts = [_number(v, small) for v in np.ravel(values)]
    cell = max(len(text) for text in [*texts, *map(_short, columns)]) + 1  # and the place of β*
    i, j = thinned(i, MOST_ROWS), thinned(j, max(1, (width - left - 1) // cell))
    strengths = [columns[k] for k in j]
    head = "".join(_short(value).rjust(cell) for value in strengths)
    lines = [Text(corner.ljust(left) + head)]
    for row in i:
        line = Text(_short(rows[row]).ljust(left))
        threshold = math.nan if boundary is None else float(boundary[row])
        at = -1 if math.isnan(threshold) else sum(each < threshold for each in strengths)
        for place, column in enumerate(j):
            value = float(values[row, column])
            text = _number(value, small).rjust(cell - 1)
            line.append((BAR if place == at else " ") + text, _style(value, limits, meaning))
        lines.append(line)
    cut = [
        f"{len(shown)} of {len(axis)} {axis.symbol}"
        for shown, axis in ((i, rows), (j, columns))
        if len(shown) < len(axis)
    ]
    return [*lines, Text(f"shown: {', '.join(cut)}")] if cut else lines


def _style(value: float, limits: tuple[float, float] | None, meaning: Meaning) -> Style:
    """Colour a cell: yellow is good, black or white type on it."""
    if limits is None or not math.isfinite(value):
        return Style()
    low, high = limits
    share = (value - low) / (high - low) if high > low else 1.0
    red, green, blue = colormaps[COLOURS[meaning.better]](min(max(share, 0.0), 1.0))[:3]
    light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.4
    back = Color.from_rgb(*(255 * part for part in (red, green, blue)))
    return Style(bgcolor=back, color="black" if light else "bright_white")


def _short(value: float) -> str:
    return f"{value:g}"


def _number(value: float, small: bool = False) -> str:
    """Write a value in few characters: .93, 1.0, 12, 3e+04; – where there is none."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 9_999.5 or (small and size):
        return f"{value:.0e}"
    text = f"{value:.2f}" if size < 9.995 else f"{value:.0f}"
    return text.replace("0.", ".", 1) if size < 0.995 else text
