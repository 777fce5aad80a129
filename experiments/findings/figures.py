"""The figures of `docs/findings.md`: runs in, a matplotlib Figure out."""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from biasvae_jax.statistics.intervals import t_interval
from experiments.findings.boundary import kl_near
from experiments.findings.collapse import fates
from experiments.findings.evidence import at_end, sizes, stopped
from experiments.findings.optima import best, questions
from experiments.findings.runs import RIVAL_SIZE
from experiments.pages.run import Run, Runs

WIDTH = 7.6  # inches, near the width of the page
BETA = "β, weight of the KL term"
ZERO = 3e-3  # where β = 0 is drawn on a logarithmic axis
COLOURS = "viridis"
BLUE, VERMILION = "#0072B2", "#D55E00"


def draw(runs: Runs) -> dict[str, Figure]:
    """Draw every figure of the page, by name."""
    return {
        "optimum": optimal(runs),
        "code": code(runs),
        "decoder": decoder(runs),
        "prior": prior(runs),
        "course": course(runs),
        "collapse": collapse(runs),
        "kink": kink(runs),
    }


def _panels(columns: int, height: float, rows: int = 1, y: bool = True):
    """Return a figure as wide as the page, and its axes `[rows, columns]`."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharey="row" if y else False)


def _beta_axis(axes, beta: np.ndarray) -> None:
    axes.set_xscale("log")
    places = [(ZERO, "0")] if beta.min() == 0 else []
    places += [(b, f"{b:g}") for b in (0.01, 0.1, 1, 10) if beta.min() <= b <= beta.max()]
    axes.set_xticks([p for p, _ in places], [t for _, t in places])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(BETA, fontsize=9)
    axes.grid(alpha=0.3)


def _line(axes, x: np.ndarray, values: np.ndarray, **style) -> None:
    """Draw a mean over seeds (the last axis) with its interval."""
    x, found = np.where(x == 0, ZERO, x), t_interval(values)
    low, high = (np.asarray(a) for a in (found.low, found.high))
    axes.fill_between(x, low, high, color=style["color"], alpha=0.2, linewidth=0)
    axes.plot(x, found.mean, **style)


def _shades(count: int) -> list:
    return [colormaps[COLOURS](0.85 * k / max(1, count - 1)) for k in range(count)][::-1]


def _legend(figure: Figure, axes, columns: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def _shown(runs: Runs, wanted=(0, 2, 4)) -> list[float]:
    mu = runs["n-endless"].mu
    return [m for m in wanted if np.isclose(mu, m).any()]


def _by_size(runs: Runs, name: str, label: str) -> tuple[Figure, list]:
    biases, named = _shown(runs), sizes(runs)
    figure, ((*panels,),) = _panels(len(biases), 3.6)
    for axes, mu in zip(panels, biases, strict=True):
        for (text, run), colour in zip(named, _shades(len(named)), strict=True):
            _line(axes, run.beta, run.values(name)[run.row(mu)], color=colour, label=text)
        _beta_axis(axes, named[-1][1].beta)
        axes.set_title(f"μ = {mu:g}", fontsize=10)
    panels[0].set_ylabel(label)
    return figure, panels


def optimal(runs: Runs) -> Figure:
    """Draw the best β of code, decoder and prior against μ, a line for each number of images."""
    named = sizes(runs)
    figure, ((*panels,),) = _panels(3, 3.8)
    for number, ((text, run), colour) in enumerate(zip(named, _shades(len(named)), strict=True)):
        for axes, asked in zip(panels, questions(run).values(), strict=True):
            found = best(asked.values, run.beta, asked.better).optimum
            middle, low, high = (
                np.where(np.asarray(b) == 0, ZERO, b)
                for b in (found.strength, found.low, found.high)
            )
            x = asked.mu + 0.12 * (number - (len(named) - 1) / 2)  # side by side
            reach = [middle - low, high - middle]
            axes.errorbar(
                x, middle, reach, fmt="o-", color=colour, label=text, markersize=3, linewidth=1
            )
            axes.set_title(asked.label, fontsize=10)
    endless = runs["n-endless"]
    for axes, asked in zip(panels, questions(endless).values(), strict=True):
        wanted = endless.beta[asked.best_reference]
        axes.plot(
            asked.mu, np.where(wanted == 0, ZERO, wanted), "--", color=VERMILION, zorder=0,
            label="linear optimum, endless",
        )  # fmt: skip
        axes.set_yscale("log")
        ticks = [(ZERO, "0"), *((b, f"{b:g}") for b in (0.01, 0.1, 1, 10))]
        axes.set_yticks([p for p, _ in ticks], [t for _, t in ticks])
        axes.set_yticks([], minor=True)
        axes.set_xlabel("bias μ", fontsize=9)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("best β")
    _legend(figure, panels[0], 3)
    return figure


def code(runs: Runs) -> Figure:
    """Draw R² of the code against β, a line for each number of images."""
    figure, panels = _by_size(runs, "recovery_r2", "R² of the code (1 is best)")
    _legend(figure, panels[0], 3)
    return figure


def decoder(runs: Runs) -> Figure:
    """Draw the decoder's error against β, at the end of training and stopped early."""
    biases, named = _shown(runs), sizes(runs)[:-1]
    figure, ((*panels,),) = _panels(len(biases), 3.9)
    shades = _shades(len(named) + 1)
    for axes, mu in zip(panels, biases, strict=True):
        for (text, run), colour in zip(named, shades, strict=False):
            row = run.row(mu)
            end = at_end(run, "generation_mse_exact")[row]
            _line(axes, run.beta, end, color=colour, label=text)
            early = stopped(run).generation[row]
            mean = np.asarray(t_interval(early).mean)
            axes.plot(np.where(run.beta == 0, ZERO, run.beta), mean, "--", color=colour)
        endless = runs["n-endless"]
        values = at_end(endless, "generation_mse_exact")[endless.row(mu)]
        _line(axes, endless.beta, values, color=shades[-1], label="endless")
        _beta_axis(axes, endless.beta)
        axes.set_title(f"μ = {mu:g}", fontsize=10)
    panels[0].set_ylabel("generation_mse (0 is best)")
    panels[0].plot([], [], "--", color="0.4", label="stopped by unseen loss")
    _legend(figure, panels[0], 3)
    return figure


def prior(runs: Runs) -> Figure:
    """Draw the mass of the rare event under the prior: by μ with endless data, by N at one μ."""
    endless = runs["n-endless"]
    figure, ((left, right),) = _panels(2, 4.0)
    for mu, colour in zip(endless.mu, _shades(len(endless.mu)), strict=True):
        values = endless.values("prior_mass")[endless.row(mu)]
        _line(left, endless.beta, values, color=colour, label=f"μ = {mu:g}")
    named, mu = sizes(runs), next(m for m in (1, 2, 0) if np.isclose(endless.mu, m).any())
    for (text, run), colour in zip(named, _shades(len(named)), strict=True):
        _line(right, run.beta, run.values("prior_mass")[run.row(mu)], color=colour, label=text)
    for axes, title in ((left, "endless data"), (right, f"μ = {mu:g}")):
        axes.axhline(1, color=VERMILION, linewidth=1.5)
        _beta_axis(axes, endless.beta)
        axes.set_yscale("symlog", linthresh=0.1)
        axes.set_ylim(bottom=0)
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=8, frameon=False)
    left.set_ylabel("P(rare event) of samples ÷ of data")
    return figure


def course(runs: Runs) -> Figure:
    """Draw the decoder's error and the code's R² over training, for some β and two biases."""
    run = runs.get(f"n-{RIVAL_SIZE}") or sizes(runs)[0][1]
    biases = _shown(runs, (0, 2))
    figure, panels = _panels(len(biases), 5.2, rows=2)
    betas = [b for b in (0.1, 0.6, 1, 2, 3) if np.isclose(run.beta, b).any()]
    parts = (("generation_mse_exact", "generation_mse"), ("recovery_r2", "R² of the code"))
    for axes_row, (name, label) in zip(panels, parts, strict=True):
        for axes, mu in zip(axes_row, biases, strict=True):
            for beta, colour in zip(betas, _shades(len(betas)), strict=True):
                values = run.course(name)[run.row(mu), run.column(beta)]
                _line(axes, run.snapshots, values.T, color=colour, label=f"β = {beta:g}")
            axes.set_xscale("log")
            axes.grid(alpha=0.3)
            axes.set_title(f"μ = {mu:g}", fontsize=10)
        axes_row[0].set_ylabel(label)
    for axes in panels[-1]:
        axes.set_xlabel("training steps", fontsize=9)
    _legend(figure, panels[0][0], 5)
    return figure


def collapse(runs: Runs) -> Figure:
    """Draw active latents and dead units over training, of models below β* that end without any."""
    named = [r for n, r in runs.items() if n.startswith("collapse-") and n.endswith("1e-3")]
    figure, panels = _panels(len(named), 4.4, rows=2)
    for column, run in enumerate(named):
        active, dead = run.course("active_units"), run.course("dead_units")
        lost, kept = fates(run)
        kinds = ((lost, VERMILION, "end collapsed"), (kept, BLUE, "end active"))
        for where, colour, text in kinds:
            for axes, values in zip(panels[:, column], (active, dead), strict=True):
                if where.any():
                    middle = np.median(values[where], 0)
                    ends = np.quantile(values[where], [0.1, 0.9], axis=0)
                    axes.fill_between(run.snapshots, *ends, color=colour, alpha=0.2, linewidth=0)
                    axes.plot(run.snapshots, middle, color=colour, label=text)
                axes.set_xscale("log")
                axes.grid(alpha=0.3)
        activation = run.setting("activation").replace("_", " ")
        panels[0, column].set_title(f"{run.setting('kl')} KL\n{activation}", fontsize=9)
        panels[1, column].set_xlabel("training steps", fontsize=9)
    panels[0, 0].set_ylabel("active latents")
    panels[1, 0].set_ylabel("share of dead units")
    _legend(figure, panels[0, 0], 2)
    return figure


def kink(runs: Runs) -> Figure:
    """Draw the KL around β*, beside the closed form."""
    fine = [run for name, run in runs.items() if name.startswith("fine-")]
    figure, ((*panels,),) = _panels(len(fine), 3.4, y=False)
    for axes, run in zip(panels, fine, strict=True):
        _kink(axes, run)
    panels[0].set_ylabel("KL, nats")
    _legend(figure, panels[0], 2)
    return figure


def _kink(axes, run: Run) -> None:
    kl, predicted = kl_near(run)
    ratio = run.beta / run.threshold[0]
    axes.plot(ratio, predicted, color=VERMILION, label="closed form")
    for seed in range(kl.shape[1]):
        label = "networks, a line a seed" if seed == 0 else None
        axes.plot(ratio, kl[:, seed], "o-", color=BLUE, alpha=0.6, markersize=3, label=label)
    axes.axvline(1, color="0.6", linewidth=1)
    axes.set_xlabel("β/β*", fontsize=9)
    axes.set_title(f"μ = {run.mu[0]:g}", fontsize=10)
    axes.grid(alpha=0.3)
