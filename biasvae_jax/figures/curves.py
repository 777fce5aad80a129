"""Curves over training, a panel for each term of the loss."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from biasvae_jax.drawing import own_settings
from biasvae_jax.figures.maps import COLOUR_MAP, MOST_NAMED, spread

PANELS = 3  # in a row


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
    logarithmic axis.
    """
    columns = min(PANELS, len(terms))
    rows = -(-len(terms) // columns)
    figure = Figure(figsize=(13, 4.2 if rows == 1 else 3.6 * rows), layout="constrained")
    figure.suptitle(title)
    colours = colormaps[COLOUR_MAP](np.linspace(0, 0.95, len(names)))
    for panel, (label, lines) in enumerate(terms.items()):
        axes = figure.add_subplot(rows, columns, panel + 1)
        for values, colour, line_name in zip(lines, colours, names, strict=True):
            axes.plot(step, values, color=colour, linewidth=1.3, label=line_name)
        axes.set_xlabel("training step")
        if logarithmic:
            axes.set_xscale("log")
        axes.set_ylabel(label, wrap=True)
        axes.grid(alpha=0.3)
        _leave_out_start(axes, np.asarray(lines, float))
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
