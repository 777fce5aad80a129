"""What others, or earlier versions of these pages, said and does not hold, or not as it was said.

Each is a row: the claim, who made it, what is measured, whether it stands, and the page.
"""

import numpy as np

from biasvae_jax.statistics.intervals import Interval, t_interval
from experiments.findings.best_beta import asked, helped
from experiments.findings.boundary import beside_theory, jumps, kl_before_collapse, slope
from experiments.findings.curves import noise_ratio, time_ratio
from experiments.findings.evidence import CODE, DECODER
from experiments.findings.fates import alive, leaky_alive
from experiments.findings.optima import best
from experiments.findings.runs import GRIDS
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Cell, Content, Table
from experiments.pages.words import listed, of, sign, value

HOLDS, PARTLY, FAILS = "holds", "holds in part", "does not hold"
EARLIER, STUDY = "earlier versions", "the original study"


def claims_table(runs: Runs) -> Table:
    """Lay out the claims."""
    rows = [row(runs) for row in (_never, _higher, _longer, _dead, _diagonal, _jump, _recovered)]
    skewness = "of the intensities at μ = 2 it is −1.54; −1.00 is that of a square with its noise"
    rows.append(["The intensities' skewness is −1.", EARLIER, FAILS, skewness, "–"])
    columns = {
        "claim": "claim",
        "by": "by",
        "here it": "verdict",
        "measured": "measured",
        "page": "page",
    }
    return Table("claims", columns, rows)


def _page(name: str) -> Cell:
    return Cell(f"[{name}](findings/{name}.md)", {"": name})


def _never(runs: Runs) -> list[Content]:
    blog = runs["blog"]
    code = best(blog.values(CODE), blog.beta, "higher").optimum
    edge = int((code.censored == -1).sum())
    decoder, pairs = helped(asked(runs, DECODER, "lower")[1])
    verdict = FAILS if edge < len(blog.mu) / 2 else PARTLY if decoder else HOLDS
    return [
        "Stronger regularisation never helps.",
        EARLIER,
        verdict,
        f"code, endless data: the weakest β is best at {of(edge, len(blog.mu), 'bias', 'biases')}; "
        f"decoder, finite data: a larger β helps at {of(decoder, pairs, 'pair')} of N and μ",
        _page("decoder"),
    ]


def _higher(runs: Runs) -> list[Content]:
    found = [noise_ratio(runs[name]) for name in ("blog", "analytic")]
    return [
        "More regularisation makes the loss noisier.",
        STUDY,
        _over_one(found),
        f"noise at the largest β over that at the smallest: {value(found[0])} with the one-sample "
        f"KL, {value(found[1])} with the closed form",
        _page("methods"),
    ]


def _longer(runs: Runs) -> list[Content]:
    found = [time_ratio(runs[name]) for name in ("blog", "analytic")]
    return [
        "More regularisation makes training longer.",
        STUDY,
        _over_one(found),
        "steps until 95 % of the loss's fall, at the largest β over those at the smallest: "
        f"{value(found[0])} with the one-sample KL, {value(found[1])} with the closed form",
        _page("methods"),
    ]


def _over_one(ratios: list[Interval]) -> str:
    above = sum(float(ratio.low) > 1 for ratio in ratios)
    return HOLDS if above == len(ratios) else PARTLY if above else FAILS


def _dead(runs: Runs) -> list[Content]:
    more = leaky_alive(runs)
    exact, annealed = (alive(runs[name]) for name in ("analytic-annealed", "annealed"))
    return [
        "Models collapse because their hidden units die.",
        EARLIER,
        PARTLY if sign(more) > 0 else "is not shown",
        f"units that cannot die keep {value(more)} more models a seed alive; the closed-form KL "
        f"with a warm-up keeps {exact[0]} of {exact[1]} alive below β\\*, the one-sample KL with "
        f"it {annealed[0]} of {annealed[1]}",
        _page("collapse"),
    ]


def _diagonal(runs: Runs) -> list[Content]:
    grids = [runs[name] for name in GRIDS]
    found = [slope(run) for run in grids]
    falls = sum(float(s.interval.high) < 0 for s in found)
    apart, worst = (
        sum(int(np.nan_to_num(side) != 0) for side in sides)
        for sides in ([s.side for s in found], [s.widened_side for s in found])
    )
    above = sum(int((beside_theory(run).widened_side == 1).sum()) for run in grids)
    return [
        "The diagonal is real, and it is the theory's.",
        EARLIER,
        FAILS if not falls else HOLDS if not apart else PARTLY,
        f"the boundary falls with μ in {of(falls, len(found), 'run')}; its slope is not the "
        f"theory's in {apart} by the seeds, in {worst} with the grid's spacing; it lies above β\\* "
        f"at {above} biases of all runs, with that spacing",
        _page("diagonal"),
    ]


def _jump(runs: Runs) -> list[Content]:
    fine = [run for name, run in runs.items() if name.startswith("fine-")]
    before = [(run, kl_before_collapse(run)) for run in fine]
    known = [f"{value(kl)} nats at μ = {run.mu[0]:g}" for run, kl in before if kl is not None]
    seen = sum(jumps(run) for run in fine)
    return [
        "The KL of a nonlinear model jumps to 0 at its threshold.",
        "Li et al. 2025",
        HOLDS if seen == len(fine) else PARTLY if seen else FAILS,
        f"the last KL before the collapse: {listed(known)}",
        _page("diagonal"),
    ]


def _recovered(runs: Runs) -> list[Content]:
    blog, annealed = runs["blog"], runs["annealed"]
    return [
        "Active models have recovered the true variables.",
        EARLIER,
        FAILS,
        f"models with R² ≥ 0.9, a seed, of {len(blog.mu) * len(blog.beta)}: {recovered(blog)} in "
        f"`blog`, {recovered(annealed)} in `annealed`; active: {_active(blog)} and "
        f"{_active(annealed)}",
        _page("code"),
    ]


def recovered(run: Run) -> str:
    """Write how many models have R² ≥ 0.9."""
    return value(t_interval((run.values(CODE) >= 0.9).sum((0, 1)).astype(float)))


def _active(run: Run) -> str:
    return value(t_interval((run.values("active_units") > 0).sum((0, 1)).astype(float)))
