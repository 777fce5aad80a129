"""One writer for each run directory: a lock that says who holds it and dies with its process."""

import contextlib
import errno
import json
import os
import shutil
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import psutil

try:
    import fcntl
except ImportError:  # Windows, whose locks filelock takes in another way
    fcntl = None

from biasvae_jax.errors import BadInput
from biasvae_jax.runs.files import (
    UNSUPPORTED,
    WRITING,
    StorageError,
    make_folder,
    naming,
    read_json,
    reporting_disk_errors,
    write_atomically,
)

LOCK_SECONDS = 0.5  # a new holder needs a moment to write who it is


class RunDirectoryError(BadInput):
    """A directory that cannot be used as asked; one line says why and what to do (bad input)."""


_held: dict[Path, int] = {}  # run directories locked by this process: inode of the lock


@contextmanager
def lock_run(path: Path) -> Iterator[None]:
    """Hold the run directory as its one writer; the lock of a dead process is free at once.

    Sweeps away what a killed process left half-written. Raises RunDirectoryError that names the
    holder (host, process, since when), or says that the file system has no locks.
    """
    path = path.absolute()
    holder = path / ".holder.json"
    with refusing_the_place(path), reporting_disk_errors(path):
        make_folder(path)
        lock = filelock.FileLock(path / ".lock", timeout=LOCK_SECONDS)
        try:
            _acquire(lock)
        except filelock.Timeout:
            raise RunDirectoryError(
                f"{path} is in use by {_name_holder(holder)}; wait for it, or use another directory"
            ) from None
    try:
        with refusing_the_place(path), reporting_disk_errors(path):
            me = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}
            write_atomically(holder, json.dumps(me).encode())
            _sweep(path)
            _held[path] = (path / ".lock").stat().st_ino
        yield
    finally:
        _held.pop(path, None)
        with contextlib.suppress(OSError):
            holder.unlink()
        lock.release()


@contextmanager
def refusing_the_place(path: Path) -> Iterator[None]:
    """Turn the StorageError of what a file system cannot do at all into a RunDirectoryError."""
    try:
        yield
    except StorageError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno not in UNSUPPORTED:
            raise
        raise RunDirectoryError(
            f"{path} cannot hold a run ({cause.strerror or cause}); "
            "choose another directory, such as one on a local disk"
        ) from None


def _acquire(lock: filelock.BaseFileLock) -> None:
    """Acquire a lock, and see that it keeps others out; filelock makes do with less than that."""
    try:
        with warnings.catch_warnings(), naming("locking a file"):
            warnings.simplefilter("ignore")
            lock.acquire()
            if _is_free(Path(lock.lock_file)):
                raise OSError(errno.ENOTSUP, "it was granted twice")
    except (OSError, NotImplementedError) as error:
        lock.release()
        if isinstance(error, NotImplementedError):
            raise OSError(errno.ENOSYS, "") from error
        raise


def _is_free(file: Path) -> bool:
    """Tell whether a file can be locked by whoever opens it anew."""
    if fcntl is None:
        return False
    with file.open("rb+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # file systems say it in either way
            return False
    return True


def _name_holder(file: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, OverflowError):
        holder = read_json(file)
        host, pid = str(holder["host"])[:64], int(holder["pid"])
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(holder["since"])))
        if host != socket.gethostname() or psutil.pid_exists(pid):
            return f"process {pid} on {host!r} since {since}"
    return "another process"


def _sweep(path: Path) -> None:
    for leftover in list(path.rglob(WRITING + "*")):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def holds(path: Path) -> bool:
    """Tell whether this process holds a run directory."""
    return path.absolute() in _held


def check_still_ours(path: Path) -> None:
    """Raise FileNotFoundError if a locked directory was deleted, or deleted and made anew."""
    inode = _held.get(path.absolute())
    if inode is not None and (path / ".lock").stat().st_ino != inode:
        raise FileNotFoundError(f"another directory has taken the place of {path}")
