"""Files with their SHA-256 beside them, as `sha256sum -c` reads it."""

import contextlib
import hashlib
from pathlib import Path

from biasvae_jax.runs.files import write_atomically
from biasvae_jax.runs.reading import read_bounded, steadily

MAX_SUM_BYTES = 4_096


def checksum_file(file: Path) -> Path:
    """Name the file with another's SHA-256."""
    return file.with_name(file.name + ".sha256")


def write_checked(file: Path, content: bytes) -> None:
    """Write a file and its checksum; at any instant the file is whole, the old one or the new."""
    line, old = _line(file, content), b""
    with contextlib.suppress(OSError, ValueError):  # there is none, or it is damaged
        old = _line(file, _read(file, max(2**26, 4 * len(content))))
    write_atomically(checksum_file(file), line + old)  # either will do, until the new one is there
    write_atomically(file, content)
    write_atomically(checksum_file(file), line)


def read_checked(file: Path, most: int) -> bytes:
    """Read a file of `write_checked`, of at most `most` bytes.

    Raises OSError, or ValueError if it is too large or does not match its checksum.
    """
    return steadily(lambda: _read(file, most))


def _read(file: Path, most: int) -> bytes:
    content = read_bounded(file, most)
    sums = read_bounded(checksum_file(file), MAX_SUM_BYTES)
    if _line(file, content) not in sums.splitlines(keepends=True)[:2]:
        raise ValueError(f"it does not match {checksum_file(file).name}")
    return content


def _line(file: Path, content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {file.name}\n".encode()
