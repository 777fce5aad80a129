"""The figures of `docs/findings.md`: runs in, a matplotlib Figure out; each takes its own runs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Normalize
from matplotlib.figure import Figure

from biasvae_jax.figures import COLOUR_MAP, regime_map
from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.statistics.staircase import boundary_steps
from experiments.findings.evidence import TERMS, Run, mean
from experiments.findings.evidence_diagonal import JUDGED, Diagonal
from experiments.findings.evidence_training import Cell

WIDTH = 7.6  # inches, near the width of the page
BLUE, GREEN, PURPLE, ORANGE, VERMILION = "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#D55E00"
LINES = (BLUE, GREEN, PURPLE, ORANGE)
MARKS = "osD^"
BETA, MU = "β, weight of the KL term", "μ, training bias"


def _panels(columns: int, height: float, rows: int = 1, x: bool = False, y: bool = False):
    """Return a figure as wide as the page, and its axes `[rows, columns]`; x and y are shared."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharex=x, sharey=y)


def _beta_axis(axes, beta: np.ndarray) -> None:
    axes.set_xscale("log")
    shown = [b for b in (0.1, 0.2, 0.5, 1, 2, 5, 10) if beta.min() <= b <= beta.max()]
    axes.set_xticks(shown, [f"{b:g}" for b in shown])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(BETA)


def _legend_below(figure: Figure, axes, columns: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def boundaries(found: Diagonal) -> Figure:
    """Draw β̂(μ) of every run with its interval, against β*(μ); triangles mark censored seeds."""
    figure, ((axes,),) = _panels(1, 4.8)
    widest = max(found.runs.values(), key=lambda run: len(run.mu))
    axes.plot(widest.threshold, widest.mu, color=VERMILION, linewidth=2.5, label="β*(μ), theory")
    for k, (name, edge) in enumerate(found.edges.items()):
        run, colour = found.runs[name], LINES[k % len(LINES)]
        middle, low, high = (np.exp(np.asarray(f, float)) for f in edge.found.interval[:3])
        height = run.mu + 0.09 * (k - (len(found.edges) - 1) / 2)  # side by side
        axes.errorbar(
            middle,
            height,
            xerr=np.nan_to_num([middle - low, high - middle]),
            fmt=MARKS[k % len(MARKS)],
            color=colour,
            markersize=6,
            capsize=3,
            label=f"β̂, {name} ({run.config.seeds} seeds, 95 %)",
        )
        between = np.exp(edge.found.bracket)
        hull = between[..., 0].min(-1), between[..., 1].max(-1)  # NaN where a seed is censored
        axes.hlines(height, *hull, color=colour, alpha=0.3, linewidth=5)
        edges = {1: (run.beta.max(), ">"), -1: (run.beta.min(), "<")}
        for side, (place, mark) in edges.items():
            out = (edge.found.censored == side).any(-1)
            axes.plot(np.full(out.sum(), place), height[out], mark, color=colour, fillstyle="none")
    every = np.concatenate([run.beta for run in found.runs.values()])
    _beta_axis(axes, every)
    axes.set(ylabel=MU, title="Half the latents are active to the left of β̂ (pale: the grid's β)")
    axes.grid(alpha=0.3)
    _legend_below(figure, axes, 2)
    return figure


def regimes(*runs: Run) -> Figure:
    """Draw what became of each model, a panel a run."""
    codes = {run.name: run.regimes() for run in runs}
    grid = runs[0].config.study.grid
    figure = regime_map(codes, grid.bias, grid.strength, runs[0].threshold)
    figure.set_size_inches(WIDTH + 0.8, 5.2)
    for text in figure.legends[0].get_texts():
        text.set_fontsize(9)
    for axes in figure.axes:
        axes.tick_params(axis="x", labelsize=9)
    return figure


def gaps(*runs: Run) -> Figure:
    """Draw the mean gap over the grid, a panel a run, on one scale."""
    figure, ((*panels,),) = _panels(len(runs), 4.2, y=True)
    maps = [mean(run.values("gap")) for run in runs]
    bounds = [-np.inf, -1, -0.1, 0.1, 0.5, 1, 2, 5, np.inf]
    inner = np.clip(bounds, -100, 100)
    norm = BoundaryNorm(inner, 256)
    for axes, run, values in zip(panels, runs, maps, strict=True):
        colours = colormaps[COLOUR_MAP].with_extremes(bad="0.85")
        axes.imshow(values, cmap=colours, norm=norm, origin="lower", aspect="auto")
        axes.set_xticks(range(len(run.beta)), [f"{b:g}" for b in run.beta], fontsize=9)
        axes.set_yticks(range(len(run.mu)), [f"{m:g}" for m in run.mu])
        axes.set(xlabel=BETA, title=run.name)
        steps = boundary_steps(run.threshold, run.config.beta)
        axes.plot(*steps, color=VERMILION, linewidth=2.5, label="β*(μ)")
    panels[0].set_ylabel(MU)
    scale = ScalarMappable(norm, COLOUR_MAP)
    bar = figure.colorbar(scale, ax=panels, label="gap: nats above the linear optimum")
    bar.set_ticks(bounds[1:-1], labels=[f"{b:g}" for b in bounds[1:-1]])
    _legend_below(figure, panels[0], 1)
    return figure


def generation(run: Run) -> Figure:
    """Draw the parts of `generation_mse` along β at three μ, measured and predicted."""
    figure, ((*panels,),) = _panels(3, 3.7, y=True)
    names = {"generation_offset": "offset", "generation_shrinkage": "shrinkage"}
    names |= {"generation_head": "head and decoder"}
    for axes, row in zip(panels, (0, len(run.mu) // 2, len(run.mu) - 1), strict=True):
        for k, name in enumerate(TERMS):
            found, predicted = t_interval(run.values(name)[row]), run.predicted(name)
            assert predicted is not None
            errors = np.nan_to_num([found.mean - found.low, found.high - found.mean])
            axes.errorbar(
                run.beta, found.mean, yerr=errors, fmt=MARKS[k], color=LINES[k], markersize=5
            )
            axes.plot([], [], MARKS[k], color=LINES[k], label=f"{names[name]}, measured")
            axes.plot(run.beta, predicted[row], color=LINES[k], label=f"{names[name]}, predicted")
        axes.axvline(run.threshold[row], color=VERMILION, linestyle=":", label="β*(μ)")
        axes.set_title(f"μ = {run.mu[row]:g}")
        _beta_axis(axes, run.beta)
        axes.set_xlabel("β")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("part of generation_mse (intensity²)")
    figure.suptitle(f"The parts of generation_mse ({run.name})")
    _legend_below(figure, panels[0], 3)
    return figure


def collapse(run: Run) -> Figure:
    """Draw four scores against β/β*, coloured by μ: what follows β* falls onto one curve."""
    figure, panels = _panels(2, 6.4, rows=2, x=True)
    units = {"recovery_r2": "1", "kl": "nat", "pmi": "1", "generation_mse": "intensity²"}
    colours = colormaps[COLOUR_MAP](Normalize(run.mu.min(), run.mu.max())(run.mu))
    ratio = run.beta / run.threshold[:, None]
    for axes, name in zip(panels.flat, JUDGED, strict=True):
        values, predicted = mean(run.values(name)), run.predicted(name)
        for i in range(len(run.mu)):
            axes.plot(ratio[i], values[i], "o", color=colours[i], markersize=5)
            if predicted is not None:
                axes.plot(ratio[i], predicted[i], color=colours[i], linewidth=0.9)
        axes.axvline(1, color=VERMILION, linestyle=":")
        axes.set(xscale="log", ylabel=f"{name} ({units[name]})")
        axes.grid(alpha=0.3)
    for axes in panels[-1]:
        axes.set_xlabel("β/β*(μ)")
    scale = ScalarMappable(Normalize(run.mu.min(), run.mu.max()), COLOUR_MAP)
    figure.colorbar(scale, ax=panels, label=MU)
    figure.suptitle(f"Dots: mean over seeds ({run.name}); lines: linear theory")
    return figure


def convergence(followed: Mapping[str, Sequence[Cell]]) -> Figure:
    """Draw each cell's KL on the grid, once converged and after the long training."""
    longest = max(map(len, followed.values()))
    figure, ((*panels,),) = _panels(len(followed), 1.8 + 0.22 * longest, y=True)
    stages = (("at the grid's steps", "o", 9), ("converged", "s", 6), ("long", "D", 3.5))
    for axes, (name, cells) in zip(panels, followed.items(), strict=True):
        rows = np.arange(len(cells))
        kl = np.array([cell.kl for cell in cells])
        axes.hlines(rows, np.nanmin(kl, 1), np.nanmax(kl, 1), "0.7", zorder=1)
        for k, (label, mark, size) in enumerate(stages):
            face = "none" if k == 0 else LINES[k]
            axes.plot(
                *(kl[:, k], rows, mark),
                **{"markersize": size, "color": LINES[k], "mfc": face, "label": label},
            )
        beyond = [row for row, cell in zip(rows, cells, strict=True) if not cell.expected]
        for k, row in enumerate(beyond):
            label = None if k else "β ≥ 0.99·β*: no latent expected"
            axes.axhspan(row - 0.5, row + 0.5, color="0.92", zorder=0, label=label)
        axes.set_yticks(rows, [f"μ={c.mu:g} β={c.beta:g}" for c in cells], fontsize=9)
        axes.set(xlabel="KL (nats)", title=name)
    panels[0].invert_yaxis()
    _legend_below(figure, panels[0], 2)
    return figure


def spare(*runs: Run) -> Figure:
    """Draw active latents along β, a panel for each μ and a line for each latent size."""
    figure, ((*panels,),) = _panels(len(runs[0].mu), 3.7, y=True)
    for row, axes in enumerate(panels):
        for k, run in enumerate(runs):
            found = t_interval(run.values("active_units")[row])
            errors = np.nan_to_num([found.mean - found.low, found.high - found.mean])
            latents, colour = run.config.latents, LINES[k]
            axes.errorbar(run.beta, found.mean, yerr=errors, fmt=MARKS[k], color=colour, capsize=3)
            axes.plot([], [], MARKS[k], color=colour, label=f"{latents} latents, measured")
            predicted = run.theory.active_units[row]
            mark = {"marker": "_", "markersize": 14, "linestyle": "none"}
            axes.plot(run.beta, predicted, color=colour, label=f"{latents}, theory", **mark)
        axes.axvline(1, color=VERMILION, linestyle=":", label="β = σ_noise²/σ²")
        axes.set_title(f"μ = {runs[0].mu[row]:g}")
        _beta_axis(axes, runs[0].beta)
        axes.set_xlabel("β")
        axes.grid(alpha=0.3)
    most = max(run.config.latents for run in runs)
    panels[0].set(ylabel="active latents", yticks=range(0, most + 1, 3))
    _legend_below(figure, panels[0], 3)
    return figure


def signal(*runs: Run) -> Figure:
    """Draw the measured share of signal against the predicted, coloured by μ, a panel a run."""
    figure, ((*panels,),) = _panels(len(runs), 4.2, x=True, y=True)
    norm = Normalize(runs[0].mu.min(), runs[0].mu.max())
    for axes, run in zip(panels, runs, strict=True):
        measured, predicted = run.values("signal_share"), run.theory.signal_share
        for row, mu in enumerate(run.mu):
            colour = colormaps[COLOUR_MAP](norm(mu))
            x = np.broadcast_to(predicted[row, :, None], measured[row].shape)
            axes.plot(x, measured[row], "o", color=colour, markersize=4)
        axes.plot([0, 1], [0, 1], color=VERMILION, linewidth=1, label="measured = predicted")
        axes.set(xlabel="predicted share of signal", title=run.name)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("measured share of signal")
    figure.colorbar(ScalarMappable(norm, COLOUR_MAP), ax=panels, label=MU)
    _legend_below(figure, panels[0], 1)
    return figure
