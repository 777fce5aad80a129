"""Equal contrasts leave the axes of the code to chance; distinct ones fix them, in time.

Squares of equal contrast share one eigenvalue of the data covariance, so that every rotation of
the latents is as good an optimum; distinct eigenvalues leave only the squares' own axes (Lucas et
al. 2019; Rolinek et al. 2019). Trains both kinds without bias and compares the axis-aligned scores
with those of the same codes rotated at random.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table
from scipy.stats import ortho_group
from threadpoolctl import threadpool_limits

from biasvae_jax import storage
from biasvae_jax.config import Config
from biasvae_jax.drawing import own_settings
from biasvae_jax.plan import make_plan
from biasvae_jax.scores.alignment import linear_r2, mcc
from biasvae_jax.scores.disentanglement import dci, mig
from biasvae_jax.sweep import Sweep, grid
from biasvae_jax.training import Recipe
from experiments import cli, launchers, output
from experiments.progress import Progress, showing_progress
from experiments.runtime import start_jax
from experiments.subject import FEW, Pair, Subject

# from the original study's contrast upwards, so that no square is harder to learn than in its world
CONTRASTS = {"equal": (), "distinct": tuple(np.geomspace(1, 4, 9).round(3).tolist())}
NETWORKS = {"linear": (), "hidden 128": (128,)}
POINTS = 20  # times at which a model's MCC is taken during training
ROTATIONS = 20


@dataclass(frozen=True)
class Flags:
    """What to train."""

    out: Path = Path("runs/identifiability")
    """Directory for the figure."""
    beta: tuple[float, ...] = (1.0, 2.0, 4.0)
    """Weights of the KL term."""
    seeds: int = 3
    """Replicates of every model."""
    steps: int = 10_000
    """Training steps of every model; the KL weight rises over the first fifth."""
    quiet: bool = False
    """Print errors only."""


class Scores(NamedTuple):
    """Axis-aligned scores of one code; they fall when it is rotated."""

    mcc: float
    dci: float
    mig: float


class Trained(NamedTuple):
    """The models of one kind: contrasts and network."""

    steps: list[int]
    mcc: np.ndarray
    """MCC during training, `[seeds, betas, steps]`."""
    codes: list[Pair]
    """(u, z_hat) of each trained model over the test images, in the order of `sweep.grid`."""


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    launchers.refuse_copies()
    command = "python -m experiments.identifiability"
    flags = cli.parse(Flags, arguments, Flags(), command, __doc__ or "")
    kinds = {(c, n): make_config(flags, c, n) for c in CONTRASTS for n in NETWORKS}
    console = output.console(flags.quiet)
    if flags.out.exists() and not flags.out.is_dir():
        raise cli.UsageError(f"--out {flags.out} is a file; name a directory")
    with storage.reporting_disk_errors(flags.out):  # now, rather than after the training
        flags.out.mkdir(parents=True, exist_ok=True)
    start_jax()
    total = sum(config.models * config.steps for config in kinds.values())
    trained = {}
    # small matrices: threads of the linear algebra would only wait for each other
    with threadpool_limits(1, user_api="blas"):
        with showing_progress(console, total) as progress:
            for number, (kind, config) in enumerate(kinds.items()):
                progress.count(total * number // len(kinds), f"{kind[0]} contrasts, {kind[1]}")
                trained[kind] = train(config, progress, total * number // len(kinds))
            progress.note("scoring every code, and rotated")
            rows = table(flags, trained)
        output.print_table(console, rows)
        factors = next(iter(trained.values())).codes[0][0]
        level = rotated_scores(factors, factors)
    console.print(
        f"the true factors themselves, rotated at random: MCC {level.mcc:.2f}, "
        f"DCI {level.dci:.2f}, MIG {level.mig:.2f}"
    )
    file = flags.out / "identifiability.png"
    with storage.reporting_disk_errors(file), own_settings():
        curves(flags, trained, level.mcc).savefig(file, dpi=130)
    console.print(f"drawn in {output.shown(file)}")


def make_config(flags: Flags, contrasts: str, network: str) -> Config:
    """Describe the models of one kind; no sigmoid at the end, which would cut contrasts above 1."""
    return Config(
        mu=(0.0,),
        beta=flags.beta,
        seeds=flags.seeds,
        steps=flags.steps,
        kl_warmup=flags.steps // 5,
        hidden=NETWORKS[network],
        output="identity",
        contrast=CONTRASTS[contrasts],
    )


def train(config: Config, progress: Progress, before: int) -> Trained:
    """Train the models of a config, taking their MCC on the way."""
    recipe, models = Recipe.from_config(config), grid(config)
    chunk = max(1, config.steps // POINTS)
    sweep = Sweep(recipe, make_plan(recipe, len(config.beta), config.seeds, chunk=chunk))
    steps, curve, codes = [], [], []
    for step, state, _ in sweep.train(models, sweep.init(models), 0, config.steps):
        params = sweep.gather(state.params, models)
        codes = [
            Subject(recipe, jax.tree.map(lambda a: a[i], params), int(models.seed[i]), 0.0).test  # noqa: B023
            for i in range(config.models)
        ]
        steps.append(step)
        curve.append([mcc(u, z_hat) for u, z_hat in codes])
        progress.count(before + step * config.models, f"MCC {np.mean(curve[-1]):.2f}")
    shape = (config.seeds, len(config.beta), len(steps))
    return Trained(steps, np.transpose(curve).reshape(shape), codes)


def scores(u: np.ndarray, z_hat: np.ndarray) -> Scores:
    """Score a code; DCI on 2,000 rows."""
    rows = np.random.default_rng(0).permutation(len(u))[:FEW]
    return Scores(mcc(u, z_hat), dci(u[rows], z_hat[rows]).disentanglement, mig(u, z_hat))


def rotated_scores(u: np.ndarray, z_hat: np.ndarray) -> Scores:
    """Mean scores of a code, made uncorrelated and rotated at random; DCI and MIG of one rotation.

    As informative as the code, since no linear map is lost; MCC is the mean of 20 rotations.
    """
    centred = z_hat - z_hat.mean(0)
    white = np.linalg.svd(centred, full_matrices=False)[0]
    turns = ortho_group.rvs(white.shape[1], size=ROTATIONS, random_state=0)
    first = scores(u, white @ turns[0])
    return first._replace(mcc=float(np.mean([mcc(u, white @ turn) for turn in turns])))


def table(flags: Flags, trained: dict[tuple[str, str], Trained]) -> Table:
    """Tabulate the scores of every kind and β beside those of the same codes rotated."""
    title = (
        f"Axis-aligned scores → of the same code rotated at random (mean of {flags.seeds} seeds)"
    )
    rows = Table(title=title, box=SIMPLE_HEAD)
    for heading in ("contrasts", "network", "β", "R²", "MCC", "DCI", "MIG"):
        justify = "left" if heading in ("contrasts", "network") else "right"
        rows.add_column(heading, justify=justify, no_wrap=True)
    for (contrasts, network), models in trained.items():
        for column, beta in enumerate(flags.beta):
            codes = models.codes[column :: len(flags.beta)]
            r2 = np.mean([linear_r2(z_hat, u) for u, z_hat in codes])
            own, rotated = (
                np.mean([score(*code) for code in codes], axis=0)
                for score in (scores, rotated_scores)
            )
            cells = (f"{a:.2f} → {b:.2f}" for a, b in zip(own, rotated, strict=True))
            rows.add_row(contrasts, network, f"{beta:g}", f"{r2:.2f}", *cells)
        rows.add_section()
    return rows


def curves(flags: Flags, trained: dict[tuple[str, str], Trained], level: float) -> Figure:
    """Draw the MCC during training: colour for the contrasts, a style for each β, mean of seeds."""
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    figure.suptitle("Are the latents aligned with the squares? MCC during training, without bias")
    colours = {"equal": "#0072B2", "distinct": "#D55E00"}
    styles = ("-", "--", ":", "-.")
    for axes, network in zip(figure.subplots(1, len(NETWORKS), sharey=True), NETWORKS, strict=True):
        for contrasts, colour in colours.items():
            models = trained[contrasts, network]
            for column, beta in enumerate(flags.beta):
                name = f"{contrasts} contrasts, β = {beta:g}"
                style = styles[column % len(styles)]
                mean = models.mcc.mean(0)[column]
                axes.plot(models.steps, mean, style, color=colour, label=name)
        axes.axhline(level, color="0.5", linewidth=1, label="true factors, rotated at random")
        axes.set(title=network, xlabel="training step", ylim=(0, 1))
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("MCC (1: one latent for each square)")
    lines = figure.axes[0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside right center", frameon=False)
    return figure


if __name__ == "__main__":
    cli.run(main)
