"""Curves over training, a panel for each term of the loss."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from biasvae_jax.drawing import own_settings
from biasvae_jax.figures.grid import MOST_NAMED, spread
from biasvae_jax.figures.maps import COLOUR_MAP

PANELS = 3  # in a row
TITLE = 46  # letters of a panel's title in a line
APART = 0.045  # of a panel's height: names at the ends of lines need it to be read
ONE = 0.012  # of a panel's height: lines that end nearer look like one


@own_settings()
def training_curves(
    step: np.ndarray,
    terms: Mapping[str, np.ndarray],
    names: Sequence[str],
    title: str,
    legend: str,
    logarithmic: bool = False,
) -> Figure:
    """Draw the terms of the loss over training, a panel a term and in it a line for each name.

    `terms` maps the label of each panel, with its unit, to `[names, step]`; steps may lie on a
    logarithmic axis. Names stand at the ends of their lines too; lines that end as one share a
    name, the first and last of theirs.
    """
    columns = min(PANELS, len(terms))
    rows = -(-len(terms) // columns)
    figure = Figure(figsize=(13, 4.4 if rows == 1 else 3.7 * rows), layout="constrained")
    figure.suptitle(title)
    colours = colormaps[COLOUR_MAP](np.linspace(0, 0.95, len(names)))
    for panel, (label, lines) in enumerate(terms.items()):
        axes = figure.add_subplot(rows, columns, panel + 1)
        for values, colour, line_name in zip(lines, colours, names, strict=True):
            axes.plot(step, values, color=colour, linewidth=1.3, label=line_name)
        axes.set_xlabel("training step")
        if logarithmic:
            axes.set_xscale("log")
        axes.set_title(fill(label, TITLE), loc="left", fontsize=10)
        axes.grid(alpha=0.3)
        _leave_out_start(axes, np.asarray(lines, float))
        _name_ends(axes, np.asarray(lines, float), names)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        spread(handles, MOST_NAMED),
        spread(labels, MOST_NAMED),
        title=legend,
        loc="outside right upper",
        frameon=False,
    )
    return figure


def _leave_out_start(axes, lines: np.ndarray) -> None:
    """Limit a panel whose highest point is the first step's, which would hide the rest."""
    finite = lines[np.isfinite(lines)]
    first = lines[:, 0]
    if finite.size and first.max(initial=-np.inf, where=np.isfinite(first)) >= finite.max():
        low, high = finite.min(), np.quantile(finite, 0.98)
        if low < high:
            axes.set_ylim(low - 0.05 * (high - low), high + 0.1 * (high - low))


def _name_ends(axes, lines: np.ndarray, names: Sequence[str]) -> None:
    """Write beside a panel which lines end where."""
    if len(names) > MOST_NAMED:
        return
    low, high = axes.get_ylim()
    last = max(1, lines.shape[1] // 20)  # the mean of 5 %: the very end is a batch's noise
    heights = (lines[:, -last:].mean(axis=1) - low) / (high - low)
    ends = [int(k) for k in np.argsort(heights) if 0 <= heights[k] <= 1]  # no NaN is
    groups: list[list[int]] = []
    for k in ends:
        if groups and heights[k] - heights[groups[-1][-1]] < ONE:
            groups[-1].append(k)
        else:
            groups.append([k])
    places = _spaced([float(np.mean(heights[group])) for group in groups])
    for group, place in zip(groups, places, strict=True):
        text = _in_short(sorted(group), names)
        axes.text(1.015, place, text, transform=axes.transAxes, fontsize=8, va="center")


def _in_short(group: Sequence[int], names: Sequence[str]) -> str:
    """Name lines by their numbers, those that follow each other by the first and the last."""
    parts: list[list[int]] = []
    for k in group:
        if parts and parts[-1][-1] == k - 1:
            parts[-1].append(k)
        else:
            parts.append([k])
    return ", ".join(
        names[part[0]] if len(part) == 1 else f"{names[part[0]]} to {names[part[-1]]}"
        for part in parts
    )


def _spaced(places: Sequence[float]) -> list[float]:
    """Move rising places apart so far that texts there can be read, within 0 and 1."""
    placed: list[float] = []
    for k, place in enumerate(places):
        least = placed[-1] + APART if placed else 0.0
        most = 1 - APART * (len(places) - 1 - k)
        placed.append(min(max(place, least), most))
    return placed
