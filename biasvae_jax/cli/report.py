"""Write `report.html`: what a run shows, in one page that opens offline.

  biasvae report runs/smoke                      the page of a run, finished or not
  biasvae report runs/blog runs/annealed         two beside each other
  biasvae report runs/smoke --out ~/smoke.html   elsewhere

With two runs, both beside each other and the difference, in `compare-<second>.html`.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from biasvae_jax.axes import Axis, single
from biasvae_jax.cli import common
from biasvae_jax.cli.gathering import gather
from biasvae_jax.cli.runtime import start_jax
from biasvae_jax.errors import shown
from biasvae_jax.report import page
from biasvae_jax.runs import launchers
from biasvae_jax.runs.files import reporting_disk_errors, short_name, write_atomically
from biasvae_jax.runs.loading import LoadedRun, load_run

COMMAND = "python -m experiments.report"


@dataclass(frozen=True)
class Flags:
    """All flags."""

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN]")] = ()
    """One run directory, or two to compare."""
    out: Path | None = None
    """File to write (None: RUN/report.html, or RUN1/compare-RUN2.html)."""


def main(arguments: Sequence[str], program: str = COMMAND) -> None:
    """Run the command, which help calls `program`."""
    launchers.refuse_copies()
    flags = common.parse(Flags, arguments, Flags(), program, __doc__ or "")
    if len(flags.runs) not in (1, 2):
        raise common.UsageError("name one run directory, or two to compare")
    start_jax()
    runs = [load_run(path) for path in flags.runs]
    print(f"open {shown(write_report(*runs, file=flags.out))}")


def write_report(*runs: LoadedRun, file: Path | None = None) -> Path:
    """Write the report of one run, or the comparison of two; returns the file.

    Raises UsageError when two runs have other axes, or share no cell.
    """
    first, last = runs[0], runs[-1]
    if file is None:
        compared = short_name("compare-", last.path.resolve().name, ".html")
        file = first.path / ("report.html" if len(runs) == 1 else compared)
    if first.grid.dims != last.grid.dims:
        ours, theirs = (" × ".join(run.grid.dims[:2]) for run in (first, last))
        raise common.UsageError(
            f"the two runs have other axes, {ours} and {theirs}; compare runs of the same ones"
        )
    rows = shared(first.grid.bias, last.grid.bias)
    columns = shared(first.grid.strength, last.grid.strength)
    if not rows or not columns:
        symbols = f"{first.grid.bias.symbol}, {first.grid.strength.symbol}"
        raise common.UsageError(f"the two runs have no cell ({symbols}) in common")
    views = [gather(run, rows, columns) for run in runs]
    if len(views) == 2 and views[0].name == views[1].name:
        views = [dataclasses.replace(v, name=str(r.path)) for v, r in zip(views, runs, strict=True)]
    with reporting_disk_errors(file):
        write_atomically(file, page(views).encode())
    return file


def shared(ours: Axis, theirs: Axis) -> tuple[float, ...]:
    """Return our values of an axis that are theirs too, up to single precision."""
    known = set(map(single, theirs))
    return tuple(value for value in ours if single(value) in known)
