"""Readers of the field's data files: rows of images with their factors, sizes checked first.

    dSprites    .npz   imgs, latents_values (latents_names where given)
    MPI3D       .npz   images, every combination of its factors in their order
    3D Shapes   .h5    images, labels

Sources: Matthey et al. 2017, "dSprites"; Gondal et al. 2019, "MPI3D"; Burgess & Kim 2018, "3D
Shapes".
"""

import functools
import hashlib
import math
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import psutil

from biasvae_jax.components import ConfigError
from biasvae_jax.factors import MOST_CLASSES, Factor, Kind
from biasvae_jax.worlds.grid import find_grid
from biasvae_jax.worlds.rows import Rows

DSPRITES = ("color", "shape", "scale", "orientation", "position x", "position y")
SHAPES3D = ("floor hue", "wall hue", "object hue", "scale", "shape", "orientation")
MPI3D = (
    *("object color", "object shape", "object size", "camera height"),
    *("background color", "horizontal axis", "vertical axis"),
)
MPI3D_SIZES = {1_036_800: (6, 6, 2, 3, 3, 40, 40), 460_800: (4, 4, 2, 3, 3, 40, 40)}
NUMBERS = {
    *("scale", "orientation", "position x", "position y"),
    *("object size", "camera height", "horizontal axis", "vertical axis"),
}
"""Factors whose values are numbers on a scale, and not labels."""


def fingerprint(file: Path) -> str:
    """Return the SHA-256 of a file; raises ConfigError of one line if it cannot be read."""
    try:
        stat = file.stat()
        return _fingerprint(file, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise ConfigError(f"--data {file} cannot be read: {error.strerror or error}") from None


@functools.lru_cache(maxsize=4)
def _fingerprint(file: Path, size: int, changed: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@functools.lru_cache(maxsize=1)
def read_rows(file: Path, rows: int | None, sha256: str) -> Rows:
    """Read a data file, or `rows` of its rows picked evenly at random (always the same).

    `sha256` is its fingerprint: another file of this name is another argument. Raises ConfigError
    of one line if it is missing, truncated, of another layout, larger than memory, or without a
    factor that varies.
    """
    readers = {".npz": _read_npz, ".h5": _read_h5, ".hdf5": _read_h5}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise ConfigError(f"--data {file}: its name must end in .npz (dSprites) or .h5 (3D Shapes)")
    try:
        images, factors, names = reader(file, rows)
    except ConfigError:
        raise
    except Exception as error:  # zipfile, numpy and h5py have exceptions of their own
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConfigError(f"--data {file} is damaged or no data file: {line[:200]}") from None
    varies = np.ptp(factors, axis=0) > 0 if len(factors) else np.zeros(len(names), bool)
    if not varies.any():
        raise ConfigError(f"--data {file} has no factor that varies over its {len(factors)} rows")
    values = np.ascontiguousarray(factors[:, varies], np.float32)
    kept = [name for name, each in zip(names, varies, strict=True) if each]
    known = tuple(Factor(n, kind_of(n, v)) for n, v in zip(kept, values.T, strict=True))
    white = 1 if images.max(initial=0) <= 1 else 255
    return Rows(images, values, known, white, grid=find_grid(values))


def kind_of(name: str, values: np.ndarray) -> Kind:
    """Return a factor's kind: two values are binary, known numbers continuous, else labels.

    Of a name that is not known, more than 100 values are numbers too.
    """
    different = len(np.unique(values))
    if different == 2:
        return "binary"
    return "continuous" if name in NUMBERS or different > MOST_CLASSES else "categorical"


def _read_npz(file: Path, rows: int | None) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    with zipfile.ZipFile(file) as archive:
        mpi3d = "imgs.npy" not in archive.namelist() and "images.npy" in archive.namelist()
        key = "images" if mpi3d else "imgs"
        shape, dtype = _npy_header(archive, file, key)
    sizes = _mpi3d_sizes(shape) if mpi3d else None
    if sizes is not None:
        shape = (math.prod(sizes), *shape[-3:])
    _check_shapes(file, shape, dtype, shape[0])
    kept = _room(file, shape, rows)
    with np.load(file, allow_pickle=False) as arrays:
        if sizes is not None:
            factors = np.stack(np.unravel_index(np.arange(shape[0]), sizes), axis=1) * 1.0
            names = MPI3D
        elif "latents_values" not in arrays:
            raise ConfigError(f"--data {file} has no latents_values, which dSprites' layout needs")
        else:
            factors, names = np.asarray(arrays["latents_values"], np.float64), DSPRITES
        images = arrays[key].reshape(shape)
        if "latents_names" in arrays.files:
            names = tuple(str(n) for n in np.asarray(arrays["latents_names"]).ravel())
    factors = _check_factors(file, factors, shape[0])
    names = names if len(names) == factors.shape[1] else _numbered(factors.shape[1])
    picked = _pick(shape[0], kept)
    images = images.reshape(*shape[:3], -1)
    return (images, factors, names) if picked is None else (images[picked], factors[picked], names)


def _read_h5(file: Path, rows: int | None) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    with h5py.File(file, "r") as stored:
        for name in ("images", "labels"):
            item = stored.get(name)
            if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
                raise ConfigError(f"--data {file} has no {name}, which 3D Shapes' layout needs")
        images: Any = stored["images"]
        _check_shapes(file, images.shape, images.dtype, images.shape[0])
        kept = _room(file, images.shape, rows)
        labels: Any = stored["labels"]
        factors = _check_factors(file, np.asarray(labels, np.float64), images.shape[0])
        names = SHAPES3D if factors.shape[1] == len(SHAPES3D) else _numbered(factors.shape[1])
        picked = _pick(images.shape[0], kept)
        pixels = images[:] if picked is None else images[picked]
    pixels = pixels.reshape(*pixels.shape[:3], -1)
    return pixels, factors if picked is None else factors[picked], names


def _mpi3d_sizes(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the numbers of values of MPI3D's factors; the file may hold its rows in one axis."""
    return shape[:-3] if len(shape) > 4 else MPI3D_SIZES.get(math.prod(shape[:-3]))


def _npy_header(archive: zipfile.ZipFile, file: Path, name: str) -> tuple[tuple[int, ...], Any]:
    """Read shape and dtype of an array in an npz without reading the array."""
    if f"{name}.npy" not in archive.namelist():
        raise ConfigError(f"--data {file} has no {name}, which dSprites' layout needs")
    with archive.open(f"{name}.npy") as stream:
        major, _ = np.lib.format.read_magic(stream)
        read = (
            np.lib.format.read_array_header_1_0
            if major == 1
            else (np.lib.format.read_array_header_2_0)
        )
        shape, _, dtype = read(stream)
    return shape, dtype


def _check_shapes(file: Path, shape: tuple[int, ...], dtype: Any, rows: int) -> None:
    square = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))
    if not square or rows < 2 or min(shape) < 1 or np.dtype(dtype) not in (np.uint8, np.bool_):
        raise ConfigError(
            f"--data {file}: images must be uint8 [rows, height, width] or "
            f"[rows, height, width, 1 or 3]; found {np.dtype(dtype)} {list(shape)}"
        )


def _check_factors(file: Path, factors: np.ndarray, rows: int) -> np.ndarray:
    if factors.ndim != 2 or len(factors) != rows or not factors.shape[1]:
        raise ConfigError(
            f"--data {file}: factors must be [{rows} rows, factors]; found {list(factors.shape)}"
        )
    if not np.isfinite(factors).all():
        raise ConfigError(f"--data {file}: its factors hold NaN or infinity")
    return factors


def _room(file: Path, shape: tuple[int, ...], rows: int | None) -> int:
    """Return how many rows to keep; raises ConfigError, saying what fits, if they do not fit."""
    kept = min(shape[0], rows or shape[0])
    each = int(np.prod(shape[1:], dtype=float))
    needed = each * (shape[0] if file.suffix.lower() == ".npz" else kept) + 2 * each * kept
    free = psutil.virtual_memory().available
    if needed > 0.8 * free:
        fits = max(0, int((0.8 * free - needed + 3 * each * kept) // (3 * each)))
        raise ConfigError(
            f"--data {file} needs about {needed / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are "
            f"free; --rows {fits} fits"
            if fits >= 2
            else f"--data {file} is larger than memory"
        )
    return kept


def _pick(rows: int, kept: int) -> np.ndarray | None:
    """Choose rows at random, in rising order; None for all."""
    if kept == rows:
        return None
    return np.sort(np.random.default_rng(0).choice(rows, kept, replace=False))


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"factor {i + 1}" for i in range(count))
