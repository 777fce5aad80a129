"""Is it the bias, or the signal to noise that it changes? Each with the other held fixed."""

import numpy as np

from biasvae_jax.statistics.equivalence import equivalence
from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.statistics.optimum import Better
from experiments.findings.optima import best
from experiments.pages.documents import Part
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Cell, Content, Table
from experiments.pages.words import listed, of, value

SCORES = {"kl": 0.5, "active_units": 0.5, "recovery_r2": 0.05, "generation_mse": 0.01}
"""Scores, and the difference below which two runs count as equivalent."""
UNITS = {"kl": " nats"}
WORDS = {
    "kl": "the KL",
    "active_units": "the number of active latents",
    "recovery_r2": "R²",
    "generation_mse": "the error",
}
VERDICTS = ("equivalent", "different", "undecided")


def controls_table(name: str, runs: Runs, scores: tuple[str, ...]) -> list[Part]:
    """Write what two controls say of some scores: λ without the shift, the shift without λ."""
    base = runs["analytic-annealed"]
    same = [(f"{n[7:]}", run) for n, run in runs.items() if n.startswith("lambda-")]
    shifted = [(f"{n[6:]}", run) for n, run in runs.items() if n.startswith("shift-")]
    rows = [
        *(_row("λ without shift", base, float(mu), run, 0, scores) for mu, run in same),
        *(_row("shift without λ", base, 3.0, run, float(mu), scores) for mu, run in shifted),
    ]
    margins = listed(f"{SCORES[s]:g}{UNITS.get(s, '')} for `{s}`" for s in scores)
    columns = {"control": "control", "its μ": "mu", "its λ is that of μ": "mu_of_lambda"} | {
        f"`{s}`: control − biased": f"{s}_difference" for s in scores
    }
    return [
        "*Signal to noise in place of bias.* A bias moves the mean of the images, and it makes the "
        "squares' intensities vary less, which lowers λ and with it β\\*. Two controls part them. "
        "*λ without shift*: no bias, but squares of a contrast so low that λ is that of a bias μ. "
        "*Shift without λ*: a bias, with a contrast that gives it the λ of μ = 3. The table has "
        "the control minus the biased run of the same λ (mean over β, paired by seed, endless "
        "data), and at how many β they are equivalent / different / undecided, by two one-sided "
        f"tests with a margin of {margins}. " + " ".join(_summary(base, same, s) for s in scores),
        Table(name, columns, rows),
    ]


def _pair(base: Run, mu: float, other: Run, score: str) -> np.ndarray:
    """Return control minus biased run at the β that both have, `[beta, seed]`."""
    common = [b for b in other.beta if np.isclose(base.beta, b).any()]
    ours = other.values(score)[0][[other.column(b) for b in common]]
    theirs = base.values(score)[base.row(mu)][[base.column(b) for b in common]]
    return ours - theirs


def gains_in_controls(runs: Runs, score: str, better: Better) -> str:
    """Count the controls in which a β above the weakest is better by more than the margin."""
    found = [
        best(run.values(score), run.beta, better).helps
        for name, run in runs.items()
        if name.startswith(("lambda-", "shift-"))
    ]
    return of(int(np.sum(found)), int(np.size(found)), "control")


def verdicts(base: Run, mu: float, other: Run, score: str) -> list[str]:
    """Return what the equivalence test says at each β."""
    apart = _pair(base, mu, other, score)
    return [str(v) for v in np.atleast_1d(equivalence(apart, SCORES[score]).verdict)]


def _summary(base: Run, same: list[tuple[str, Run]], score: str) -> str:
    found = [v for mu, run in same for v in verdicts(base, float(mu), run, score)]
    return (
        f"With λ alone changed, {WORDS[score]} is equivalent to the bias's in "
        f"{of(found.count('equivalent'), len(found), 'cell')} and different in "
        f"{found.count('different')}."
    )


def _row(
    control: str, base: Run, like: float, run: Run, mu: float, scores: tuple[str, ...]
) -> list[Content]:
    cells = []
    for score in scores:
        found = verdicts(base, like, run, score)
        counts = {f"_{v}": found.count(v) for v in VERDICTS}
        apart = t_interval(np.nanmean(_pair(base, like, run, score), 0))
        ends = {"": apart.mean, "_low": apart.low, "_high": apart.high}
        text = f"{value(apart)} ({'/'.join(map(str, counts.values()))})"
        cells.append(Cell(text, {**ends, **counts}))
    return [control, mu, like, *cells]
