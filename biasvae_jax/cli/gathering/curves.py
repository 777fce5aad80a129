"""Training curves, thinned so that they fit the page."""

import numpy as np
import xarray as xr

CURVE_NUMBERS = 300_000


def extremes(values: np.ndarray) -> np.ndarray:
    """Summarise the last axis, seeds, as mean, lowest and highest."""
    v = values.astype(float)
    return np.stack([v.mean(-1), v.min(-1), v.max(-1)], axis=-1)


def every_kth(curves: dict[str, np.ndarray], seeds: int) -> np.ndarray:
    """Choose every k-th step, so that the curves of many cells fit the page."""
    rows, columns, steps = next(iter(curves.values())).shape[:3]
    lines = len(curves) * (3 if seeds > 1 else 1)
    every = -(-rows * columns * lines * steps // CURVE_NUMBERS)
    return np.arange(steps)[::-1][:: max(1, every)][::-1]  # the last one always


def time_course(history: xr.Dataset, axes: tuple[str, str]) -> dict[str, np.ndarray]:
    """Average what was measured during training over seeds, `[rows, columns, snapshot]` each."""
    return {
        str(name): variable.mean("seed").transpose(*axes, "snapshot").values
        for name, variable in history.data_vars.items()
        if "snapshot" in variable.dims
    }
