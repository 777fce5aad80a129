"""Axes that the findings' figures share."""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from biasvae_jax.statistics.intervals import t_interval

WIDTH = 7.6  # inches, near the width of the page
BETA = "β, weight of the KL term"
ZERO = 3e-3  # where β = 0 is drawn on a logarithmic axis
COLOURS = "viridis"
BLUE, VERMILION = "#0072B2", "#D55E00"


def panels(columns: int, height: float, rows: int = 1, y: bool = True) -> tuple[Figure, np.ndarray]:
    """Return a figure as wide as the page, and its axes `[rows, columns]`."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharey="row" if y else False)


def beta_axis(axes, beta: np.ndarray) -> None:
    """Make the horizontal axis that of β, with a place for 0."""
    axes.set_xscale("log")
    places = [(ZERO, "0")] if beta.min() == 0 else []
    places += [(b, f"{b:g}") for b in (0.01, 0.1, 1, 10) if beta.min() <= b <= beta.max()]
    axes.set_xticks([p for p, _ in places], [t for _, t in places])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(BETA, fontsize=9)
    axes.grid(alpha=0.3)


def line(axes, x: np.ndarray, values: np.ndarray, **style) -> None:
    """Draw a mean over seeds (the last axis) with its interval."""
    x, found = np.where(x == 0, ZERO, x), t_interval(values)
    low, high = (np.asarray(a) for a in (found.low, found.high))
    axes.fill_between(x, low, high, color=style["color"], alpha=0.2, linewidth=0)
    axes.plot(x, found.mean, **style)


def shades(count: int) -> list:
    """Return colours for what is in an order, the light one first."""
    return [colormaps[COLOURS](0.85 * k / max(1, count - 1)) for k in range(count)][::-1]


def legend(figure: Figure, axes, columns: int) -> None:
    """Put the legend of some axes below all."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def those_of(values: np.ndarray, wanted: tuple[float, ...]) -> list[float]:
    """Return the wanted values that are there."""
    return [each for each in wanted if np.isclose(values, each).any()]
