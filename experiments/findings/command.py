"""Answer the original study's question: train what it needs, and write `docs/findings.md`.

Every number and figure of the page is made here, from run directories that are sweeps like any
other. The same command again goes on where it stopped.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from biasvae_jax.drawing import own_settings
from biasvae_jax.runs.files import reporting_disk_errors, write_atomically
from experiments.findings.figures import draw
from experiments.findings.page import page
from experiments.findings.runs import RUNS
from experiments.pages.command import make
from experiments.pages.run import Runs

DPI = 150

COMMAND = "python -m experiments.findings"


def main(arguments: Sequence[str], program: str = COMMAND) -> None:
    """Run the command, which help calls `program`."""
    make("findings", RUNS, write, arguments, program, __doc__ or "")


@own_settings()
def write(runs: Runs, commands: Mapping[str, str], target: Path, quick: bool) -> None:
    """Write the page and its figures."""
    images, figures, text = target.parent / "images", draw(runs), page(runs, commands, quick)
    with reporting_disk_errors(target):
        images.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            figure.savefig(images / f"findings_{name}.png", dpi=DPI)
        write_atomically(target, text.encode())
