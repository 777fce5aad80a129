"""Write `report.html`: what a run shows, in one page that opens offline.

  biasvae report runs/smoke                      the page of a run, finished or not
  biasvae report runs/blog runs/annealed         what differs, and both beside each other
  biasvae report runs/smoke --out ~/smoke.html   elsewhere

With several runs, all beside each other, of two the difference too, in `compare-<second>….html`.
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

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN …")] = ()
    """One run directory, or several to compare."""
    out: Path | None = None
    """File to write (None: RUN/report.html, or RUN1/compare-RUN2….html)."""


def main(arguments: Sequence[str], program: str = COMMAND) -> None:
    """Run the command, which help calls `program`."""
    launchers.refuse_copies()
    flags = common.parse(Flags, arguments, Flags(), program, __doc__ or "")
    if not flags.runs:
        raise common.UsageError("name one run directory, or several to compare")
    start_jax()
    runs = [load_run(path) for path in flags.runs]
    print(f"open {shown(write_report(*runs, file=flags.out))}")


def write_report(*runs: LoadedRun, file: Path | None = None) -> Path:
    """Write the report of one run, or the comparison of several; returns the file.

    Raises UsageError when runs have other axes, or share no cell.
    """
    first, *others = runs
    if file is None:
        names = "-".join(run.path.resolve().name for run in others)
        file = first.path / (short_name("compare-", names, ".html") if others else "report.html")
    for run in others:
        if first.grid.dims != run.grid.dims:
            ours, theirs = (" × ".join(each.grid.dims[:2]) for each in (first, run))
            raise common.UsageError(
                f"the runs have other axes, {ours} and {theirs}; compare runs of the same ones"
            )
    rows = shared(*(run.grid.bias for run in runs))
    columns = shared(*(run.grid.strength for run in runs))
    if not rows or not columns:
        symbols = f"{first.grid.bias.symbol}, {first.grid.strength.symbol}"
        raise common.UsageError(f"the runs have no cell ({symbols}) in common")
    views = [gather(run, rows, columns, len(runs)) for run in runs]
    if len({view.name for view in views}) < len(views):
        views = [dataclasses.replace(v, name=str(r.path)) for v, r in zip(views, runs, strict=True)]
    text = page(views)
    with reporting_disk_errors(file):
        write_atomically(file, text.encode())
    return file


def shared(ours: Axis, *others: Axis) -> tuple[float, ...]:
    """Return our values of an axis that all others have too, up to single precision."""
    known = [set(map(single, theirs)) for theirs in others]
    return tuple(value for value in ours if all(single(value) in each for each in known))
