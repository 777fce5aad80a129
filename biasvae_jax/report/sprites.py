"""Grids of small images as one PNG each, ready to stand in a page."""

import base64
import io

import numpy as np
from PIL import Image

GAP = 255  # the grey value that is drawn transparent
LEVELS = 64  # of grey; more would only make the files larger


def sprite(images: np.ndarray) -> str:
    """Draw images `[rows, columns, side, side]`, 0 black to 1 white, as a PNG's data URI.

    Values outside [0, 1] are clipped; between images there is a transparent gap.
    """
    rows, columns, side, _ = images.shape
    pitch = side + max(1, side // 10)
    canvas = np.full((rows * pitch - (pitch - side), columns * pitch - (pitch - side)), GAP)
    grey = np.round(np.nan_to_num(np.clip(images, 0, 1)) * (LEVELS - 1)) * (
        (GAP - 1) // (LEVELS - 1)
    )
    for row, column in np.ndindex(rows, columns):
        top, left = row * pitch, column * pitch
        canvas[top : top + side, left : left + side] = grey[row, column]
    content = io.BytesIO()
    Image.fromarray(canvas.astype(np.uint8)).save(
        content, format="PNG", optimize=True, transparency=GAP
    )
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
