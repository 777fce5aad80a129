"""How well the cheap scores rank models, beside the mutual information they stand for.

Rank correlations of a run's recovery scores with the estimates of I(z; z_hat) in its `scores.nc`,
and a figure. The information is that at each model's own training bias; the recovery scores are
on the test set, which has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import tyro
import xarray as xr
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table
from scipy.stats import rankdata

from biasvae_jax import storage
from biasvae_jax.drawing import own_settings
from biasvae_jax.figures import COLOUR_MAP
from biasvae_jax.sweep import grid
from experiments import cli, launchers, output
from experiments.finished import FinishedRun, ScoreTable, flat

# proxy: (what it is, +1 if a high value should mean much information, −1 if a low one)
PROXIES = {
    "pmi": ("PMI, the original study's proxy (MSE)", -1),
    "pmi_mean": ("the same, posterior mean (MSE)", -1),
    "recovery_r2": ("recovery of the factors (R²)", 1),
    "recovery_mse": ("recovery of the factors (MSE)", -1),
    "generation_mse": ("decoded projection (MSE)", -1),
}
RESAMPLES = 2_000


@dataclass(frozen=True)
class Flags:
    """Which run."""

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Directory of a run that `experiments.score` has scored."""
    quiet: bool = False
    """Print errors only."""


class Models(NamedTuple):
    """The models of a run of which all scores are defined, each array `[models]`."""

    mu: np.ndarray
    active: np.ndarray
    """Whether a model has an active latent; the others have collapsed."""
    proxies: dict[str, np.ndarray]
    """Signed so that higher should mean more information."""
    information: dict[str, np.ndarray]
    """Estimates, nats; 0 for collapsed models, where chance alone would order them."""


class Agreement(NamedTuple):
    """How far a proxy orders models as their information does; 1 entirely, −1 in reverse."""

    correlation: float
    """Spearman's rank correlation; NaN where one of the two is constant."""
    low: float
    high: float
    """Ends of the 95 % bootstrap interval over models."""


def read_models(run: FinishedRun) -> Models:
    """Collect proxies and information; raises UsageError where the run has no scores yet."""
    file = run.path / "scores.nc"
    scores = storage.read_dataset(file, run.config) if file.exists() else xr.Dataset()
    names = [str(name) for name in scores if str(name).startswith("mi_")]
    table = ScoreTable(run, {name: ("", "nat") for name in names})
    complete = [name for name in names if not table.lacks([name]).any()]
    if not complete:
        raise cli.UsageError(
            f"{run.path} has no information yet; run python -m experiments.score {run.path} first"
        )
    defined = [flat(run.results[name]) for name in PROXIES] + [table[name] for name in complete]
    keep = run.finite & ~np.isnan(defined).any(0)
    if not keep.any():
        raise cli.UsageError(f"{run.path} has no model of which all these scores are defined")
    active = flat(run.results["active_units"])[keep] > 0
    proxies = {k: sign * flat(run.results[k])[keep] for k, (_, sign) in PROXIES.items()}
    information = {k: np.where(active, flat(scores[k])[keep], 0) for k in complete}
    return Models(grid(run.config).bias[keep], active, proxies, information)


def agreement(proxy: np.ndarray, information: np.ndarray) -> Agreement:
    """Correlate ranks, with a bootstrap interval: models are drawn anew, with replacement."""
    if len(proxy) < 3:
        return Agreement(np.nan, np.nan, np.nan)
    everyone = np.arange(len(proxy))
    drawn = np.random.default_rng(0).choice(everyone, (RESAMPLES, len(proxy)))
    rows = np.concatenate([everyone[None], drawn])
    x, y = (rankdata(values[rows], axis=1) for values in (proxy, information))
    x, y = (ranks - ranks.mean(1, keepdims=True) for ranks in (x, y))
    spread = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    correlation = np.where(spread > 0, (x * y).sum(1) / np.where(spread > 0, spread, 1), np.nan)
    if np.isnan(correlation[1:]).all():
        return Agreement(float(correlation[0]), np.nan, np.nan)
    return Agreement(float(correlation[0]), *np.nanquantile(correlation[1:], (0.025, 0.975)))


def same_order(proxy: np.ndarray, information: np.ndarray, mu: np.ndarray) -> float:
    """Share of the pairs of models of equal bias that both order alike; NaN without a pair."""
    pairs = [(i, j) for i in range(len(mu)) for j in range(i) if mu[i] == mu[j]]
    if not pairs:
        return np.nan
    i, j = np.transpose(pairs)
    return float(np.mean((proxy[i] - proxy[j]) * (information[i] - information[j]) > 0))


def table(models: Models) -> Table:
    """Tabulate the agreement of every proxy with every estimate."""
    collapsed = int((~models.active).sum())
    title = (
        f"Rank correlation with I(z; z_hat) [95 %]: {len(models.mu)} models, {collapsed} collapsed"
    )
    rows = Table(title=title, box=SIMPLE_HEAD)
    for heading in ("", "all models", "active models", "pairs*"):
        rows.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    on = models.active
    for name, information in models.information.items():
        rows.add_row(name)
        for proxy, values in models.proxies.items():
            everyone = agreement(values, information)
            active = agreement(values[on], information[on])
            alike = same_order(values[on], information[on], models.mu[on])
            share = "–" if np.isnan(alike) else f"{alike:.0%}"
            rows.add_row(f"  {proxy}", _cell(everyone), _cell(active), share)
        rows.add_section()
    rows.caption = "* pairs of active models of equal μ that both put in the same order"
    return rows


def _cell(agreement: Agreement) -> str:
    if np.isnan(agreement.correlation):
        return "–"
    return f"{agreement.correlation:.2f} [{agreement.low:.2f}, {agreement.high:.2f}]"


def scatter(models: Models, name: str) -> Figure:
    """Draw each proxy, as stored, against one estimate; colour is the training bias."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    figure.suptitle("What the cheap scores say, against the mutual information they stand for")
    panels = figure.subplots(2, 3)
    colours = ScalarMappable(Normalize(models.mu.min(), models.mu.max()), COLOUR_MAP)
    for axes, (proxy, (meaning, sign)) in zip(panels.flat, PROXIES.items(), strict=False):
        x, y = models.information[name], sign * models.proxies[proxy]
        for chosen, marker in ((models.active, "o"), (~models.active, "x")):
            style = {"marker": marker, "s": 28, "linewidths": 1.2 if marker == "x" else 0}
            axes.scatter(x[chosen], y[chosen], c=colours.to_rgba(models.mu[chosen]), **style)
        axes.set_title(f"{proxy}: {meaning}", fontsize=10)
        axes.grid(alpha=0.3)
    for axes in panels.flat[2:5]:
        axes.set_xlabel(f"I(z; z_hat), nats ({name})")
    last = panels.flat[5]
    last.set_axis_off()
    for marker, label in (("o", "model with active latents"), ("x", "collapsed model, 0 nats")):
        last.plot([], [], marker, color="0.3", label=label)
    last.legend(loc="upper center", frameon=False)
    bar = last.inset_axes((0.1, 0.45, 0.8, 0.07))
    label = "μ, training bias of the model"
    figure.colorbar(colours, cax=bar, orientation="horizontal", label=label)
    return figure


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    launchers.refuse_copies()
    default = Flags(run=tyro.MISSING)
    flags = cli.parse(Flags, arguments, default, "python -m experiments.proxy", __doc__ or "")
    run = FinishedRun.open(flags.run)
    models = read_models(run)
    console = output.console(flags.quiet)
    output.print_table(console, table(models))
    file = run.path / "figures" / "proxy_against_information.png"
    with storage.reporting_disk_errors(file):
        file.parent.mkdir(exist_ok=True)
        with own_settings():
            scatter(models, next(iter(models.information))).savefig(file, dpi=130)
    console.print(f"drawn in {output.shown(file)}")


if __name__ == "__main__":
    cli.run(main)
