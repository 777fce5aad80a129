"""Arrays kept in the user's cache directory, known by a key and checked by their SHA-256 when read.

    pictures/KEY/images.npy     uint8, as numpy writes it: no pickle; mapped into memory when read
    pictures/KEY/about.json     its SHA-256, the number of its rows that count, what `fill` said

A folder is written under another name and renamed, so that it is whole or not there.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from biasvae_jax import host
from biasvae_jax.errors import ConfigError
from biasvae_jax.waiting import note

DAY = 86_400


class Kept(NamedTuple):
    """An array of the cache."""

    images: np.ndarray
    sha256: str
    about: Any
    """What `fill` said of it, as JSON has it."""


Fill = Callable[[np.ndarray], tuple[int, Any]]


def kept(key: str, shape: tuple[int, ...], fill: Fill) -> Kept:
    """Return the array of a key, filled if it is not in the cache, or damaged there.

    `fill` writes into a uint8 array of the shape, and returns how many of its first rows count and
    something for JSON. Without a cache directory the array is only in memory. Raises ConfigError of
    one line if the disk has no room.
    """
    directory = host.user_cache("pictures")
    if directory is None:
        images = np.empty(shape, np.uint8)
        rows, about = fill(images)
        return Kept(images[:rows], _sha256(images[:rows]), about)
    found = _read(directory / key, shape)
    if found is None:
        _write(directory, key, shape, fill)
        found = _read(directory / key, shape)
    if found is None:
        raise ConfigError(f"{directory / key} cannot be kept; mend the disk, or set XDG_CACHE_HOME")
    return found


def _read(folder: Path, shape: tuple[int, ...]) -> Kept | None:
    if not folder.is_dir():
        return None
    try:
        stored = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        if images.dtype == np.uint8 and images.shape == shape:
            images = images[: stored["rows"]]
            if _sha256(images) == stored["sha256"]:
                return Kept(images, stored["sha256"], stored["about"])
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        pass
    note(f"{folder} is damaged; the pictures are read anew")
    return None


def _write(directory: Path, key: str, shape: tuple[int, ...], fill: Fill) -> None:
    needed, free = int(np.prod(shape, dtype=float)), shutil.disk_usage(directory).free
    if needed > 0.95 * free:
        raise ConfigError(
            f"{directory} needs {needed / 2**30:.1f} GiB and has {free / 2**30:.1f} GiB; "
            "free some, or name a larger place by XDG_CACHE_HOME"
        )
    for left in directory.glob("writing-*"):  # by a process that was killed
        if time.time() - left.stat().st_mtime > DAY:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="writing-", dir=directory) as temporary:
        folder = Path(temporary) / "whole"
        folder.mkdir()
        images = np.lib.format.open_memmap(
            folder / "images.npy", mode="w+", dtype=np.uint8, shape=shape
        )
        rows, about = fill(images)
        images.flush()
        values = {"sha256": _sha256(images[:rows]), "rows": rows, "about": about}
        (folder / "about.json").write_text(json.dumps(values), encoding="utf-8")
        del images
        shutil.rmtree(directory / key, ignore_errors=True)
        try:
            os.rename(folder, directory / key)
        except OSError:
            if not (directory / key).is_dir():  # not another process's, which was first
                raise


def _sha256(images: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()
