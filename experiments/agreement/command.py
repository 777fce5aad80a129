"""Compare published results with what is measured here, and write `docs/agreement.md`.

Every number of the page is made here, from small runs that are sweeps like any other. The same
command again goes on where it stopped.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.agreement.asked import asked
from experiments.agreement.page import page
from experiments.agreement.runs import RUNS
from experiments.pages.command import make
from experiments.pages.documents import publish
from experiments.pages.run import Runs

COMMAND = "python -m experiments.agreement"


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    make("agreement", RUNS, write, arguments, COMMAND, __doc__ or "")


def write(runs: Runs, commands: Mapping[str, str], target: Path, quick: bool) -> None:
    """Write the page and its tables."""
    publish(target, page(asked(runs), commands), quick=quick)
