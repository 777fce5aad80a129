"""Ratios over seeds."""

import numpy as np

from biasvae_jax.statistics.intervals import Interval, t_interval


def geometric_interval(logs: np.ndarray) -> Interval:
    """Return a geometric mean over seeds with its interval, of logarithms `[..., seed]`."""
    found = t_interval(logs)
    return found._replace(**{f: np.exp(getattr(found, f)) for f in ("mean", "low", "high")})
