"""Draw the pictures of the README and of the documentation into docs/images.

Strips of training images need no run. The maps are of two finished runs, those of the presets blog
and annealed; where one is not there or not finished, its pictures stay as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from biasvae_jax.cli import common
from biasvae_jax.cli.maps import draw_map
from biasvae_jax.cli.runtime import start_jax
from biasvae_jax.drawing import own_settings
from biasvae_jax.errors import BadInput, shown
from biasvae_jax.runs.files import reporting_disk_errors
from biasvae_jax.runs.loading import load_run
from experiments.pictures import strips

DPI = 110
MAPS = {
    "recovery_r2": ("heatmap_recovery_r2", "How much of the truth does the code keep?"),
    "generation_mse": ("heatmap_generation_mse", "How wrong are images drawn from the truth?"),
}
RUNS = {"blog": "no warm-up", "annealed": "KL warm-up"}


@dataclass(frozen=True)
class Flags:
    """Where the runs are, and where the pictures go."""

    blog: Path = Path("runs/findings/blog")
    """The finished run of the preset blog."""
    annealed: Path = Path("runs/findings/annealed")
    """The finished run of the preset annealed."""
    out: Path = Path("docs/images")
    """Folder of the pictures."""


@own_settings()
def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    name = "python -m experiments.pictures"
    flags = common.parse(Flags, arguments, Flags(), name, __doc__ or "")
    start_jax()
    with reporting_disk_errors(flags.out):
        flags.out.mkdir(parents=True, exist_ok=True)
        _save(strips.of_readme(), flags.out / "biased_images.png")
        for kind, of in strips.worlds().items():
            _save(strips.of_world(*of), flags.out / f"world_{kind}.png")
        with strips.biases() as drawn:
            for kind, of in drawn.items():
                _save(strips.of_bias(*of), flags.out / f"bias_{kind}.png")
        for run in RUNS:
            _maps(run, getattr(flags, run), flags.out)


def _maps(name: str, path: Path, out: Path) -> None:
    """Draw the maps of a run for a page, if it is finished."""
    try:
        run = load_run(path)
    except BadInput as error:
        print(f"{name}: {error}; its pictures stay as they are")
        return
    if not run.finished:
        print(f"{name}: {shown(path)} is not finished; its pictures stay as they are")
        return
    for score, (drawn, question) in MAPS.items():
        figure = draw_map(run, drawn, f"{question}\n({RUNS[name]})", for_page=True)
        _save(figure, out / f"{name}_{score}.png")


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, dpi=DPI)
    print(shown(file))
