"""Shares as people say them."""

import numpy as np

from biasvae_jax.statistics.bounded import share_interval
from experiments.pages.words import value


def percent(part: float) -> str:
    """Write a share in two digits of percent."""
    return f"{100 * part:.2g} %"


def percents(shares: np.ndarray) -> str:
    """Write shares `[seed]` in percent, with their interval."""
    found = share_interval(shares)
    ends = {name: 100 * getattr(found, name) for name in ("mean", "low", "high")}
    return value(found._replace(**ends), "%")
