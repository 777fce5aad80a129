"""Numbers on training: what became of the models, and what more steps change."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from biasvae_jax.regimes import ACTIVE_THRESHOLD, Regime
from biasvae_jax.statistics import Interval, paired_interval, t_interval
from experiments.evidence import Run, mean


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
    """One model at three ends of its training: the grid's, converged, long."""

    mu: float
    beta: float
    threshold: float
    active: tuple[float, float, float]
    """NaN where it diverged."""
    recovery: tuple[float, float, float]
    gap: tuple[float, float, float]
    steps: int
    """Taken until converged, or the most there were."""
    waited: bool
    """Whether it took all of them without converging."""

    @property
    def expected(self) -> bool:
        """Whether the linear optimum has active latents."""
        return self.beta < (1 - ACTIVE_THRESHOLD) * self.threshold

    @property
    def came_back(self) -> bool:
        """Nothing active at the grid's number of steps, something after the long training."""
        return self.active[0] == 0 and self.active[2] > 0

    @property
    def stayed(self) -> bool:
        """Nothing active at either end, although the linear optimum has active latents."""
        return self.expected and self.active[0] == 0 and self.active[2] == 0


def cells(short: Run, converged: Run, long: Run) -> list[Cell]:
    """Follow the cells of `long` (seed 0) through three runs that share their noise."""

    def at(name: str, mu: float, beta: float) -> tuple[float, float, float]:
        a, b, c = (
            run.values(name)[run.config.mu.index(mu), run.config.beta.index(beta), 0]
            for run in (short, converged, long)
        )
        return float(a), float(b), float(c)

    steps = converged.scores["steps"].transpose("mu", "beta", "seed").values[..., 0]
    return [
        Cell(
            *(mu, beta, float(long.threshold[i])),
            active=at("active_units", mu, beta),
            recovery=at("recovery_r2", mu, beta),
            gap=at("gap", mu, beta),
            steps=int(steps[i, j]),
            waited=bool(steps[i, j] >= converged.config.steps),
        )
        for i, mu in enumerate(long.config.mu)
        for j, beta in enumerate(long.config.beta)
    ]


def followed(runs: Mapping[str, Run]) -> dict[str, list[Cell]]:
    """Follow the cells without and with KL warm-up, in this order."""
    return {
        "without warm-up": cells(runs["blog"], runs["converged"], runs["long"]),
        "with warm-up": cells(runs["annealed"], runs["converged-annealed"], runs["long-annealed"]),
    }
