"""Tables that hold every combination of their factors' values once."""

import numpy as np


def find_grid(values: np.ndarray) -> np.ndarray | None:
    """Return the row of each combination `[values, values, …]`, from `[rows, factors]`.

    A factor's values are in rising order. None where a combination is missing or there twice.
    """
    levels = [np.unique(column, return_inverse=True) for column in values.T]
    sizes = tuple(len(level) for level, _ in levels)
    if np.prod(sizes, dtype=float) != len(values):
        return None
    grid = np.full(sizes, -1, np.int32)
    grid[tuple(place.reshape(-1) for _, place in levels)] = np.arange(len(values), dtype=np.int32)
    return None if (grid < 0).any() else grid


def look_up(values: np.ndarray, grid: np.ndarray | None, wanted: np.ndarray) -> np.ndarray:
    """Return the rows of combinations `[n, factors]` in a table with a grid.

    Raises ValueError without one, and for a value that the table has not.
    """
    if grid is None:
        raise ValueError("the table has not every combination of its factors once")
    places = []
    for number, (column, asked) in enumerate(zip(values.T, wanted.T, strict=True)):
        levels = np.unique(column)
        place = np.minimum(np.searchsorted(levels, asked), len(levels) - 1)
        if not np.array_equal(levels[place], asked):
            raise ValueError(f"the table has not every value asked for of factor {number + 1}")
        places.append(place)
    return grid[tuple(places)]
