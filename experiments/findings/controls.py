"""Is it the bias, or the signal to noise that it changes? Each with the other held fixed."""

import numpy as np

from biasvae_jax.statistics.equivalence import equivalence
from biasvae_jax.statistics.intervals import t_interval
from experiments.pages.run import Run, Runs
from experiments.pages.words import of, paragraphs, table, value

SCORES = {"kl": 0.5, "active_units": 0.5, "recovery_r2": 0.05, "generation_mse": 0.01}
"""Scores, and the difference below which two runs count as equivalent."""


def controls_section(runs: Runs) -> str:
    """Write the two controls."""
    base = runs["analytic-annealed"]
    same = [(int(n[7:]), run) for n, run in runs.items() if n.startswith("lambda-")]
    shifted = [(int(n[6:]), run) for n, run in runs.items() if n.startswith("shift-")]
    return paragraphs(
        "## 5. Bias, or signal to noise?",
        "The bias μ does two things: it moves the mean of the images, and it makes the squares' "
        "intensities vary less, which lowers λ, β\\* and the signal to noise. Two controls part "
        "them. *λ without shift*: no bias, but squares of lower contrast, so that λ is that of a "
        "bias μ. *Shift without λ*: a bias with a contrast that gives it the λ of μ = 3. "
        + _summary(base, same),
        "Mean over β of the control minus the biased run (paired by seed), and at how many β they "
        "are equivalent / different / undecided (margins "
        + ", ".join(f"{m:g} for `{s}`" for s, m in SCORES.items())
        + "):",
        _table("λ without shift", base, [(mu, run, 0) for mu, run in same]),
        _table("shift without λ", base, [(3, run, 0) for _, run in shifted], shifted),
    )


def _pair(base: Run, mu: float, other: Run, score: str) -> np.ndarray:
    """Return control minus biased run at the β that both have, `[beta, seed]`."""
    common = [b for b in other.beta if np.isclose(base.beta, b).any()]
    ours = other.values(score)[0][[other.column(b) for b in common]]
    theirs = base.values(score)[base.row(mu)][[base.column(b) for b in common]]
    return ours - theirs


def verdicts(base: Run, mu: float, other: Run, score: str) -> list[str]:
    """Return what the equivalence test says at each β."""
    apart = _pair(base, mu, other, score)
    return [str(v) for v in np.atleast_1d(equivalence(apart, SCORES[score]).verdict)]


def _summary(base: Run, same: list[tuple[int, Run]]) -> str:
    found = [v for mu, run in same for v in verdicts(base, mu, run, "active_units")]
    other = [v for mu, run in same for v in verdicts(base, mu, run, "generation_mse")]
    return (
        f"With λ alone changed, the number of active latents is equivalent to the bias's in "
        f"{of(found.count('equivalent'), len(found), 'cell')} and different in "
        f"{found.count('different')}; `generation_mse` is equivalent in "
        f"{of(other.count('equivalent'), len(other), 'cell')} and different in "
        f"{other.count('different')}."
    )


def _table(name: str, base: Run, rows: list, labels: list | None = None) -> str:
    lines = []
    for k, (mu, run, _) in enumerate(rows):
        label = f"μ = {labels[k][0]} at the λ of 3" if labels else f"μ = 0 at the λ of {mu}"
        cells = []
        for score in SCORES:
            found = verdicts(base, mu, run, score)
            counts = "/".join(str(found.count(v)) for v in ("equivalent", "different", "undecided"))
            apart = t_interval(np.nanmean(_pair(base, mu, run, score), 0))
            cells.append(f"{value(apart)} ({counts})")
        lines.append([label, *cells])
    return paragraphs(f"**{name}**", table(["", *(f"`{s}`" for s in SCORES)], lines))
