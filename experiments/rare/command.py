"""Answer for rivers and faces: train what they need, and write two pages of `docs/findings/`.

Every number, table and picture of `rivers.md` and `faces.md` is made here, from run directories
that are sweeps like any other, whose models are asked once. The same command again goes on where it
stopped. `--page` names the page that links the two.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.pages.command import make
from experiments.pages.documents import Page, commands_table, publish
from experiments.pages.run import Runs
from experiments.rare.faces_page import faces_page
from experiments.rare.rivers_page import rivers_page
from experiments.rare.runs import RUNS

COMMAND = "python -m experiments.rare"


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    make("findings", RUNS, write, arguments, COMMAND, __doc__ or "")


def write(runs: Runs, commands: Mapping[str, str], target: Path, quick: bool) -> None:
    """Write the pages, their tables and their pictures."""
    pages = [_made(page, runs, commands) for page in (rivers_page(runs), faces_page(runs))]
    publish(target, None, pages, quick)


def _made(page: Page, runs: Runs, commands: Mapping[str, str]) -> Page:
    """Add to a page how it was made."""
    own = {name: run for name, run in runs.items() if name.startswith(page.name)}
    minutes = float(np.nansum([run.minutes for run in own.values()]))
    parts = [
        "## How it was made",
        f"`{COMMAND}` makes these runs where they are missing, asks their models, and writes this "
        "page with its tables and pictures. Intervals are 95 %, Student's t over seeds; one "
        "network, one optimiser and one test set are behind them. Each run is a sweep like any "
        f"other; together they took {minutes:.0f} minutes, from a run's start to its results.",
        commands_table(f"{page.name}_commands", own, commands),
    ]
    return page._replace(parts=[*page.parts, *parts])
