"""Numbers on training: what became of the models, and what more steps change."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from biasvae_jax.statistics.intervals import Interval, paired_interval, t_interval
from biasvae_jax.statistics.regimes import ACTIVE_THRESHOLD, Regime
from biasvae_jax.training.convergence import converged_step
from experiments.findings.evidence import Run, mean

TOLERANCE = 0.1  # nats a window, of a 20th of the long training, by which a loss must improve


def counts(run: Run) -> dict[Regime, Interval]:
    """Return how many models of a seed are in each regime."""
    return {code: t_interval((run.regimes() == code).sum((0, 1))) for code in Regime}


def fewer(first: Run, second: Run, code: Regime) -> Interval:
    """Return how many models more the first run has in a regime than the second, paired."""
    return paired_interval(*((run.regimes() == code).sum((0, 1)) for run in (first, second)))


def gap_below(run: Run) -> Interval:
    """Return the mean `gap` over cells with β < β*, nats."""
    below = run.beta < run.threshold[:, None]
    return t_interval(mean(run.values("gap")[below], 0))


def gap_in(run: Run, code: Regime) -> Interval:
    """Return the mean `gap` of a seed's models in a regime, nats, over seeds that have any."""
    return t_interval(mean(np.where(run.regimes() == code, run.values("gap"), np.nan), (0, 1)))


class Cell(NamedTuple):
    """One model on the grid, once it had converged, and after the long training."""

    mu: float
    beta: float
    threshold: float
    kl: tuple[float, float, float]
    """On the grid, once converged, and after the long training, nats."""
    active: tuple[float, float]
    """On the grid and after the long training, as are the next two; NaN where it diverged."""
    recovery: tuple[float, float]
    gap: tuple[float, float]
    steps: int
    """Training steps until it converged; all of the long training's if it never did."""
    waited: bool
    """Whether it had not converged when the long training ended."""

    @property
    def expected(self) -> bool:
        """Whether the linear optimum has active latents."""
        return self.beta < (1 - ACTIVE_THRESHOLD) * self.threshold

    @property
    def came_back(self) -> bool:
        """Nothing active at the grid's number of steps, something after the long training."""
        return self.active[0] == 0 and self.active[1] > 0

    @property
    def stayed(self) -> bool:
        """Nothing active at either end, although the linear optimum has active latents."""
        return self.expected and self.active[0] == 0 and self.active[1] == 0


def patience(long: Run) -> int:
    """Return the steps of a window of the convergence rule: 5,000 of 100,000."""
    return max(1, long.config.steps // 20)


def cells(short: Run, long: Run) -> list[Cell]:
    """Follow the cells of `long` (seed 0) from `short`, with which it shares its noise."""
    config, curves = long.config, long.history.isel(seed=0).transpose("mu", "beta", "step")
    window = patience(long)
    steps = converged_step(curves["loss"].values, config.steps, config.kl_warmup, window, TOLERANCE)
    bins = curves.sizes["step"]
    window, ends = window * bins // config.steps, steps * bins // config.steps

    def at(name: str, mu: float, beta: float) -> tuple[float, float]:
        a, b = (
            run.values(name)[run.config.mu.index(mu), run.config.beta.index(beta), 0]
            for run in (short, long)
        )
        return float(a), float(b)

    found = []
    for i, j in np.ndindex(steps.shape):
        cell = config.mu[i], config.beta[j]
        first, last = at("kl", *cell)
        converged = float(curves["kl"].values[i, j, ends[i, j] - window : ends[i, j]].mean())
        found.append(
            Cell(
                *(*cell, float(long.threshold[i])),
                kl=(first, converged, last),
                active=at("active_units", *cell),
                recovery=at("recovery_r2", *cell),
                gap=at("gap", *cell),
                steps=int(steps[i, j]),
                waited=bool(steps[i, j] == config.steps),
            )
        )
    return found


def followed(runs: Mapping[str, Run]) -> dict[str, list[Cell]]:
    """Follow the cells without and with KL warm-up, in this order."""
    return {
        "without warm-up": cells(runs["blog"], runs["long"]),
        "with warm-up": cells(runs["annealed"], runs["long-annealed"]),
    }


class Locked(NamedTuple):
    """How many models have a β that is not below their `encoder_threshold`, all seeds.

    Such a model could not leave a collapse. Each pair is (how many, out of how many).
    """

    collapsed: tuple[int, int]
    """Among models that collapsed although the linear optimum has active latents."""
    active: tuple[int, int]
    """Among models with an active latent."""
    median: float
    """`encoder_threshold` over β* of the collapsed ones, NaN if there are none."""


def locked(run: Run) -> Locked:
    """Count models whose collapsed solution is stable for the features that their encoder has."""
    threshold = run.values("encoder_threshold")
    stable = threshold <= run.beta[:, None]
    collapsed = run.regimes() == Regime.COLLAPSED_BY_OPTIMISER
    active = run.values("active_units") > 0
    share = (threshold / run.threshold[:, None, None])[collapsed]
    return Locked(
        (int(stable[collapsed].sum()), int(collapsed.sum())),
        (int(stable[active].sum()), int(active.sum())),
        float(np.median(share)) if share.size else np.nan,
    )


class Woken(NamedTuple):
    """What a second run made of the cells that collapsed in a first one, seed 0.

    Only cells count in which the linear optimum has active latents.
    """

    cells: list[tuple[float, float]]
    """(μ, β) of the cells that have active latents in the second run."""
    stayed: list[tuple[float, float]]
    """(μ, β) of the cells that collapsed in the second run too."""
    thresholds: list[float]
    """`encoder_threshold` of the latter in the second run."""

    @property
    def asleep(self) -> int:
        """How many cells collapsed in the first run."""
        return len(self.cells) + len(self.stayed)


def woken(first: Run, second: Run) -> Woken:
    """Look for the cells of `second` that collapsed by the optimiser in `first`."""
    found = Woken([], [], [])
    threshold = second.values("encoder_threshold")[..., 0]
    active = second.values("active_units")[..., 0]
    for i, j in np.ndindex(active.shape):
        cell = second.config.mu[i], second.config.beta[j]
        place = first.config.mu.index(cell[0]), first.config.beta.index(cell[1]), 0
        if first.regimes()[place] == Regime.COLLAPSED_BY_OPTIMISER:
            (found.cells if active[i, j] > 0 else found.stayed).append(cell)
            found.thresholds.extend([] if active[i, j] > 0 else [float(threshold[i, j])])
    return found
