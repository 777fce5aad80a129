"""What a command prints: a console, text that can harm no terminal, a reader that has gone."""

import errno
import io
import os
import sys

from rich.console import Console
from rich.table import Table

GONE = (errno.EPIPE, errno.EIO)  # `| head` has read enough; the terminal is closed


def console(quiet: bool = False) -> Console:
    """Return a console that prints text as it is, without markup, emoji or breaks of its own."""
    return Console(quiet=quiet, markup=False, emoji=False, highlight=False, soft_wrap=True)


def print_table(console: Console, table: Table) -> None:
    """Print a table as wide as it is: a narrow terminal breaks its lines, nothing is cut off."""
    wide = Console(file=console.file, quiet=console.quiet, width=1_000, markup=False, emoji=False)
    wide.print(table, soft_wrap=True)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 minute", "2 minutes"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class _Lasting(io.FileIO):
    """A file descriptor that takes everything, also when what is behind it does not."""

    failure: OSError | None = None

    def write(self, data, /) -> int:
        """Write what can be written; once that fails the rest goes nowhere."""
        try:
            if self.failure is None:
                return super().write(data)
        except OSError as error:
            self.failure = error
        return memoryview(data).nbytes


class Streams:
    """The process's stdout and stderr, so that losing them ends no work."""

    def __init__(self):
        self._raw = []
        for name, number in (("stdout", 1), ("stderr", 2)):
            stream = getattr(sys, name)
            if stream is None:  # closed by whoever started the process
                setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
            elif stream is getattr(sys, f"__{name}__"):  # not one put there by a test or notebook
                stream.flush()
                raw = _Lasting(number, "w", closefd=False)
                lasting = io.TextIOWrapper(
                    io.BufferedWriter(raw),
                    encoding=stream.encoding,
                    errors="backslashreplace",  # a path may hold bytes that are no text
                    line_buffering=stream.line_buffering,
                    write_through=stream.write_through,
                )
                setattr(sys, name, lasting)
                self._raw.append(raw)

    def failure(self) -> OSError | None:
        """Return what stopped the output, unless its reader just left."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        failures = [raw.failure for raw in self._raw if raw.failure is not None]
        return next((error for error in failures if error.errno not in GONE), None)
