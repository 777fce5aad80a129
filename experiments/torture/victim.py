"""The tiny sweep that `torture` is done to: as a command of its own, or compiled once in here."""

import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from biasvae_jax import host
from biasvae_jax.cli.runtime import start_jax
from biasvae_jax.cli.sweep import read_flags
from biasvae_jax.runs import directory
from biasvae_jax.runs.progress import Progress
from biasvae_jax.runs.runner import Run
from biasvae_jax.sweep import Sweep
from biasvae_jax.sweep.plan import make_plan

STEPS, CHUNK = 400, 20
FLAGS = (
    *("--mu", "0", "2", "--beta", "0.5", "4", "--steps", str(STEPS), "--chunk", str(CHUNK)),
    *("--n", "2", "--m", "3", "--hidden", "16", "--batch-size", "8", "--bins", "0.2", "0.8"),
    *("--checkpoint-interval", "0"),
)
Event = tuple[int, Callable[[], None]]
"""A step, and what is to happen there."""


@dataclass
class Tally:
    """What became of the trials of one kind."""

    name: str
    trials: int = 0
    lost: list[str] = field(default_factory=list)
    """Trials after which the run could not go on, or had gone back without need."""
    wrong: list[str] = field(default_factory=list)
    """Trials that ended in other numbers, or in an ending other than promised."""
    seen: dict[str, int] = field(default_factory=dict)
    """How the trials without a fault ended: what was seen → how often."""

    def saw(self, what: str) -> None:
        """Count one trial that ended without a fault."""
        self.seen[what] = self.seen.get(what, 0) + 1


def launch(
    out: Path, log: Path, *flags: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen:
    """Start the command on a run directory, what it prints going to `log` line by line."""
    command = [sys.executable, "-u", "-m", "experiments.full_sweep", *FLAGS, "--out", str(out)]
    with log.open("w") as stream:
        return subprocess.Popen([*command, *flags], stdout=stream, stderr=stream, env=environment)


def interrupt() -> None:
    """Send this process a SIGTERM."""
    os.kill(os.getpid(), signal.SIGTERM)


@dataclass
class Victim:
    """The same sweep in this process; its reference run was never interrupted."""

    reference: Path

    def __post_init__(self):
        start_jax(cache=False)
        self.study = read_flags(FLAGS)[1]
        recipe, cells = self.study.recipe, self.study.grid.cells
        devices = min(host.cores(), cells)  # as the command, started in a process of its own
        self.plan = make_plan(recipe, cells, self.study.seeds, devices=devices, chunk=CHUNK)
        self.sweep = Sweep(recipe, self.plan)
        self.run(self.reference, interval=math.inf)

    def run(self, out: Path, interval: float = 0.0, at: Event | None = None) -> None:
        """Run in `out` as the command would, but for the figures; at a step, let something happen.

        Raises what the runner raises: Interrupted, StorageError, RunDirectoryError.
        """
        directory.check_run(out, self.study)
        directory.stored_plan(out)
        with directory.lock_run(out):
            plan = {name: getattr(self.plan, name) for name in directory.PLAN}
            directory.open_run(out, self.study, {"plan": plan})
            Run(out, self.study, self.sweep, interval, _Happening(at)).execute()

    def differences(self, out: Path) -> list[str]:
        """Name what in `out` is not, bit for bit, as in the reference run."""
        found = []
        for name in ("results.nc", "history.nc"):
            ours, theirs = self.reference / name, out / name
            if not theirs.exists():
                found.append(f"{name} is missing")
            elif ours.read_bytes() != theirs.read_bytes():
                found.append(f"{name}: {_differing_variables(ours, theirs) or 'its layout'}")
        return found


def _differing_variables(ours: Path, theirs: Path) -> str:
    a, b = directory.read_dataset(ours).variables, directory.read_dataset(theirs).variables
    same = {n for n in a.keys() & b.keys() if a[n].values.tobytes() == b[n].values.tobytes()}
    return ", ".join(sorted(map(str, (a.keys() | b.keys()) - same)))


class _Happening(Progress):
    """A progress display that shows nothing and calls a function at a given step."""

    def __init__(self, at: Event | None):
        super().__init__(Console(quiet=True), 1)
        self._at = at

    def advance(self, models, steps, step, finite) -> None:
        """Call the event's function if this is its step."""
        if self._at is not None and self._at[0] == step:
            self._at[1]()
