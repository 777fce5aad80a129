"""Rows of images of one size, each row with its label."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

WIDTH = 7.6  # inches, near the width of the page
LABEL = 1.5  # of it, for the labels


class Row(NamedTuple):
    """Images beside each other."""

    label: str
    images: np.ndarray
    """Grey, `[images, height, width]`, or RGB, `[..., 3]`."""
    space: bool = False
    """Whether it begins a new group, a little below the row before."""


def rows_of_images(rows: Sequence[Row], columns: Sequence[str] = ()) -> Figure:
    """Draw rows of equally many images, 0 black to 1 white or a pure colour."""
    count = len(rows[0].images)
    side = (WIDTH - LABEL) / count
    gaps = [0.12 * (row.space and place > 0) for place, row in enumerate(rows)]
    head = 0.22 * bool(columns)
    height = head + (side + 0.03) * len(rows) + sum(gaps)
    figure = Figure(figsize=(WIDTH, height))
    top = height - head
    for row, gap in zip(rows, gaps, strict=True):
        top -= gap + side + 0.03
        figure.text(
            (LABEL - 0.08) / WIDTH, (top + side / 2) / height, row.label,
            ha="right", va="center", fontsize=8,
        )  # fmt: skip
        for place, image in enumerate(row.images):
            left = LABEL + place * side
            box = left / WIDTH, top / height, (side - 0.03) / WIDTH, side / height
            axes = figure.add_axes(box)
            axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_axis_off()
    for place, text in enumerate(columns):
        middle = LABEL + (place + 0.5) * side - 0.015
        figure.text(middle / WIDTH, (height - 0.16) / height, text, ha="center", fontsize=8)
    return figure
