"""The command of a page: make the runs that are missing, read them all, write the page."""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biasvae_jax.cli import common
from biasvae_jax.cli.runtime import start_jax
from biasvae_jax.errors import shown
from biasvae_jax.runs import launchers
from experiments.pages.run import Plan, Runs, call, read, wanted

Write = Callable[[Runs, Mapping[str, str], Path, bool], None]
"""(runs, the flags of each, file, whether it is a quick look)."""


@dataclass(frozen=True)
class Flags:
    """Where everything goes."""

    out: Path | None = None
    """Directory of the run directories (None: below runs/, by the command's name, a quick look's
    apart)."""
    page: Path | None = None
    """File to write, its figures to `images/` beside it, its tables and further pages to a folder
    of its name (None: the page in docs/; of a quick look, a page beside its runs)."""
    quick: bool = False
    """A quick look at a few models trained for 400 steps: the whole page, whose numbers mean
    nothing."""
    quiet: bool = False
    """Print errors only."""


def make(
    name: str,
    plans: Mapping[str, Plan],
    write: Write,
    arguments: Sequence[str],
    program: str,
    description: str,
) -> None:
    """Run the command of the page `name`, which help calls `program`."""
    launchers.refuse_copies()
    flags = common.parse(Flags, arguments, Flags(), program, description)
    out = flags.out or Path(f"runs/{name}-quick" if flags.quick else f"runs/{name}")
    target = flags.page or (out / f"{name}.md" if flags.quick else Path(f"docs/{name}.md"))
    if not target.suffix:
        raise common.UsageError(
            f"--page needs an ending, as in {target}.md: its tables go to the folder {target}"
        )
    commands = {
        run: [*plans[run].words(flags.quick), "--out", str(out / run)]
        for run in wanted(plans, flags.quick)
    }
    for each in commands.values():
        call(each, flags.quiet)
    start_jax()
    begun = time.monotonic()
    runs = {run: read(out / run) for run in commands}
    write(runs, {run: shlex.join(each) for run, each in commands.items()}, target, flags.quick)
    if not flags.quiet:
        trained = np.nansum([run.minutes for run in runs.values()])
        print(f"{trained:.0f} minutes of runs, {time.monotonic() - begun:.0f} s of analysis")
        print(f"open {shown(target)}")
