"""Images of a world, grey or RGB, in rows and columns."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from biasvae_jax.drawing import own_settings

GAP = "#4477AA"  # between images


def pictures(images: ArrayLike, shape: tuple[int, int, int]) -> np.ndarray:
    """Fold flat images `[..., pixels]` of a world's shape, (height, width, channels), for drawing.

    Three channels stay as RGB, `[..., height, width, 3]`; others become their mean, which is grey,
    `[..., height, width]`.
    """
    folded = np.asarray(images).reshape(*np.shape(images)[:-1], *shape)
    return folded if shape[2] == 3 else folded.mean(-1) if shape[2] > 1 else folded[..., 0]


@own_settings()
def image_grid(
    images: np.ndarray,
    title: str,
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
    column_label: str = "",
) -> Figure:
    """Draw images of one size on one scale, from 0 (black) to 1 (white or a pure colour).

    `images` are grey, `[rows, columns, height, width]`, or RGB, `[..., 3]`.
    """
    coloured = images.ndim == 5
    rows, columns, high, wide = images.shape[:4]
    gap = max(1, min(high, wide) // 20)
    down, across = high + gap, wide + gap  # an image and the gap after it
    canvas = np.full((rows * down - gap, columns * across - gap, *images.shape[4:]), np.nan)
    for row, column in np.ndindex(rows, columns):
        top, left = row * down, column * across
        canvas[top : top + high, left : left + wide] = images[row, column]
    width = min(13.0, max(5.0, 0.6 * columns))
    height = 1.4 + width * canvas.shape[0] / canvas.shape[1]
    figure = Figure(figsize=(width + 2.2, height), layout="constrained")
    figure.suptitle(title, fontsize=11, wrap=True)
    axes = figure.add_subplot()
    grey = colormaps["gray"].with_extremes(bad=GAP)
    if coloured:
        canvas = np.where(np.isnan(canvas), to_rgb(GAP), np.clip(canvas, 0, 1))
    shown = axes.imshow(canvas, cmap=grey, vmin=0, vmax=1, interpolation="nearest")
    axes.set_yticks(np.arange(len(row_names)) * down + high / 2, row_names)
    axes.set_xticks(np.arange(len(column_names)) * across + wide / 2, column_names)
    axes.tick_params(length=0)
    axes.set(xlabel=column_label)
    axes.spines[:].set_visible(False)
    if not coloured:
        figure.colorbar(shown, ax=axes, label="intensity", fraction=0.05, pad=0.02, aspect=12)
    return figure
