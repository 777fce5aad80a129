"""Reads what `trees.save_tree` has written: checked first, then one plain array after another.

A manifest names every file; files that it does not name are nobody's business here. Nothing is
read that is larger than the arrays' shapes say, and no name leads out of the folder.
"""

import hashlib
import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from biasvae_jax.errors import first_line
from biasvae_jax.runs.files import MAX_JSON_BYTES
from biasvae_jax.runs.reading import Damaged, Foreign, cannot_read_now, is_missing, read_bounded
from biasvae_jax.runs.trees import MANIFEST, Keys, seal, shapes, study_hash
from biasvae_jax.study import Study

MAX_DEPTH = 64


def load_tree(
    folder: Path,
    study: Study,
    like: Any = None,
    *,
    owners: Collection[str] = (),
    part: slice | None = None,
    added: Collection[Keys] = (),
) -> Any:
    """Read a tree stored by `save_tree`: a nested dict of arrays.

    If `like` is given, the keys, shapes and dtypes must be its own; arrays that were `added` since
    trees were first stored may be missing. `owners` are hashes that stand for `config` too, and
    `part` the models it must hold. Raises CannotReadNow, Foreign or Damaged.
    """
    try:
        manifest = check_manifest(folder, study, owners=owners, part=part)
        files = manifest["files"]
        empty, arrays = _metadata(folder, files)
        stated = {keys: _stated(folder, ".".join(keys), files) for keys in arrays}
        if like is not None:
            missing = set(added) - stated.keys()
            expected = {k: v for k, v in shapes(like).items() if k not in missing}
            _compare(folder, expected, stated)
        if part is not None and "models" not in manifest:  # stored before groups named theirs
            sizes = {shape[0] if shape else 0 for shape, _ in stated.values()}
            if sizes - {part.stop - part.start}:
                raise Foreign(f"{folder} holds another number of models; move it away")
        _check_room(folder, stated)
        tree: dict = {}
        for keys, value in empty.items():
            _put(tree, keys, value)
        for keys, (shape, dtype) in stated.items():
            _put(tree, keys, _array(folder, ".".join(keys), files, shape, dtype))
        return tree
    except OSError as error:
        if is_missing(error):
            raise Damaged(f"{error.filename or folder} is missing or damaged") from None
        raise cannot_read_now(folder, error) from None
    except MemoryError as error:
        raise cannot_read_now(folder, error) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{folder} cannot be read: {first_line(error)}") from None


def check_manifest(
    folder: Path, study: Study, *, owners: Collection[str] = (), part: slice | None = None
) -> dict[str, Any]:
    """Return a stored tree's manifest if it is whole and this run's; reads no array.

    Raises OSError, Foreign or Damaged.
    """
    try:
        content = read_bounded(folder / MANIFEST, MAX_JSON_BYTES)
        manifest = _json(content)
        if manifest != seal(manifest) or not _is_manifest(manifest):
            raise ValueError("it was changed")
    except (ValueError, TypeError, AttributeError):
        raise Damaged(f"{folder / MANIFEST} is missing or damaged") from None
    if (manifest["name"] != folder.name) or (
        manifest["config"] not in (study_hash(study), *owners)
    ):
        raise Foreign(f"{folder} belongs to another run, or was renamed; move it away")
    held = manifest.get("models")
    if part is not None and held is not None and held != [part.start, part.stop]:
        raise Foreign(
            f"{folder} holds models {held[0]} to {held[1]} of another plan, where {part.start} to "
            f"{part.stop} belong; move it away"
        )
    return manifest


def _is_manifest(manifest: dict) -> bool:
    files, models = manifest.get("files"), manifest.get("models", [0, 1])
    return (
        isinstance(files, dict)
        and all(isinstance(digest, str) and _is_inside(name) for name, digest in files.items())
        and isinstance(manifest.get("name"), str)
        and isinstance(manifest.get("config"), str)
        and isinstance(models, list)
        and [type(bound) for bound in models] == [int, int]
    )


def _is_inside(name: str) -> bool:
    """Tell whether a name is that of a file in a stored tree, at most one folder down."""
    parts = name.split("/")
    return len(parts) <= 2 and tuple(parts) == Path(name).parts and ".." not in parts


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _checked(folder: Path, name: str, files: dict[str, str], most: int) -> bytes:
    """Read a file that the manifest names; raises Damaged unless it is what was written."""
    file = folder / name
    for each in (file.parent, file):
        if each.is_symlink():
            raise Foreign(f"{each} is a link; refusing to follow it out of the run")
    try:
        content = read_bounded(file, most)
    except ValueError:
        content = None
    if content is None or hashlib.sha256(content).hexdigest() != files.get(name):
        raise Damaged(f"{file} is missing or damaged")
    return content


def _metadata(folder: Path, files: dict[str, str]) -> tuple[dict[Keys, Any], list[Keys]]:
    """Read orbax's metadata: the values of empty nodes, and the names of the arrays.

    Raises ValueError if they name anything but plain arrays in this folder.
    """
    metadata = _json(_checked(folder, "_METADATA", files, MAX_JSON_BYTES))
    if metadata["use_ocdbt"] or metadata["use_zarr3"]:
        raise ValueError("its format is not the one written here")
    empty, arrays = {}, []
    for entry in metadata["tree_metadata"].values():
        keys = tuple(key["key"] for key in entry["key_metadata"])
        kind = entry["value_metadata"]["value_type"]
        if not all(isinstance(key, str) for key in keys) or len(keys) > MAX_DEPTH:
            raise ValueError("its metadata hold a strange name")
        if kind == "np.ndarray" and ".".join(keys) + "/.zarray" in files:
            arrays.append(keys)
        elif kind in ("Dict", "None"):
            empty[keys] = {} if kind == "Dict" else None
        else:
            raise ValueError("its metadata name something else than its arrays")
    return empty, arrays


def _stated(folder: Path, name: str, files: dict[str, str]) -> tuple[tuple[int, ...], np.dtype]:
    """Read an array's shape and dtype; raises ValueError unless it is one plain chunk."""
    about = _json(_checked(folder, f"{name}/.zarray", files, MAX_JSON_BYTES))
    shape, dtype = about["shape"], about["dtype"]
    sizes = isinstance(shape, list) and all(type(n) is int and 0 <= n < 2**48 for n in shape)
    plain = sizes and isinstance(dtype, str) and about["order"] == "C" and about["zarr_format"] == 2
    if not plain or about["compressor"] or about["filters"] or len(shape) > 32:
        raise ValueError(f"{name} is not the plain array it should be")
    if about["chunks"] != [max(1, n) for n in shape] or np.dtype(dtype).kind not in "biufcV":
        raise ValueError(f"{name} is not the plain array it should be")
    return tuple(shape), np.dtype(dtype)


def _array(
    folder: Path, name: str, files: dict[str, str], shape: tuple[int, ...], dtype: np.dtype
) -> np.ndarray:
    size = dtype.itemsize * math.prod(shape)
    if not size:
        return np.zeros(shape, dtype)
    chunk = name + "/" + (".".join("0" for _ in shape) or "0")
    content = _checked(folder, chunk, files, size)
    if len(content) != size:
        raise ValueError(f"{name} is not the plain array it should be")
    return np.frombuffer(content, dtype).reshape(shape).copy()


def _put(tree: dict, keys: Keys, value: Any) -> None:
    """Place a value in a nested dict; an empty node may be named beside what is in it."""
    *above, last = keys
    for key in above:
        tree = tree.setdefault(key, {})
    if value != {} if isinstance(value, dict) else True:
        tree[last] = value
    else:
        tree.setdefault(last, value)


def _check_room(folder: Path, stated: dict[Keys, tuple[tuple[int, ...], np.dtype]]) -> None:
    """Raise CannotReadNow if the arrays are larger than the memory left."""
    size = sum(dtype.itemsize * math.prod(shape) for shape, dtype in stated.values())
    if size > psutil.virtual_memory().available:
        raise cannot_read_now(folder, MemoryError())


def _compare(folder: Path, expected: dict[Keys, Any], stated: dict[Keys, Any]) -> None:
    """Raise Foreign, naming the first difference, unless the arrays are those expected."""
    for keys in sorted(expected.keys() | stated.keys()):
        if expected.get(keys) != stated.get(keys):
            held, wanted = _words(stated.get(keys)), _words(expected.get(keys))
            raise Foreign(
                f"{folder} does not hold the arrays of this run ({'.'.join(keys)}: {held}, not "
                f"{wanted}); move it away, or go on with the settings and packages it was made with"
            )


def _words(stated: tuple[tuple[int, ...], np.dtype] | None) -> str:
    return f"{stated[1]} {list(stated[0])}" if stated else "nothing"
