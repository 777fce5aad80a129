"""Reading files that others may have changed: bounded, checked, and four ways to fail told apart.

What cannot be read *now* is not lost: the disk, a permission or the memory is in the way. What
changed while it was read is read again. What is *foreign* belongs to another run. Only what is
*damaged*, there but not what was written, will never be good again.
"""

import errno
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from biasvae_jax.runs.files import StorageError

PAUSES = 0.01, 0.05  # seconds; a rewritten file is whole again at once

Result = TypeVar("Result")


class CannotReadNow(StorageError):
    """What is there may be good, but cannot be read now."""


class Foreign(StorageError):
    """It belongs to another run."""


class Damaged(StorageError):
    """It is not what was written; deleting it loses nothing that is not lost already."""


def cannot_read_now(path: Path, error: BaseException) -> CannotReadNow:
    """Word a failure of the system, which says nothing of what is on the disk."""
    why = "not enough memory" if isinstance(error, MemoryError) else None
    why = why or (error.strerror if isinstance(error, OSError) else None) or str(error)
    return CannotReadNow(
        f"{path} cannot be read now ({why}); nothing is lost, mend that and run the same command "
        "again"
    )


def is_missing(error: OSError) -> bool:
    """Tell whether there is no such file, which is no failure of the system."""
    return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP)


def read_bounded(file: Path, most: int) -> bytes:
    """Read a plain file of at most `most` bytes; raises OSError, or ValueError if it is no such."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(file, flags | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as stream:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is no plain file")
        if about.st_size > most:
            raise ValueError(f"it is larger than the {most:,} bytes it can have")
        return stream.read(most)


def steadily(read: Callable[[], Result]) -> Result:
    """Return what `read` does, trying again where another process may have been writing."""
    for pause in PAUSES:
        try:
            return read()
        except (FileNotFoundError, ValueError):
            time.sleep(pause)
    return read()
