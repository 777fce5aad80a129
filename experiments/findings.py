"""Answer the original study's open questions: train what they need, and write `docs/findings.md`.

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
from matplotlib.figure import Figure

from biasvae_jax.drawing import own_settings
from biasvae_jax.files import reporting_disk_errors, write_atomically
from biasvae_jax.loading import load_run
from biasvae_jax.theory import predict
from experiments import (
    cli,
    evidence_diagonal,
    evidence_training,
    findings_figures,
    launchers,
    output,
)
from experiments.evidence import SPARE_RUNS, Run
from experiments.evidence_diagonal import Diagonal
from experiments.findings_page import page
from experiments.runtime import start_jax

DPI = 150
MANY = 5  # seeds of the main grids
# two dozen cells on both sides of β*, many of which collapse without warm-up
CELLS = ("--mu", "0", "1.5", "3", "5", "--beta", "0.1", "0.5", "1", "1.5", "2", "4")
FEWER = ("--mu", "0", "1.5", "3", "5", "--beta", "0.5", "1", "2", "4")
WARM = ("--kl-warmup", "2000")
SPARE = (*WARM, "--mu", "0", "3", "5", "--beta", "0.25", "0.5", "0.75", "0.9", "1.1", "1.5", "2")
FINE = tuple(f"{beta:.3g}" for beta in np.geomspace(0.5, 16, 31))

# name: flags of `full_sweep`, in the order of what they answer
RUNS = {
    "blog": ("--seeds", f"{MANY}"),
    "annealed": (*WARM, "--seeds", f"{MANY}"),
    "spare-9": (*SPARE, "--seeds", "3", "--latent-dim", "9"),
    "spare-12": (*SPARE, "--seeds", "3", "--latent-dim", "12"),
    "spare-18": (*SPARE, "--seeds", "3", "--latent-dim", "18"),
    "long": (*CELLS, "--steps", "100000"),
    "long-annealed": (*CELLS, *WARM, "--steps", "100000"),
    "long-gelu": (*FEWER, "--steps", "100000", "--activation", "gelu"),
    "fine": (*WARM, "--mu", "0", "2", "4", "--beta", *FINE, "--seeds", "10"),
}
SCORED = ("blog", "annealed", "long-gelu")  # also for the thresholds of their encoders


@dataclass(frozen=True)
class Flags:
    """Where everything goes."""

    out: Path = Path("runs/findings")
    """Directory of the run directories."""
    page: Path = Path("docs/findings.md")
    """File to write; its figures go to `images/` beside it."""
    steps: int | None = None
    """Training steps of every run, for a quick look (None: the study's own)."""
    quiet: bool = False
    """Print errors only."""


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    launchers.refuse_copies()
    flags = cli.parse(Flags, arguments, Flags(), "python -m experiments.findings", __doc__ or "")
    steps = flags.steps
    if steps is not None and (steps < 1 or (steps > 200 and steps % 200)):
        raise cli.UsageError("--steps must be 1 to 200, or a multiple of 200 (equal bins)")
    for name in RUNS:
        call("full_sweep", words(name, flags), flags)
    for name in SCORED:
        call("score", [str(flags.out / name), "--scores", "encoder"], flags)
    start_jax()
    begun = time.monotonic()
    runs = {name: read(flags.out / name) for name in RUNS}
    found = evidence_diagonal.diagonal(runs["blog"], runs["annealed"], fine=runs["fine"])
    write(runs, found, flags)
    if not flags.quiet:
        trained = np.nansum([run.minutes for run in runs.values()])
        print(f"{trained:.0f} minutes of runs, {time.monotonic() - begun:.0f} s of analysis")
        print(f"open {output.shown(flags.page)}")


def call(command: str, arguments: Sequence[str], flags: Flags) -> None:
    """Run another command, as anyone would; what it made already, it goes on from."""
    quiet = ["--quiet"] if flags.quiet else []
    module = [sys.executable, "-m", f"experiments.{command}"]
    status = subprocess.run([*module, *arguments, *quiet]).returncode
    if status:
        sys.exit(status)  # it has said why


def words(name: str, flags: Flags) -> list[str]:
    """Return a run's flags for `full_sweep`; later ones win."""
    quick = ["--steps", str(flags.steps), "--kl-warmup", "0"] if flags.steps else []
    return [*RUNS[name], *quick, "--out", str(flags.out / name)]


def read(path: Path) -> Run:
    """Read a finished run and its closed form; raises UsageError of one line if it is not."""
    loaded = load_run(path)
    if not loaded.finished:
        raise cli.UsageError(f"{path} is not finished; its command goes on where it stopped")
    config = loaded.config
    theory = predict(loaded.recipe.world, config.mu, config.beta, config.sigma2, config.latents)
    scores, history = loaded.scores, loaded.history
    return Run(path.name, config, scores, history, loaded.boundary, theory, loaded.took / 60)


@own_settings()
def write(runs: Mapping[str, Run], found: Diagonal, flags: Flags) -> None:
    """Write the page and its figures."""
    images = flags.page.parent / "images"
    with reporting_disk_errors(flags.page):
        images.mkdir(parents=True, exist_ok=True)
        for name, figure in draw(runs, found).items():
            figure.savefig(images / f"findings_{name}.png", dpi=DPI)
        commands = {name: shlex.join(words(name, flags)) for name in RUNS}
        write_atomically(flags.page, page(runs, found, commands).encode())


def draw(runs: Mapping[str, Run], found: Diagonal) -> dict[str, Figure]:
    """Draw every figure of the page."""
    blog, annealed = runs["blog"], runs["annealed"]
    return {
        "boundary": findings_figures.boundaries(found),
        "collapse": findings_figures.collapse(annealed),
        "generation": findings_figures.generation(annealed),
        "regimes": findings_figures.regimes(blog, annealed),
        "gap": findings_figures.gaps(blog, annealed),
        "convergence": findings_figures.convergence(evidence_training.followed(runs)),
        "signal": findings_figures.signal(blog, annealed),
        "spare": findings_figures.spare(*(runs[name] for name in SPARE_RUNS)),
    }


if __name__ == "__main__":
    cli.run(main)
