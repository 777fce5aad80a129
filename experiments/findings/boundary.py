"""Where half the latents stop being active, beside β*, and the KL near it."""

import numpy as np

from biasvae_jax.statistics.boundary import Place, Slope, boundary, boundary_slope, place
from biasvae_jax.statistics.intervals import Interval, t_interval
from experiments.pages.run import Run

KINK = 0.5  # nats: a KL that vanishes from below this much is no jump of note


def slope(run: Run) -> Slope:
    """Return the boundary's slope in μ."""
    active = run.values("active_units")
    found = boundary(active, run.beta, run.study.latents)
    return boundary_slope(found, run.mu, run.threshold)


def beside_theory(run: Run) -> Place:
    """Return where the boundary lies beside β*, for each μ."""
    active = run.values("active_units")
    return place(boundary(active, run.beta, run.study.latents), run.threshold)


def kl_near(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return KL `[beta, seed]` of a run with one bias, and the closed form's `[beta]`."""
    kl = run.values("kl")[0]
    predicted = run.scores["linear_kl"].transpose("mu", "beta").values[0]
    return kl, predicted


def last_active(run: Run) -> int | None:
    """Return the place of the largest β at which a model of any seed has an active latent."""
    some = np.flatnonzero((run.values("active_units")[0] > 0).any(-1))
    return int(some.max()) if some.size else None


def kl_before_collapse(run: Run) -> Interval | None:
    """Return the KL, over seeds, at the largest β with an active latent."""
    last = last_active(run)
    return None if last is None else t_interval(kl_near(run)[0][last])


def jumps(run: Run) -> bool:
    """Tell whether the KL there is too large for a continuous end."""
    before = kl_before_collapse(run)
    return before is not None and float(before.mean) >= KINK
