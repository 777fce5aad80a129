"""Files and folders that are there whole or not at all, and disk errors in one line.

Whatever is written gets a temporary name first, is brought to the disk, and is renamed then.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

WRITING = ".writing-"  # begins the temporary names; what a kill leaves of them is swept away
MAX_JSON_BYTES = 64 * 2**20
MAX_NAME_BYTES = 255  # of a file's name, in nearly every file system
AT_ONCE = 8  # files in work together: a disk serves many, but a process may open few
UNSUPPORTED = {  # what a file system answers to a thing that it cannot do at all
    *(errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL),
    *(errno.EXDEV, errno.ENOLCK, errno.ENAMETOOLONG),
}
PLAIN = re.compile(r"[A-Za-z0-9 /.,=+@_-]*")  # paths that mean the same to every program


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


# Writing ----------------------------------------------------------------------------------------


@contextmanager
def writing_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to fill under a temporary name; it gets its own when the block ends well."""
    with reporting_disk_errors(folder):
        make_folder(folder.parent)
        temporary = _temporary(folder)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        _move_whole(temporary, folder)


def write_atomically(file: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it, so that it is never half there."""
    temporary = _temporary(file)
    temporary.unlink(missing_ok=True)
    with temporary.open("xb") as stream:  # never through a link that lies there already
        stream.write(content)
    _move_whole(temporary, file)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, and bring their names to the disk."""
    folder = folder.absolute()
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        with suppress(PermissionError):  # what may be written but not read cannot be synced
            _sync(each.parent)


def short_name(begin: str, middle: str, end: str = "") -> str:
    """Join a file's name; a middle that makes it too long becomes a part of itself and a hash."""
    room = MAX_NAME_BYTES - len(os.fsencode(WRITING + begin + end))
    content = os.fsencode(middle)
    if len(content) > room:
        digest = hashlib.sha256(content).hexdigest()[:16]
        middle = os.fsdecode(content[: room - len(digest) - 1]) + "-" + digest
    return begin + middle + end


def _temporary(final: Path) -> Path:
    return final.with_name(short_name(WRITING, final.name))


def _move_whole(temporary: Path, final: Path) -> None:
    """Rename a file or folder to its final name once all of it is on the disk.

    A folder that has the name already is removed first: only damaged ones are ever replaced.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:  # one file at a time takes milliseconds
        list(pool.map(_sync, (*temporary.rglob("*"), temporary)))
    kind = "a folder" if temporary.is_dir() else "a file"
    if temporary.is_dir():
        shutil.rmtree(final, ignore_errors=True)
    with naming(f"renaming {kind}"):
        os.replace(temporary, final)
    _sync(final.parent)


def _sync(file: Path) -> None:
    """Bring a file or folder to the disk; a folder only where the file system can."""
    folder = file.is_dir()
    if folder and not hasattr(os, "O_DIRECTORY"):  # Windows does not open folders
        return
    descriptor = os.open(file, os.O_RDONLY)
    try:
        with naming(f"syncing a {'folder' if folder else 'file'}"):
            os.fsync(descriptor)
    except OSError as error:
        if not (folder and error.errno in (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)):
            raise
    finally:
        os.close(descriptor)


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Say in an OSError of the system what was tried."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, f"{what}: {error.strerror}") from error


# What other libraries can take ------------------------------------------------------------------


@contextmanager
def plain_name(folder: Path) -> Iterator[Path]:
    """Give a plain name of a folder: its own, or a link to it in the system's temporary folder.

    tensorstore takes a backslash for a separator and `gs:/` for a place on the network, and
    cannot hold bytes that are no text.
    """
    folder = folder.absolute()
    if PLAIN.fullmatch(str(folder)):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="biasvae-") as place:
        if not PLAIN.fullmatch(place):
            raise StorageError(
                f"neither {folder} nor the temporary folder {place} is a plain path; "
                "set TMPDIR to one of letters and digits, or choose another directory"
            )
        link = Path(place).absolute() / "run"
        link.symlink_to(folder, target_is_directory=True)
        yield link


def need_descriptors(count: int) -> None:
    """Raise OSError (EMFILE) unless the process may open `count` files more."""
    with ExitStack() as opened, naming(f"opening {count} files, raise `ulimit -n`"):
        for _ in range(count):
            opened.enter_context(open(os.devnull))
