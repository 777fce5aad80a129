"""Pictures in files → one uint8 array: the centre of each, made smaller, decoded by Pillow."""

import os
import stat
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from biasvae_jax import host
from biasvae_jax.errors import first_line
from biasvae_jax.waiting import waiting

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
TASK = 32  # pictures of a thread between two looks at the progress
BOMBS = (Image.DecompressionBombWarning, Image.DecompressionBombError)


class Style(NamedTuple):
    """What is made of a picture."""

    size: int
    """Pixels along a side."""
    crop: int | None
    """Side of the square at the centre that is used, in the picture's pixels; None: its shorter
    side."""
    channels: int
    """1 grey, 3 RGB."""


def read_picture(file: Path, style: Style) -> np.ndarray:
    """Read one picture: uint8, `[size, size, channels]`, upright as its camera says.

    The square is made smaller by Pillow's bilinear filter, whose support grows with the factor; one
    of the right size stays as it is. Raises ValueError, OSError or an error of Pillow's.
    """
    if not stat.S_ISREG(os.stat(file).st_mode):
        raise ValueError("is no file")
    with Image.open(file, formats=FORMATS) as opened:
        picture = ImageOps.exif_transpose(opened).convert("L" if style.channels == 1 else "RGB")
    side = style.crop or min(picture.size)
    if side > min(picture.size):
        raise ValueError(f"has {picture.width}×{picture.height} pixels, under --crop {side}")
    left, top = ((n - side) // 2 for n in picture.size)
    picture = picture.crop((left, top, left + side, top + side))
    picture = picture.resize((style.size, style.size), Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(style.size, style.size, style.channels)


def read_pictures(files: Sequence[Path], style: Style, images: np.ndarray) -> dict[int, str]:
    """Read pictures into `images` `[files, size, size, channels]`, a thread for each core.

    Returns what is wrong with those that cannot be read, by number. Pillow's limit of pixels is an
    error here, where by itself it is a warning.
    """

    def some(first: int) -> dict[int, str]:
        wrong = {}
        for number in range(first, min(first + TASK, len(files))):
            try:
                images[number] = read_picture(files[number], style)
            except Exception as error:  # Pillow's decoders have errors of all kinds
                wrong[number] = _what(error)
        return wrong

    wrong: dict[int, str] = {}
    with (
        warnings.catch_warnings(),  # of the process, so of all threads
        waiting(f"reading {len(files):,} pictures", len(files)) as advance,
        ThreadPoolExecutor(host.cores()) as pool,
    ):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            for found in pool.map(some, range(0, len(files), TASK)):
                wrong |= found
                advance(TASK)
        finally:  # an interrupt ends it
            pool.shutdown(cancel_futures=True)
    return wrong


def _what(error: Exception) -> str:
    """Say what is wrong with a picture, as the rest of a sentence."""
    if isinstance(error, BOMBS):
        return f"has more pixels than Pillow's limit of {Image.MAX_IMAGE_PIXELS:,}"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "is not there"
    if isinstance(error, UnidentifiedImageError):
        return "is no picture"
    if isinstance(error, ValueError) and str(error).startswith(("is ", "has ")):
        return str(error)
    return f"is damaged ({first_line(error)[:80]})"
