"""A tree of arrays as a folder that is there whole or not at all.

The folder holds orbax's files and a manifest: the folder's name, the config's hash, and the
SHA-256 of each file. It is written under a temporary name and renamed when all of it is on the
disk, so a kill at any instant leaves only whole folders.
"""

import functools
import hashlib
import json
import logging
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from biasvae_jax.config import Config
from biasvae_jax.files import (
    AT_ONCE,
    StorageError,
    first_line,
    need_descriptors,
    plain_name,
    read_json,
    reporting_disk_errors,
    write_atomically,
    writing_folder,
)

MANIFEST = "manifest.json"
DESCRIPTORS = 5 * (AT_ONCE + 1)  # arrays with an event loop and a file each, and orbax itself


def save_tree(folder: Path, tree: Any, config: Config) -> None:
    """Store a nested dict of numpy arrays as `folder`, whole or not at all."""
    with writing_folder(folder) as temporary:
        _save_arrays(temporary, tree)
        about = {"name": folder.name, "config": config_hash(config), "files": digests(temporary)}
        _refuse_missing_arrays(folder, tree, about["files"])
        write_atomically(temporary / MANIFEST, json.dumps(seal(about)).encode())


def load_tree(folder: Path, config: Config, like: Any = None) -> Any:
    """Read a tree stored by `save_tree`; raises StorageError naming the file that is damaged.

    If `like` is given, the keys, shapes and dtypes must be its own.
    """
    try:
        manifest = read_json(folder / MANIFEST)
        if manifest != seal(manifest):
            raise ValueError("it was changed")
        expected, name, owner = dict(manifest["files"]), manifest["name"], manifest["config"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise StorageError(f"{folder / MANIFEST} is missing or damaged") from None
    if (name, owner) != (folder.name, config_hash(config)):
        raise StorageError(f"{folder} belongs to another run, or was renamed")
    found = digests(folder)
    for file in sorted(expected.keys() | found.keys()):
        if expected.get(file) != found.get(file):
            raise StorageError(f"{folder / file} is missing or damaged")
    try:
        _refuse_foreign_metadata(folder)
        with plain_name(folder) as name, _quiet_orbax():
            tree = _handler().restore(name)
        if like is not None and _shapes(tree) != _shapes(like):
            raise ValueError("it does not hold the arrays of this run")
        return tree
    except Exception as error:  # orbax, tensorstore and json have exceptions of their own
        raise StorageError(f"{folder} cannot be read: {first_line(error)}") from None


def seal(manifest: dict) -> dict:
    """Return a manifest with the SHA-256 of the rest of it."""
    rest = {key: value for key, value in manifest.items() if key != "seal"}
    return rest | {"seal": hashlib.sha256(json.dumps(rest).encode()).hexdigest()}


def config_hash(config: Config) -> str:
    """Return the SHA-256 of a config's JSON."""
    return hashlib.sha256(config.to_json().encode()).hexdigest()


def _save_arrays(folder: Path, tree: Any) -> None:
    with plain_name(folder) as name, _quiet_orbax():
        try:
            _handler().save(name, tree)
        except Exception as error:
            found = _os_error(error)
            if found is None:
                raise
            raise found from error


def _refuse_missing_arrays(folder: Path, tree: Any, files: dict[str, str]) -> None:
    """Raise StorageError unless each array of a tree is among the files of its folder."""
    there = {Path(file).parent.as_posix() for file in files if not file.endswith(".zarray")}
    arrays = [name for name, kind in _shapes(tree).items() if kind != {}]
    for array in (name.removeprefix("/").replace("/", ".") for name in arrays):
        if array not in there:
            raise StorageError(f"{array} did not arrive in {folder}; nothing stored so far is lost")


@contextmanager
def _quiet_orbax() -> Iterator[None]:
    """Keep orbax from printing warnings, and every failure's traceback before it is raised.

    Raises OSError where it could not open its files and event loops: it would print that, too.
    """
    need_descriptors(DESCRIPTORS)
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _os_error(error: Exception) -> OSError | None:
    """Find the system's own error in tensorstore's, which is a ValueError whatever it was.

    None where there is none: then it is a mistake in a program, and no fault of the disk.
    """
    code = re.search(r"\[os_error_code='(\d+)'\]", str(error))
    if code:
        return OSError(int(code[1]), os.strerror(int(code[1])))
    return error if isinstance(error, OSError) else None


@functools.cache
def _handler() -> Any:
    """Make orbax's handler, for numpy arrays alone and without a wait for other processes."""
    import orbax.checkpoint as ocp  # slow to import, and only needed when something is stored
    import tensorstore

    # it is `_move_whole` that syncs, and knows which folders cannot be
    context = tensorstore.Context({"file_io_sync": False})

    class WaitsForAll(ocp.type_handlers.NumpyHandler):
        """Writes each array in a thread of its own, and leaves none under way if one fails.

        Few at once: each takes descriptors, of which a process may have no more than 64.
        """

        async def serialize(self, values, infos, args=None):
            args = args or [ocp.SaveArgs()] * len(values)
            for some in _batched(list(zip(values, infos, args, strict=True))):
                writes = []
                for value, info, arg in some:
                    info.ts_context = context
                    writes += await super().serialize([value], [info], [arg])
                failures = [failure for write in writes if (failure := _failure_of(write))]
                if failures:
                    raise failures[0]
            return []

        async def deserialize(self, infos, args=None):
            args = args or [ocp.RestoreArgs()] * len(infos)
            read = []
            for some in _batched(list(zip(infos, args, strict=True))):
                read += await super().deserialize(*map(list, zip(*some, strict=True)))
            return read

    registry = ocp.type_handlers.create_type_handler_registry((np.ndarray, WaitsForAll()))
    return ocp.PyTreeCheckpointHandler(
        use_ocdbt=False, use_compression=False, type_handler_registry=registry
    )


def _batched(items: list) -> Iterator[list]:
    """Cut a list into pieces of `AT_ONCE`."""
    return (items[i : i + AT_ONCE] for i in range(0, len(items), AT_ONCE))


def _failure_of(write: Any) -> Exception | None:
    try:
        write.result()
    except Exception as error:
        return error
    return None


def _shapes(tree: Any, name: str = "") -> dict[str, Any]:
    """Return the (shape, dtype) of each array of a nested dict, by its full name."""
    if not isinstance(tree, dict):
        return {name: (tuple(tree.shape), np.dtype(tree.dtype))}
    inside = {name: {}}
    for key, value in tree.items():
        inside |= _shapes(value, f"{name}/{key}")
    return inside


def _refuse_foreign_metadata(folder: Path) -> None:
    """Raise ValueError unless orbax's metadata name uncompressed arrays in `folder` alone.

    Orbax itself would follow a name out of the folder, and allocate whatever size a file states.
    """
    metadata = read_json(folder / "_METADATA")
    if metadata["use_ocdbt"] or metadata["use_zarr3"]:
        raise ValueError("its format is not the one written here")
    inside = {path.name for path in folder.iterdir()}
    for entry in metadata["tree_metadata"].values():
        name = ".".join(key["key"] for key in entry["key_metadata"])
        kind = entry["value_metadata"]["value_type"]
        if kind == "np.ndarray" and name in inside:
            _refuse_false_size(folder / name)
        elif kind not in ("Dict", "None"):
            raise ValueError("its metadata name something else than its arrays")


def _refuse_false_size(array: Path) -> None:
    stated = read_json(array / ".zarray")
    size = np.dtype(stated["dtype"]).itemsize * math.prod(stated["shape"])
    chunks = [path.stat().st_size for path in array.iterdir() if path.name != ".zarray"]
    if stated["compressor"] or stated["filters"] or not 0 <= size <= sum(chunks):
        raise ValueError(f"{array.name} is not the plain array it should be")


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder but its manifest; refuses links."""
    found = {}
    with reporting_disk_errors(folder):
        for file in sorted(folder.rglob("*")):
            if file.is_symlink():
                raise StorageError(f"{file} is a link out of the run; refusing to follow")
            if file.is_file() and file.name != MANIFEST:
                with file.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                found[str(file.relative_to(folder))] = digest
    return found
