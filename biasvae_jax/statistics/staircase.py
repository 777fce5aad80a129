"""Where the line β*(μ) stands between the cells of a map (numpy only)."""

from collections.abc import Iterable

import numpy as np


def boundary_steps(boundary: np.ndarray, columns: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """Place a threshold, one for each row, as a staircase between columns (x) and rows (y).

    `boundary` `[rows]` is in the unit of `columns`, the strengths; places are counted from 0.
    Between two columns it stands at the logarithm's share; empty where they are out of order.
    """
    values = np.asarray(tuple(columns), float)
    if np.any(np.diff(values) < 0):
        return np.array([]), np.array([])
    logs = np.log(np.maximum(values, 1e-12))
    wanted = np.log(np.maximum(np.asarray(boundary, float), 1e-12))
    last = len(values) - 0.5
    x = np.interp(wanted, logs, np.arange(len(values)), left=-0.5, right=last)
    row = np.arange(len(wanted))
    return np.repeat(x, 2), np.stack([row - 0.5, row + 0.5], 1).ravel()
