"""Grids of small images as one PNG each, ready to stand in a page."""

import base64
import io

import numpy as np
from PIL import Image

GAP = 255  # the level, or palette entry, that is drawn transparent
LEVELS = 64  # of grey; more would only make the files larger


def gap_of(high: int, wide: int) -> int:
    """Return how many pixels lie between images of a size."""
    return max(1, min(high, wide) // 10)


def sprite(images: np.ndarray) -> str:
    """Draw images, 0 black to 1 white or a pure colour, as a PNG's data URI.

    `images` are grey, `[rows, columns, height, width]`, or RGB, `[..., 3]`, which gets a palette of
    its own. Values outside [0, 1] are clipped; between images there is a transparent gap.
    """
    rows, columns, high, wide = images.shape[:4]
    coloured = images.ndim == 5
    gap = gap_of(high, wide)
    down, across = high + gap, wide + gap
    size = (rows * down - gap, columns * across - gap)
    canvas = np.zeros((*size, *images.shape[4:]), np.uint8)
    between = np.ones(size, bool)
    levels, step = (256, 1) if coloured else (LEVELS, (GAP - 1) // (LEVELS - 1))
    inks = np.round(np.nan_to_num(np.clip(images, 0, 1)) * (levels - 1)) * step
    for row, column in np.ndindex(rows, columns):
        top, left = row * down, column * across
        canvas[top : top + high, left : left + wide] = inks[row, column]
        between[top : top + high, left : left + wide] = False
    drawn = Image.fromarray(canvas)
    palette = None
    if coloured:
        drawn = drawn.quantize(GAP, dither=Image.Dither.NONE)
        palette = drawn.getpalette()
    indices = np.where(between, GAP, np.asarray(drawn)).astype(np.uint8)
    picture = Image.fromarray(indices)
    if palette is not None:
        picture.putpalette(palette + [0] * (3 * 256 - len(palette)))
    content = io.BytesIO()
    picture.save(content, format="PNG", optimize=True, transparency=GAP)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
