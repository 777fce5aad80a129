"""Compare objectives under every kind of bias, and write `docs/robustness.md`.

84 sweeps: seven objectives, six kinds of bias, 1,000 images or an endless stream of them. Every
number and figure of the page is made here. The same command again goes on where it stopped.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.pages.command import make
from experiments.pages.documents import publish
from experiments.pages.run import Runs
from experiments.robustness.page import page
from experiments.robustness.runs import RUNS

COMMAND = "python -m experiments.robustness"


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    make("robustness", RUNS, write, arguments, COMMAND, __doc__ or "")


def write(runs: Runs, commands: Mapping[str, str], target: Path, quick: bool) -> None:
    """Write the page, its tables and its figure."""
    publish(target, page(runs, commands), quick=quick)
