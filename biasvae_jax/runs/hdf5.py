"""HDF5 files before anything in them is believed: whole, of a bounded size, plain numbers alone.

Everything is in memory first: HDF5 can refer to other files, and state sizes of which the file
holds nothing. Datasets of xarray are read from it by h5py alone, in a quarter of the time of
xarray's own way through h5netcdf; what a gap or a packed number means stays xarray's to say.
"""

import io
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from biasvae_jax.runs.sums import read_checked

MAX_VARIABLES = 1_000
LEAST_BYTES = 2**26  # a file may have as much, however small the grid
BYTES_A_MODEL = 2**15  # 200 bins of three curves are 2,400; the scores a few hundred
# attributes by which netCDF-4 keeps its dimensions in HDF5
OF_NETCDF = {
    *("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_NCProperties"),
    *("_Netcdf4Coordinates", "_Netcdf4Dimid", "_nc3_strict"),
}
NO_VARIABLE = b"This is a netCDF dimension but not a netCDF variable"


def most_bytes(models: int) -> int:
    """Return how many bytes a file of a run of so many models may have."""
    return LEAST_BYTES + BYTES_A_MODEL * models


def read_plain(file: Path, most: int, only: Collection[str] | None = None) -> xr.Dataset:
    """Read a netCDF file that is as it was written and holds plain numeric arrays alone.

    `only` names the variables wanted beside the coordinates (None: all). Raises OSError, or another
    exception if it is no such file, or has more than `most` bytes.
    """
    with h5py.File(io.BytesIO(read_checked(file, most)), "r") as stored:
        _refuse_strange_data(stored, most)
        return _dataset(stored, only)


def _refuse_strange_data(stored: h5py.File, most: int) -> None:
    """Raise ValueError unless an HDF5 file holds plain numeric arrays of a bounded size alone."""
    if len(stored) > MAX_VARIABLES:
        raise ValueError("it has too many variables")
    size = 0
    for name in stored:
        item = stored[name] if isinstance(stored.get(name, getlink=True), h5py.HardLink) else None
        if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
            raise ValueError(f"{name!r} is not stored in it")
        if item.dtype.kind not in "iuf" or item.chunks is not None:
            raise ValueError(f"{name!r} is not the plain array it should be")
        size += item.dtype.itemsize * math.prod(item.shape)
    if size > most:
        raise ValueError(f"its arrays have {size:,} bytes, more than such a run's")


def _dataset(stored: h5py.File, only: Collection[str] | None) -> xr.Dataset:
    """Return the variables, dimensions and attributes of a netCDF-4 file without groups.

    Source: the appendix on HDF5 of the netCDF user's guide.
    """
    scales = [n for n, item in stored.items() if item.attrs.get("CLASS") == b"DIMENSION_SCALE"]
    variables = {}
    for name, item in stored.items():
        if name in scales and item.attrs["NAME"].startswith(NO_VARIABLE):
            continue
        if name in scales or only is None or name in only:
            listed = item.attrs["DIMENSION_LIST"] if item.ndim and name not in scales else []
            dims = [str(stored[reference].name)[1:] for (reference,) in listed]
            dims = [name] if name in scales else dims
            variables[name] = xr.Variable(dims, item[()], _attributes(item))
    coordinates = {name: variables.pop(name) for name in scales if name in variables}
    return xr.decode_cf(xr.Dataset(variables, coordinates, _attributes(stored))).load()


def _attributes(item: h5py.Dataset | h5py.File) -> dict[str, Any]:
    """Return texts, numbers and arrays of them; a number is stored as an array of one."""
    attributes = item.attrs
    found = {name: attributes[name] for name in attributes if name not in OF_NETCDF}
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Empty):
        return ""
    if isinstance(value, bytes):
        return value.decode()
    return value[0] if getattr(value, "shape", ()) == (1,) else value
