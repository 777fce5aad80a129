"""Try to lose a run, or to make it report a wrong number, and count how often that works.

Every trial is done to a tiny sweep; its results are compared byte for byte with those of a run
that was never interrupted. Exits with 1 if anything was lost or wrong. `docs/reliability.md` says
what is guaranteed.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from biasvae_jax.cli import common, output
from biasvae_jax.errors import CANNOT_GO_ON, shown
from biasvae_jax.runs import launchers
from biasvae_jax.runs.signals import LISTENER
from experiments.torture.files import corruptions, file_limits, full_disks
from experiments.torture.places import few_files, lacking_features, names
from experiments.torture.processes import disagreements
from experiments.torture.runs import Runs
from experiments.torture.victim import Tally, Victim


@dataclass(frozen=True)
class Trials:
    """How many trials of each kind; 0 leaves a kind out."""

    kills: int = 100
    """SIGKILLs, at random instants of a process's life and in the middle of a write by turns."""
    signals: int = 20
    """Signals of each kind that is heard, at random instants and while the report is drawn."""
    races: int = 20
    """Pairs of processes started together on one directory."""
    disagreements: int = 7
    """Pairs of processes on one sweep that were started otherwise than each other."""
    places: int = 3
    """Places of each file at which it is cut off, and at which a bit is flipped."""
    disks: int = 60
    """Small file systems, each full at another point of a run (needs permission to mount)."""
    limits: bool = True
    """Make writes fail at a file-size limit, for the size of each file of a run."""
    surroundings: bool = True
    """Odd names, file systems that lack something, few open files."""
    inputs: int = 1_000
    """Generated flag lists, and as many generated configs (needs hypothesis)."""
    seed: int = 0
    """Seed of every random choice."""
    folder: Path | None = None
    """Where to do it (None: a temporary directory)."""


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    launchers.refuse_copies()
    trials = common.parse(
        Trials, arguments, Trials(), "python -m experiments.torture", __doc__ or ""
    )
    console, started = output.console(), time.monotonic()
    tallies = []
    with (
        LISTENER.raising(),  # there are processes to end and folders to remove
        tempfile.TemporaryDirectory(dir=trials.folder, prefix="torture-") as folder,
    ):
        for tally in _all(trials, Path(folder)):
            console.print(f"{tally.trials:6d} {tally.name}: {_counts(tally)}")
            tallies.append(tally)
    failures = [failure for tally in tallies for failure in (*tally.lost, *tally.wrong)]
    for failure in failures:
        print(shown(failure), file=sys.stderr)
    output.print_table(console, _table(tallies))
    console.print(f"in {(time.monotonic() - started) / 60:.0f} minutes")
    if failures:
        sys.exit(CANNOT_GO_ON)


def _all(trials: Trials, folder: Path) -> Iterator[Tally]:
    rng = np.random.default_rng(trials.seed)
    victim = Victim(folder / "reference")
    runs = Runs(victim, folder, rng)
    yield runs.control()
    if trials.places:
        yield from corruptions(victim, folder, trials.places, rng)
    if trials.limits:
        yield file_limits(victim, folder)
    if trials.disks:
        yield full_disks(victim, folder / "disk", trials.disks)
    if trials.surroundings:
        yield names(victim, folder)
        yield lacking_features(victim, folder)
        yield few_files(victim, folder)
    if trials.inputs:
        from experiments.torture.inputs import inputs  # the one part that needs hypothesis

        yield from inputs(trials.inputs, trials.seed)
    yield disagreements(folder, trials.disagreements)
    yield runs.races(trials.races)
    yield runs.signals(trials.signals)
    yield runs.kills(trials.kills)
    yield runs.finished()


def _counts(tally: Tally) -> str:
    seen = ", ".join(f"{count} {what}" for what, count in tally.seen.items())
    return f"{len(tally.lost)} lost, {len(tally.wrong)} wrong ({seen})"


def _table(tallies: Sequence[Tally]) -> Table:
    table = Table(title="What was done to a run, and what became of it", box=SIMPLE_HEAD)
    table.add_column("trials", justify="right")
    table.add_column("")
    table.add_column("lost", justify="right")
    table.add_column("wrong", justify="right")
    for tally in tallies:
        table.add_row(str(tally.trials), tally.name, str(len(tally.lost)), str(len(tally.wrong)))
    return table
