"""Answer the original study's question: train what it needs, and write `docs/findings.md`.

Every number and figure of the page is made here, from run directories that are sweeps like any
other. The same command again goes on where it stopped.
"""

import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biasvae_jax.cli import common
from biasvae_jax.cli.runtime import start_jax
from biasvae_jax.drawing import own_settings
from biasvae_jax.errors import shown
from biasvae_jax.runs import launchers
from biasvae_jax.runs.files import reporting_disk_errors, write_atomically
from biasvae_jax.runs.loading import load_run
from experiments.findings.evidence import Run
from experiments.findings.figures import draw
from experiments.findings.page import page
from experiments.findings.runs import RUNS, wanted

DPI = 150

COMMAND = "python -m experiments.findings"


@dataclass(frozen=True)
class Flags:
    """Where everything goes."""

    out: Path | None = None
    """Directory of the run directories (None: runs/findings, or runs/findings-quick)."""
    page: Path | None = None
    """File to write, its figures to `images/` beside it (None: docs/findings.md; of a quick look,
    findings.md beside its runs)."""
    quick: bool = False
    """A quick look at a few models trained for 400 steps: the whole page, whose numbers mean
    nothing."""
    quiet: bool = False
    """Print errors only."""


def main(arguments: Sequence[str], program: str = COMMAND) -> None:
    """Run the command, which help calls `program`."""
    launchers.refuse_copies()
    flags = common.parse(Flags, arguments, Flags(), program, __doc__ or "")
    out = flags.out or Path("runs/findings-quick" if flags.quick else "runs/findings")
    target = flags.page or (out / "findings.md" if flags.quick else Path("docs/findings.md"))
    commands = {name: words(name, out, flags.quick) for name in wanted(flags.quick)}
    for each in commands.values():
        call(each, flags.quiet)
    start_jax()
    begun = time.monotonic()
    runs = {name: read(out / name) for name in commands}
    write(runs, {name: shlex.join(each) for name, each in commands.items()}, target, flags.quick)
    if not flags.quiet:
        trained = np.nansum([run.minutes for run in runs.values()])
        print(f"{trained:.0f} minutes of runs, {time.monotonic() - begun:.0f} s of analysis")
        print(f"open {shown(target)}")


def call(arguments: Sequence[str], quiet: bool) -> None:
    """Run a sweep, as anyone would; what it made already, it goes on from."""
    command = [sys.executable, "-m", "experiments.full_sweep", *arguments]
    status = subprocess.run([*command, *(["--quiet"] if quiet else [])]).returncode
    if status:
        sys.exit(status)  # it has said why


def words(name: str, out: Path, quick: bool) -> list[str]:
    """Return a run's flags for `full_sweep`."""
    return [*RUNS[name].words(quick), "--out", str(out / name)]


def read(path: Path) -> Run:
    """Read a finished run; raises UsageError of one line if it is not."""
    loaded = load_run(path)
    if not loaded.finished:
        raise common.UsageError(f"{path} is not finished; its command goes on where it stopped")
    return Run.of(loaded)


@own_settings()
def write(runs: Mapping[str, Run], commands: Mapping[str, str], target: Path, quick: bool) -> None:
    """Write the page and its figures."""
    images, figures, text = target.parent / "images", draw(runs), page(runs, commands, quick)
    with reporting_disk_errors(target):
        images.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            figure.savefig(images / f"findings_{name}.png", dpi=DPI)
        write_atomically(target, text.encode())


if __name__ == "__main__":
    common.run(main)
