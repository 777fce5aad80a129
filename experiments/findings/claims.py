"""What others, or earlier versions of these pages, said and does not hold, or not as it was said.

Each is a row: the claim, who made it, what is measured, whether it stands, and the page.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from biasvae_jax.statistics.intervals import Interval, t_interval
from experiments.findings.best_beta import asked, finite_only, helped
from experiments.findings.boundary import beside_theory, jumps, kl_before_collapse, slope
from experiments.findings.curves import noise_ratio, time_ratio
from experiments.findings.evidence import CODE, DECODER
from experiments.findings.fates import alive, leaky_alive
from experiments.findings.optima import best
from experiments.findings.runs import GRIDS
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Cell, Table
from experiments.pages.words import listed, of, sign, value

HOLDS, PARTLY, UNSHOWN, FAILS = "holds", "holds in part", "is not shown", "does not hold"
ORDER = (FAILS, UNSHOWN, PARTLY, HOLDS)
EARLIER, STUDY = "earlier versions", "the original study"


class Claim(NamedTuple):
    """What was said, and what is measured here."""

    claim: str
    by: str
    verdict: str
    measured: str
    page: str
    """That has the evidence, without its ending."""


def claims_table(runs: Runs) -> Table:
    """Lay out the claims, those that fall first."""
    claims = [
        each(runs)
        for each in (_never, _noisier, _longer, _dead, _diagonal, _jump, _recovered, _skewed)
    ]
    claims.sort(key=lambda claim: ORDER.index(claim.verdict))
    return Table(
        "claims",
        {"claim": "claim", "here it": "verdict", "measured": "measured"},
        [
            [
                Cell(f"“{c.claim}” ({c.by})", {"": c.claim, "_by": c.by}),
                Cell(f"**{c.verdict}**", {"": c.verdict}),
                Cell(f"{c.measured} ([{Path(c.page).name}]({c.page}.md))", {"": c.measured}),
            ]
            for c in claims
        ],
    )


def _never(runs: Runs) -> Claim:
    blog = runs["blog"]
    code = best(blog.values(CODE), blog.beta, "higher").optimum
    edge = int((code.censored == -1).sum())
    decoder, _, pairs = helped(finite_only(asked(runs, DECODER, "lower")))
    verdict = FAILS if edge < len(blog.mu) / 2 else PARTLY if decoder else HOLDS
    return Claim(
        "Stronger regularisation never helps.",
        EARLIER,
        verdict,
        f"code, endless data: the weakest β is best at {of(edge, len(blog.mu), 'bias', 'biases')}; "
        f"decoder, finite data: a larger β helps at {of(decoder, pairs, 'pair')} of N and μ",
        "findings/decoder",
    )


def _noisier(runs: Runs) -> Claim:
    found = [noise_ratio(runs[name]) for name in ("blog", "analytic")]
    return Claim(
        "More regularisation makes the loss noisier.",
        STUDY,
        _over_one(found),
        f"noise at the largest β over that at the smallest: {value(found[0])} with the one-sample "
        f"KL, {value(found[1])} with the closed form",
        "findings/methods",
    )


def _longer(runs: Runs) -> Claim:
    found = [time_ratio(runs[name]) for name in ("blog", "analytic")]
    return Claim(
        "More regularisation makes training longer.",
        STUDY,
        _over_one(found),
        "steps until 95 % of the loss's fall, at the largest β over those at the smallest: "
        f"{value(found[0])} with the one-sample KL, {value(found[1])} with the closed form",
        "findings/methods",
    )


def _over_one(ratios: list[Interval]) -> str:
    above = sum(float(ratio.low) > 1 for ratio in ratios)
    return HOLDS if above == len(ratios) else PARTLY if above else FAILS


def _dead(runs: Runs) -> Claim:
    more = leaky_alive(runs)
    exact, annealed = (alive(runs[name]) for name in ("analytic-annealed", "annealed"))
    return Claim(
        "Models collapse because their hidden units die.",
        EARLIER,
        PARTLY if sign(more) > 0 else UNSHOWN,
        f"units that cannot die keep {value(more)} more models a seed alive; the closed-form KL "
        f"with a warm-up keeps {exact[0]} of {exact[1]} alive below β\\*, the one-sample KL with "
        f"it {annealed[0]} of {annealed[1]}",
        "findings/collapse",
    )


def _diagonal(runs: Runs) -> Claim:
    grids = [runs[name] for name in GRIDS]
    found = [slope(run) for run in grids]
    falls = sum(float(s.interval.high) < 0 for s in found)
    apart, worst = (
        sum(int(np.nan_to_num(side) != 0) for side in sides)
        for sides in ([s.side for s in found], [s.widened_side for s in found])
    )
    above = sum(int((beside_theory(run).widened_side == 1).sum()) for run in grids)
    return Claim(
        "The diagonal is real, and it is the theory's.",
        EARLIER,
        FAILS if not falls else HOLDS if not apart else PARTLY,
        f"the boundary falls with μ in {of(falls, len(found), 'run')}; its slope is not the "
        f"theory's in {apart} by the seeds, in {worst} with the grid's spacing; it lies above β\\* "
        f"at {above} biases of all runs, with that spacing",
        "findings/diagonal",
    )


def _jump(runs: Runs) -> Claim:
    fine = [run for name, run in runs.items() if name.startswith("fine-")]
    before = [(run, kl_before_collapse(run)) for run in fine]
    known = [f"{value(kl)} nats at μ = {run.mu[0]:g}" for run, kl in before if kl is not None]
    seen = sum(jumps(run) for run in fine)
    return Claim(
        "The KL of a nonlinear model jumps to 0 at its threshold.",
        "Li et al. 2025",
        HOLDS if seen == len(fine) else PARTLY if seen else FAILS,
        f"the last KL before the collapse: {listed(known)}",
        "findings/diagonal",
    )


def _recovered(runs: Runs) -> Claim:
    pairs = [(_count(run, CODE, 0.9), _count(run, "active_units", 1)) for run in _protocols(runs)]
    fewer = all(float(few.high) < float(active.low) for few, active in pairs)
    words = listed(
        f"{value(few)} of {value(active)} in `{run.name}`"
        for run, (few, active) in zip(_protocols(runs), pairs, strict=True)
    )
    return Claim(
        "Active models have recovered the true variables.",
        EARLIER,
        FAILS if fewer else UNSHOWN,
        f"models a seed with R² ≥ 0.9, of those with an active latent: {words}",
        "findings/code",
    )


def _protocols(runs: Runs) -> tuple[Run, Run]:
    return runs["blog"], runs["annealed"]


def _count(run: Run, score: str, least: float) -> Interval:
    """Count the models a seed whose score is at least so much."""
    return t_interval((run.values(score) >= least).sum((0, 1)).astype(float))


def _skewed(_: Runs) -> Claim:
    return Claim(
        "The intensities at μ = 2 have a skewness of −1.",
        EARLIER,
        FAILS,
        "it is −1.54; −1.00 is that of a square's mean with its noise",
        "mathematics",
    )
