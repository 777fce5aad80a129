"""What is shown of long work before training, on stderr: a bar on a terminal, else lines."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_SECONDS = 15.0
QUIET: ContextVar[bool] = ContextVar("QUIET", default=False)
"""Set where only errors are to be printed."""


@contextmanager
def quiet(only_errors: bool) -> Iterator[None]:
    """Print only errors in a block, if so asked; what was set before holds again after it."""
    before = QUIET.set(only_errors)
    try:
        yield
    finally:
        QUIET.reset(before)


def note(text: str) -> None:
    """Print a line on stderr."""
    if not QUIET.get():
        print(text, file=sys.stderr)


@contextmanager
def waiting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show the progress of `total` things; the function given counts how many more are done."""
    console = Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)
    if console.is_terminal and not QUIET.get():
        columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=total)
            yield lambda more: bar.advance(task, more)
        return
    begun = last = time.monotonic()
    done = 0

    def advance(more: int) -> None:
        nonlocal done, last
        done += more
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            note(f"{done / total:4.0%} {what}, {clock((now - begun) / done * (total - done))} left")
            last = now

    yield advance


def clock(seconds: float) -> str:
    """Write a time: 1:02:03, 2:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
