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
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from biasvae_jax.config import Config

MANIFEST = "manifest.json"
WRITING = ".writing-"  # begins the temporary names; what a kill leaves of them is swept away
MAX_JSON_BYTES = 64 * 2**20


class StorageError(RuntimeError):
    """Nothing more can be read or written; one line says what, and that nothing is lost."""


@contextmanager
def reporting_disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into a StorageError of one line."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write to {path}: {error.strerror or error}; nothing stored so far is lost, "
            "mend it and run the same command again"
        ) from error


def save_tree(folder: Path, tree: Any, config: Config) -> None:
    """Store a nested dict of numpy arrays as `folder`, whole or not at all."""
    with writing_folder(folder) as temporary:
        _save_arrays(temporary, tree)
        about = {"name": folder.name, "config": config_hash(config), "files": digests(temporary)}
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
        with _quiet_orbax():
            tree = _handler().restore(folder.absolute())
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


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its kind where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _save_arrays(folder: Path, tree: Any) -> None:
    try:
        with _quiet_orbax():
            _handler().save(folder.absolute(), tree)
    except Exception as error:
        raise _as_os_error(error) from error


@contextmanager
def _quiet_orbax() -> Iterator[None]:
    """Keep orbax from printing warnings, and every failure's traceback before it is raised."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _as_os_error(error: Exception) -> OSError:
    """Find the system's own error in tensorstore's, which is a ValueError whatever it was."""
    code = re.search(r"\[os_error_code='(\d+)'\]", str(error))
    return OSError(int(code[1]), os.strerror(int(code[1]))) if code else OSError(first_line(error))


@functools.cache
def _handler() -> Any:
    """Make orbax's handler, for numpy arrays alone and without a wait for other processes."""
    import orbax.checkpoint as ocp  # slow to import, and only needed when something is stored

    class WaitsForAll(ocp.type_handlers.NumpyHandler):
        """Writes each array in a thread of its own, and leaves none under way if one fails."""

        async def serialize(self, values, infos, args=None):
            writes = []
            args = args or [ocp.SaveArgs()] * len(values)
            for value, info, arg in zip(values, infos, args, strict=True):
                writes += await super().serialize([value], [info], [arg])
            failures = [failure for write in writes if (failure := _failure_of(write))]
            if failures:
                raise failures[0]
            return []

    registry = ocp.type_handlers.create_type_handler_registry((np.ndarray, WaitsForAll()))
    return ocp.PyTreeCheckpointHandler(
        use_ocdbt=False, use_compression=False, type_handler_registry=registry
    )


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


# Files ------------------------------------------------------------------------------------------


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


def read_json(file: Path) -> Any:
    """Read a JSON file; raises OSError or, whatever else is wrong with it, ValueError."""
    with file.open("rb") as stream:
        content = stream.read(MAX_JSON_BYTES + 1)
    if len(content) > MAX_JSON_BYTES:
        raise ValueError("it is too large")
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


@contextmanager
def writing_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to fill under a temporary name; it gets its own when the block ends well."""
    with reporting_disk_errors(folder):
        folder.parent.mkdir(exist_ok=True)
        temporary = folder.with_name(WRITING + folder.name)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        _move_whole(temporary, folder)


def write_atomically(file: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it, so that it is never half there."""
    temporary = file.with_name(WRITING + file.name)
    temporary.unlink(missing_ok=True)
    with temporary.open("xb") as stream:  # never through a link that lies there already
        stream.write(content)
    _move_whole(temporary, file)


def _move_whole(temporary: Path, final: Path) -> None:
    """Rename a file or folder to its final name once all of it is on the disk.

    A folder that has the name already is removed first: only damaged ones are ever replaced.
    """
    with ThreadPoolExecutor(16) as pool:  # a disk serves many at once, and one file in milliseconds
        list(pool.map(_sync, (*temporary.rglob("*"), temporary)))
    if temporary.is_dir():
        shutil.rmtree(final, ignore_errors=True)
    os.replace(temporary, final)
    _sync(final.parent)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
