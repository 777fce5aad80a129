"""Several runs beside each other: the best that each has to show of every score."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from biasvae_jax.report.maps import number, place
from biasvae_jax.report.view import RunView


class Best(NamedTuple):
    """A score's best mean in each run, among the cells that all have."""

    name: str
    values: list[str]
    """The value and its cell, "n/a" where there is none."""


def best_of_each(views: Sequence[RunView], names: Sequence[str]) -> list[Best]:
    """Find the best of each score that has a direction, one column a run."""
    found = []
    for name in names:
        better = views[0].meanings[name].better
        if better:
            found.append(Best(name, [_best(view, name, better) for view in views]))
    return found


def _best(view: RunView, name: str, better: str) -> str:
    mean = view.mean(name)
    if not np.isfinite(mean).any():
        return "n/a"
    index = np.nanargmax(mean) if better == "higher" else np.nanargmin(mean)
    i, j = (int(k) for k in np.unravel_index(index, mean.shape))
    return f"{number(float(mean[i, j]))} at {place(view.rows, view.columns, i, j)}"
