"""A tree of arrays as a folder that is there whole or not at all.

The folder holds orbax's files and a manifest: the folder's name, the config's hash, and the
SHA-256 of each file. It is written under a temporary name and renamed when all of it is on the
disk, so a kill at any instant leaves only whole folders.
"""

import errno
import functools
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from biasvae_jax.runs.files import (
    AT_ONCE,
    StorageError,
    need_descriptors,
    plain_name,
    reporting_disk_errors,
    write_atomically,
    writing_folder,
)
from biasvae_jax.study import Study

MANIFEST = "manifest.json"
Keys = tuple[str, ...]
DESCRIPTORS = 5 * (AT_ONCE + 1)  # arrays with an event loop and a file each, and orbax itself


def save_tree(folder: Path, tree: Any, study: Study, part: slice | None = None) -> None:
    """Store a nested dict of numpy arrays as `folder`, whole or not at all.

    `part` says which models of the config's grid they are.
    """
    with writing_folder(folder) as temporary:
        _save_arrays(temporary, tree)
        about = {"name": folder.name, "config": study_hash(study), "files": digests(temporary)}
        about |= {} if part is None else {"models": [part.start, part.stop]}
        _refuse_missing_arrays(folder, tree, about["files"])
        write_atomically(temporary / MANIFEST, json.dumps(seal(about)).encode())


def seal(manifest: dict) -> dict:
    """Return a manifest with the SHA-256 of the rest of it."""
    rest = {key: value for key, value in manifest.items() if key != "seal"}
    return rest | {"seal": hashlib.sha256(json.dumps(rest).encode()).hexdigest()}


def study_hash(study: Study) -> str:
    """Return the SHA-256 of a config's JSON."""
    return hashlib.sha256(study.to_json().encode()).hexdigest()


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
    for array in map(".".join, shapes(tree)):
        if array not in there:
            raise StorageError(f"{array} did not arrive in {folder}; nothing stored so far is lost")


def shapes(tree: Any, keys: Keys = ()) -> dict[Keys, Any]:
    """Return the (shape, dtype) of each array of a nested dict, by its keys."""
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        return {keys: (tuple(tree.shape), np.dtype(tree.dtype))}
    inside: dict[Keys, Any] = {}
    for key, value in tree.items():
        inside |= shapes(value, (*keys, str(key)))
    return inside


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
    if os.strerror(errno.ENAMETOOLONG) in str(error):  # of which older versions give no code
        return OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
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
