"""What the original study saw in its loss curves: noise, and the length of training."""

import numpy as np

from biasvae_jax.statistics.intervals import Interval
from experiments.pages.ratios import geometric_interval
from experiments.pages.run import Run

LATE = 0.5  # of the training, from which on a curve's noise is measured
REACHED = 0.95  # of a loss's fall, after which training counts as done


def noise_ratio(run: Run) -> Interval:
    """How much noisier the loss is at the largest β than at the smallest."""
    curves = _curves(run)
    late = curves[..., int(LATE * curves.shape[-1]) :]
    # first differences have no trend; those of independent bins are √2 of their deviation
    return _ratio(np.diff(late, axis=-1).std(-1) / np.sqrt(2), run.beta)


def time_ratio(run: Run) -> Interval:
    """How much longer the loss takes to fall at the largest β than at the smallest."""
    curves = _curves(run)
    first, last = curves[..., :1], curves[..., -10:].mean(-1, keepdims=True)
    there = curves <= first + REACHED * (last - first)
    steps = run.history["step"].values[there.argmax(-1)]
    return _ratio(np.where(there.any(-1), steps, np.nan), run.beta)


def _curves(run: Run) -> np.ndarray:
    return run.history["loss"].transpose("mu", "beta", "seed", "step").values.astype(float)


def _ratio(measured: np.ndarray, beta: np.ndarray) -> Interval:
    """Return the ratio of the largest β to the smallest, `[mu, beta, seed]` → over seeds."""
    logs = np.log(measured[:, beta.argmax()]) - np.log(measured[:, beta.argmin()])
    return geometric_interval(np.nanmean(np.where(np.isfinite(logs), logs, np.nan), 0))
