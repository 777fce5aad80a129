"""Files and folders that are there whole or not at all, and disk errors in one line.

Whatever is written gets a temporary name first, is brought to the disk, and is renamed then.
"""

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its kind where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


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
