"""Figures of a sweep: arrays in, a matplotlib Figure out; nothing is computed or saved here.

They do not use the user's settings of matplotlib, nor any backend.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from biasvae_jax.drawing import own_settings
from biasvae_jax.statistics.boundary import boundary_steps
from biasvae_jax.statistics.regimes import Regime

COLOUR_MAP = "cividis"  # even in lightness, and the same to colour-blind readers
# after Okabe & Ito: apart for colour-blind readers, and none is the boundary's vermilion
REGIMES = {
    Regime.RECOVERED: ("#0072B2", "recovered: all latents wanted are active, be it on noise"),
    Regime.PARTIAL: ("#56B4E9", "partial: some are active"),
    Regime.COLLAPSED_BY_OBJECTIVE: ("#D9D9D9", "collapsed by the objective, β > β*"),
    Regime.COLLAPSED_BY_OPTIMISER: ("#F0E442", "collapsed by the optimiser, β < β*"),
    Regime.ACTIVE_BEYOND: ("#CC79A7", "active beyond β*"),
    Regime.DIVERGED: ("#000000", "diverged"),
}
MOST_NUMBERED = 32  # columns or rows; larger maps have no room for a number in each cell
MOST_NAMED = 16  # lines of a legend, cells named along a side of a larger map
LOSSES = (("loss", "loss (nats)"), ("reconstruction", "reconstruction (nats)"), ("kl", "KL (nats)"))


def spread(values: Sequence, most: int) -> Sequence:
    """Return at most so many of the values, evenly picked, the first among them."""
    return values[:: -(-len(values) // most)]


def _drawn_cells(mu: Sequence[float], beta: Sequence[float]) -> tuple[int, int]:
    """Return the columns and rows that a map has room for: all, or those of a small figure."""
    if max(len(beta), len(mu)) <= MOST_NUMBERED:
        return len(beta), len(mu)
    return MOST_NAMED, MOST_NAMED


def _name_cells(axes, mu: Sequence[float], beta: Sequence[float]) -> None:
    """Name the columns and rows of a map, or some of them where there are many."""
    sides = zip((axes.set_xticks, axes.set_yticks), (beta, mu), _drawn_cells(mu, beta), strict=True)
    for ticks, values, room in sides:
        shown = spread(range(len(values)), room)
        ticks(shown, [_number(values[i]) for i in shown])


def _number(value: float) -> str:
    return f"{value:g}"


@own_settings()
def heat_map(
    values: np.ndarray,
    mu: Sequence[float],
    beta: Sequence[float],
    title: str,
    label: str,
    boundary: np.ndarray | None = None,
) -> Figure:
    """Draw one score over the grid, its value in each cell.

    `values` `[mu, beta]`, NaN where there is none; `boundary` `[mu]` is β*(μ), drawn as steps.
    """
    values = np.asarray(values, float)
    columns, rows = _drawn_cells(mu, beta)
    figure = Figure(figsize=(3.2 + 0.72 * columns, 2.2 + 0.46 * rows), layout="constrained")
    axes = figure.add_subplot()
    colours = colormaps[COLOUR_MAP].with_extremes(bad="0.85")
    image = axes.imshow(np.ma.masked_invalid(values), cmap=colours, aspect="auto", origin="lower")
    _name_cells(axes, mu, beta)
    axes.set_xlabel("β, weight of the KL term")
    axes.set_ylabel("μ, training bias")
    axes.set_title(title, wrap=True)
    figure.colorbar(image, ax=axes, label=label)
    low, high = image.get_clim()
    numbered = (len(beta), len(mu)) == (columns, rows)
    for (row, column), value in np.ndenumerate(values) if numbered else ():
        text = "n/a" if np.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"
        dark = not np.isnan(value) and value < low + 0.47 * (high - low)  # where both read alike
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else "k",
            zorder=3,
        )
    if boundary is not None:
        handles = _draw_boundary(axes, np.asarray(boundary, float), beta)
        figure.legend(handles=handles, loc="outside lower center", frameon=False)
    return figure


def _draw_boundary(axes, boundary: np.ndarray, beta: Sequence[float]) -> list:
    """Draw β*(μ) as a staircase between the cells it separates; returns its line, if drawn."""
    x, y = boundary_steps(boundary, beta)
    if not x.size:
        return []  # columns out of order have no "between"
    line = axes.step(x, y, where="post", color="#D55E00")[0]
    line.set(linewidth=2.5, label="β*(μ): to its right, the linear theory predicts collapse")
    axes.set_xlim(-0.5, len(beta) - 0.5)
    axes.set_ylim(-0.5, len(boundary) - 0.5)
    return [line]


@own_settings()
def regime_map(
    regimes: Mapping[str, np.ndarray],
    mu: Sequence[float],
    beta: Sequence[float],
    boundary: np.ndarray | None = None,
) -> Figure:
    """Draw what became of the models over the grid, a panel for each run named.

    `regimes` holds codes of `Regime`, `[mu, beta, seed]`: a cell has a share of each seed's colour,
    in the order of the codes. `boundary` `[mu]` is β*(μ), the same for all runs.
    """
    columns, rows = _drawn_cells(mu, beta)
    width, height = 0.9 + 0.44 * columns, 0.36 * rows
    figure = Figure(figsize=(max(7.2, width * len(regimes)), 2.6 + height), layout="constrained")
    several = any(np.shape(codes)[-1] > 1 for codes in regimes.values())
    each = "model (cells are divided among their seeds)" if several else "model"
    figure.suptitle(f"What became of each {each}")
    panels = figure.subplots(1, len(regimes), sharey=True, squeeze=False)[0]
    colours, line = ListedColormap([REGIMES[code][0] for code in Regime]), []
    for axes, (name, codes) in zip(panels, regimes.items(), strict=True):
        shares = np.sort(np.asarray(codes, int), axis=-1).reshape(len(mu), -1)
        axes.imshow(
            shares,
            cmap=colours,
            vmin=-0.5,
            vmax=len(Regime) - 0.5,
            aspect="auto",
            origin="lower",
            interpolation="nearest",
            extent=(-0.5, len(beta) - 0.5, -0.5, len(mu) - 0.5),
        )
        axes.vlines(np.arange(1, len(beta)) - 0.5, -0.5, len(mu) - 0.5, "white", linewidth=1)
        axes.hlines(np.arange(1, len(mu)) - 0.5, -0.5, len(beta) - 0.5, "white", linewidth=1)
        _name_cells(axes, mu, beta)
        axes.set(xlabel="β, weight of the KL term", title=name)
        if boundary is not None:
            line = _draw_boundary(axes, np.asarray(boundary, float), beta)
    panels[0].set_ylabel("μ, training bias")
    present = set(np.concatenate([np.ravel(codes) for codes in regimes.values()]).tolist())
    patches = [Patch(color=c, label=text) for code, (c, text) in REGIMES.items() if code in present]
    beside = 2 if len(regimes) > 1 else 1
    figure.legend(handles=patches + line, loc="outside lower center", ncols=beside, frameon=False)
    return figure


@own_settings()
def training_curves(
    step: np.ndarray,
    losses: dict[str, np.ndarray],
    names: Sequence[str],
    title: str,
    legend: str,
) -> Figure:
    """Draw loss, reconstruction and KL over training, a line for each of `names`.

    `losses` maps each of loss, reconstruction, kl to `[names, step]` in nats.
    """
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    figure.suptitle(title)
    colours = colormaps[COLOUR_MAP](np.linspace(0, 0.95, len(names)))
    for axes, (name, label) in zip(figure.subplots(1, 3), LOSSES, strict=True):
        for values, colour, line_name in zip(losses[name], colours, names, strict=True):
            axes.plot(step, values, color=colour, linewidth=1.3, label=line_name)
        axes.set_xlabel("training step")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        finite = np.asarray(losses[name])[np.isfinite(losses[name])]
        if name != "kl" and finite.size:  # the first steps would hide the rest
            low, high = finite.min(), np.quantile(finite, 0.98)
            if low < high:
                axes.set_ylim(low - 0.05 * (high - low), high + 0.1 * (high - low))
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        spread(handles, MOST_NAMED),
        spread(labels, MOST_NAMED),
        title=legend,
        loc="outside right upper",
        frameon=False,
    )
    return figure


@own_settings()
def image_grid(
    images: np.ndarray,
    title: str,
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
    column_label: str = "",
) -> Figure:
    """Draw images `[rows, columns, side, side]` on one grey scale from 0 (black) to 1 (white)."""
    rows, columns, side, _ = images.shape
    pitch = side + max(1, side // 20)  # an image and the gap after it
    canvas = np.full((rows * pitch - 1, columns * pitch - 1), np.nan)
    for row, column in np.ndindex(rows, columns):
        top, left = row * pitch, column * pitch
        canvas[top : top + side, left : left + side] = images[row, column]
    width = min(13.0, max(5.0, 0.6 * columns))
    height = 1.4 + width * canvas.shape[0] / canvas.shape[1]
    figure = Figure(figsize=(width + 2.2, height), layout="constrained")
    figure.suptitle(title, fontsize=11, wrap=True)
    axes = figure.add_subplot()
    grey = colormaps["gray"].with_extremes(bad="#4477AA")
    shown = axes.imshow(canvas, cmap=grey, vmin=0, vmax=1, interpolation="nearest")
    axes.set_yticks(np.arange(len(row_names)) * pitch + side / 2, row_names)
    axes.set_xticks(np.arange(len(column_names)) * pitch + side / 2, column_names)
    axes.tick_params(length=0)
    axes.set(xlabel=column_label)
    axes.spines[:].set_visible(False)
    figure.colorbar(shown, ax=axes, label="intensity", fraction=0.05, pad=0.02, aspect=12)
    return figure
