"""HDF5 files before anything in them is believed: whole, of a bounded size, plain numbers alone.

Everything is in memory first: HDF5 can refer to other files, and state sizes of which the file
holds nothing.
"""

import io
import math
from pathlib import Path

import h5py

from biasvae_jax.runs.sums import read_checked

MAX_VARIABLES = 1_000
LEAST_BYTES = 2**26  # a file may have as much, however small the grid
BYTES_A_MODEL = 2**15  # 200 bins of three curves are 2,400; the scores a few hundred


def most_bytes(models: int) -> int:
    """Return how many bytes a file of a run of so many models may have."""
    return LEAST_BYTES + BYTES_A_MODEL * models


def read_plain(file: Path, most: int) -> bytes:
    """Return an HDF5 file that is as it was written and holds plain numeric arrays alone.

    Raises OSError, or ValueError if it is no such file, or has more than `most` bytes.
    """
    content = read_checked(file, most)
    _refuse_strange_data(content, most)
    return content


def _refuse_strange_data(content: bytes, most: int) -> None:
    """Raise ValueError unless an HDF5 file holds plain numeric arrays of a bounded size alone."""
    with h5py.File(io.BytesIO(content), "r") as file:
        if len(file) > MAX_VARIABLES:
            raise ValueError("it has too many variables")
        size = 0
        for name in file:
            item = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
            if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
                raise ValueError(f"{name!r} is not stored in it")
            if item.dtype.kind not in "iuf" or item.chunks is not None:
                raise ValueError(f"{name!r} is not the plain array it should be")
            size += item.dtype.itemsize * math.prod(item.shape)
        if size > most:
            raise ValueError(f"its arrays have {size:,} bytes, more than such a run's")
