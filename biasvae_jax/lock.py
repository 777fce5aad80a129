"""One writer for each run directory: a lock that says who holds it and dies with its process."""

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import psutil

from biasvae_jax.files import WRITING, read_json, reporting_disk_errors, write_atomically

LOCK_SECONDS = 0.5  # a new holder needs a moment to write who it is


class RunDirectoryError(ValueError):
    """A directory that cannot be used as asked; one line says why and what to do (bad input)."""


_held: dict[Path, int] = {}  # run directories locked by this process: inode of the lock


@contextmanager
def lock_run(path: Path) -> Iterator[None]:
    """Hold the run directory as its one writer; the lock of a dead process is free at once.

    Sweeps away what a killed process left half-written. Raises RunDirectoryError that names the
    holder (host, process, since when).
    """
    path = path.absolute()
    holder = path / ".holder.json"
    with reporting_disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path / ".lock", timeout=LOCK_SECONDS)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise RunDirectoryError(
                f"{path} is in use by {_name_holder(holder)}; wait for it, or use another directory"
            ) from None
    try:
        with reporting_disk_errors(path):
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


def check_still_ours(path: Path) -> None:
    """Raise FileNotFoundError if a locked directory was deleted, or deleted and made anew."""
    inode = _held.get(path.absolute())
    if inode is not None and (path / ".lock").stat().st_ino != inode:
        raise FileNotFoundError(f"another directory has taken the place of {path}")
