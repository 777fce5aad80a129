"""Answer the original study's question: train what it needs, and write `docs/findings.md`.

Every number and figure of it, and of the pages in `docs/findings/`, is made here, from run
directories that are sweeps like any other. The same command again goes on where it stopped.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.findings.page import pages
from experiments.findings.runs import RUNS
from experiments.pages.command import make
from experiments.pages.documents import publish
from experiments.pages.run import Runs

COMMAND = "python -m experiments.findings"


def main(arguments: Sequence[str], program: str = COMMAND) -> None:
    """Run the command, which help calls `program`."""
    make("findings", RUNS, write, arguments, program, __doc__ or "")


def write(runs: Runs, commands: Mapping[str, str], target: Path, quick: bool) -> None:
    """Write the pages, their tables and their figures."""
    front, others = pages(runs, commands)
    publish(target, front, others, quick)
