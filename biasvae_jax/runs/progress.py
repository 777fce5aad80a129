"""Progress of a sweep: a bar on a terminal, a plain line now and then in a log file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from biasvae_jax.sweep import Models
from biasvae_jax.waiting import LINE_SECONDS, clock


class Progress:
    """Shows steps, model-steps a second, time left and how many models are still finite."""

    def __init__(self, console: Console, model_steps: int, bar: Bar | None = None):
        self._console, self._total, self._bar = console, model_steps, bar
        self._task = bar.add_task("training", total=model_steps, rest="") if bar else None
        self._done = self._skipped = 0
        self._started = self._line_at = time.monotonic()
        self._diverged: dict[int, int] = {}

    def skip(self, models: Models, steps: int) -> None:
        """Count steps that an earlier start has done."""
        self._done += len(models.seed) * steps
        self._skipped += len(models.seed) * steps
        self._show("going on" if steps else "compiling")

    def advance(self, models: Models, steps: int, step: int, finite: np.ndarray) -> None:
        """Count a chunk of `steps` steps that ended at `step`."""
        self._done += len(models.seed) * steps
        self._diverged[int(models.seed[0])] = int((~finite).sum())
        rate = (self._done - self._skipped) / (time.monotonic() - self._started)
        left = (self._total - self._done) / rate
        diverged = f", {sum(self._diverged.values())} diverged" if (~finite).any() else ""
        self._show(
            f"step {step:,}, {len(models.seed)} models{diverged or ' all finite'}, "
            f"{rate:,.0f} model-steps/s, {clock(left)} left"
        )

    def count(self, done: int, text: str) -> None:
        """Show how much is done of work other than training, and the time left at its pace."""
        self._done = done
        left = (time.monotonic() - self._started) / max(1, done) * (self._total - done)
        self._show(f"{text}, {clock(left)} left")

    def note(self, text: str) -> None:
        """Say what is being done besides training."""
        self._show(text, always=True)

    def _show(self, text: str, always: bool = False) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, rest=text)
        elif always or time.monotonic() - self._line_at >= LINE_SECONDS:
            self._console.print(f"{self._done / self._total:4.0%} {text}")
            self._line_at = time.monotonic()


@contextmanager
def showing_progress(console: Console, model_steps: int) -> Iterator[Progress]:
    """Show progress on `console` while the block runs."""
    if not console.is_terminal or console.quiet:
        yield Progress(console, model_steps)
        return
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rest]}"),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        yield Progress(console, model_steps, bar)
