"""Which β is best, for what is asked of code, decoder and prior; and its rival, fewer steps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from biasvae_jax.statistics.equivalence import equivalence
from biasvae_jax.statistics.intervals import Interval, paired_interval, t_interval
from biasvae_jax.statistics.multiple import holm, paired_p
from biasvae_jax.statistics.optimum import (
    Better,
    Optimum,
    chosen_by_others,
    optimum,
)
from experiments.findings.evidence import (
    CODE,
    DECODER,
    EXACT,
    HUNDREDTH,
    MOST,
    TENTH,
    WEAK,
    at_end,
    log_mass,
    stopped,
)
from experiments.pages.run import Run

LEVEL = 0.05


class Best(NamedTuple):
    """Where a score is best over β, for each μ of a run."""

    optimum: Optimum
    gain: Interval
    """At the optimum, chosen on the other seeds, minus at the weakest β."""
    better: Better
    margin: np.ndarray
    """A gain below it does not matter, `[mu]`."""
    p: np.ndarray
    """Of the test that the gain is no more than the margin, two-sided, `[mu]`."""

    @property
    def helps(self) -> np.ndarray:
        """Whether a β above the weakest is surely better by more than the margin, `[mu]`."""
        low, high = np.asarray(self.gain.low), np.asarray(self.gain.high)
        return low > self.margin if self.better == "higher" else high < -self.margin


def best(values: np.ndarray, beta: np.ndarray, better: Better) -> Best:
    """Find the best β of a score `[mu, beta, seed]`.

    What matters is a hundredth where higher is better (R²), else a tenth of the weakest β's value.
    """
    found = optimum(values, beta, better)
    weakest = values[:, int(np.argmin(beta))]
    tenth = TENTH * np.abs(np.asarray(t_interval(weakest).mean))
    margin = np.full(len(values), HUNDREDTH) if better == "higher" else tenth
    gains = chosen_by_others(values, better) - weakest
    signed = margin if better == "higher" else -margin
    p = paired_p(gains - signed[:, None])
    return Best(found, t_interval(gains), better, margin, p)


def surely(found: Sequence[np.ndarray], p: Sequence[np.ndarray]) -> int:
    """Count what is found, of arrays of truths, that stands after Holm's correction over all."""
    return int((np.concatenate(found) & (holm(np.concatenate(p)) < LEVEL)).sum())


class Question(NamedTuple):
    """A score whose best β is asked for."""

    label: str
    values: np.ndarray
    """`[mu, beta, seed]`."""
    reference: np.ndarray
    """The same of the linear optimum for endless data, `[mu, beta]`; NaN where there is none."""
    better: Better
    mu: np.ndarray
    """Biases at which the score has a meaning."""

    @property
    def best_reference(self) -> np.ndarray:
        """Return the column of the reference's best β, `[mu]`.

        β = 0, where the closed form has no value, is the limit of the smallest β above it.
        """
        signed = self.reference if self.better == "lower" else -self.reference
        limit = np.where(np.isnan(signed[:, :1]), signed[:, 1:2], signed[:, :1])
        return np.nan_to_num(np.hstack([limit, signed[:, 1:]]), nan=np.inf).argmin(1)


def questions(run: Run) -> dict[str, Question]:
    """Return what is asked of code, decoder and prior."""
    linear = lambda name: run.scores[f"linear_{name}"].transpose("mu", "beta").values  # noqa: E731
    rare = (run.mu > 0) & (run.mu <= MOST)  # without bias it is not rare, beyond too rare to count
    with np.errstate(divide="ignore", invalid="ignore"):
        mass = np.abs(np.log(linear("prior_mass")))
    return {
        "code": Question("code: R²", run.values(CODE), linear(CODE), "higher", run.mu),
        "decoder": Question(
            "decoder: error", run.values(DECODER), linear(DECODER), "lower", run.mu
        ),
        "prior": Question(
            "prior: rare event", log_mass(run)[rare], mass[rare], "lower", run.mu[rare]
        ),
    }


class ShortAgainstStrong(NamedTuple):
    """Fewer steps at the weak β beside a stronger β with all steps, for each μ.

    Steps and β are chosen alike: by the lowest mean error of the other seeds.
    """

    weak: Interval
    """generation_mse_exact of the weak β at the end, `[mu]`."""
    early: Interval
    """Of the same models, each stopped by its own loss on unseen images."""
    short: Interval
    """Of the same models after the chosen number of steps."""
    strong: Interval
    """Of the chosen β, as strong or stronger, at the end."""
    apart: Interval
    """Short minus strong, paired by seed: below 0, fewer steps are better."""
    verdict: np.ndarray
    """Whether short and strong are equivalent to within a tenth of the weak β's error, `[mu]`."""
    both: Interval
    """Best β, as strong or stronger, stopped early, minus the weak β stopped early."""
    p: np.ndarray
    """Of the test that short and strong are the same, `[mu]`."""


def short_against_strong(run: Run) -> ShortAgainstStrong:
    """Compare fewer steps at the weak β with stronger β at the end of training."""
    column, end = run.column(WEAK), at_end(run, EXACT)
    early, stronger = stopped(run).generation, run.beta >= run.beta[column]
    strong, both = (chosen_by_others(each[:, stronger]) for each in (end, early))
    short = chosen_by_others(np.moveaxis(run.course(EXACT)[:, column], -1, 1))
    weak, apart = t_interval(end[:, column]), short - strong
    return ShortAgainstStrong(
        weak,
        t_interval(early[:, column]),
        t_interval(short),
        t_interval(strong),
        t_interval(apart),
        np.array([_verdict(a, TENTH * m) for a, m in zip(apart, weak.mean, strict=True)]),
        paired_interval(both, early[:, column]),
        paired_p(apart),
    )


def _verdict(apart: np.ndarray, margin: float) -> str:
    return str(equivalence(apart, margin).verdict) if margin > 0 else "–"
