"""Where the lines β*(μ) stand between the cells of a map (numpy only)."""

from collections.abc import Iterable

import numpy as np

SAME = 0.01  # as a share: thresholds nearer than this are one line


def distinct(thresholds: np.ndarray) -> np.ndarray:
    """Keep the columns of thresholds `[rows, directions]`, falling, that no column before shows.

    Two that are within 1 % in every row are one line, and one of NaN alone is none. Returns
    `[rows, lines]`, at least the first.
    """
    thresholds = np.asarray(thresholds, float)
    kept = thresholds[:, :1]
    for column in thresholds[:, 1:].T:
        seen = np.isclose(column, kept[:, -1], rtol=SAME, atol=0, equal_nan=True)
        if not (seen | np.isnan(column)).all():
            kept = np.column_stack([kept, column])
    return kept


def boundary_steps(boundary: np.ndarray, columns: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """Place a threshold, one for each row, as a staircase between columns (x) and rows (y).

    `boundary` `[rows]` is in the unit of `columns`, the strengths; places are counted from 0.
    Between two columns it stands at the logarithm's share, and between a column of 0, which has no
    logarithm, and the next at the plain share; empty where they are out of order.
    """
    values = np.asarray(tuple(columns), float)
    if np.any(np.diff(values) < 0):
        return np.array([]), np.array([])
    boundary = np.asarray(boundary, float)
    places, last = np.arange(len(values)), len(values) - 0.5
    positive = values > 0
    logs, wanted = np.log(values[positive]), np.log(np.maximum(boundary, 1e-12))
    x = np.full(len(boundary), -0.5)
    if positive.any():
        x = np.interp(wanted, logs, places[positive], left=-0.5, right=last)
    if not positive.all():  # 0 comes first
        following = values[positive][0] if positive.any() else np.inf
        x = np.where(boundary < following, places[~positive][-1] + boundary / following, x)
    row = np.arange(len(boundary))
    return np.repeat(x, 2), np.stack([row - 0.5, row + 0.5], 1).ravel()
