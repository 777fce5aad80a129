"""Were the models undertrained? The answer, and the evidence."""

from collections.abc import Mapping

import numpy as np

from biasvae_jax.regimes import Regime
from biasvae_jax.statistics import Interval
from experiments.evidence import Run
from experiments.evidence_training import Cell, counts, fewer, gap_below, gap_in
from experiments.findings_words import listed, number, of, paragraphs, sign, table, value


def training_answer(
    blog: Run, annealed: Run, followed: Mapping[str, list[Cell]], times: float
) -> str:
    """Answer the third question; `followed` cells without warm-up come first."""
    failed = [counts(run)[Regime.COLLAPSED_BY_OPTIMISER] for run in (blog, annealed)]
    apart = fewer(blog, annealed, Regime.COLLAPSED_BY_OPTIMISER)
    models = len(blog.mu) * len(blog.beta)
    parts, moved = [], []
    for name, cells in followed.items():
        asleep = [c for c in cells if c.expected and c.active[0] == 0]
        back = sum(c.came_back for c in asleep)
        parts.append(f"{of(back, len(asleep), 'cell')} {name}")
        above = [c.recovery[2] - c.recovery[0] for c in cells if c.beta > 1]
        known = np.array([d for d in above if np.isfinite(d)])
        if known.size:
            moved.append(
                f"{name} `recovery_r2` of the {len(above)} cells with β > 1 changes by "
                f"{np.median(known):.3f} (median; {known.min():.3f} to {known.max():.3f})"
            )
    return paragraphs(
        "## Were the models undertrained?",
        f"**{_verdict(apart, followed)}** Of {models} models a seed, {value(failed[0])} collapse "
        f"without warm-up where the closed form has active latents, and {value(failed[1])} with "
        f"it; paired by seed, without it {value(apart)} more"
        f"{'' if sign(apart) else ' (not told apart from 0)'}. Training for "
        f"{times:.3g} times as many steps brings back {listed(parts)} (one seed, so no interval). "
        f"From the grid's steps to the long training, {listed(moved)}.",
    )


def _verdict(apart: Interval, followed: Mapping[str, list[Cell]]) -> str:
    asleep = [c for c in next(iter(followed.values())) if c.expected and c.active[0] == 0]
    back = sum(c.came_back for c in asleep)
    if not asleep:
        return "No collapse for the optimiser to undo."
    if 2 * back > len(asleep):
        return "Yes: most collapsed models come back with more steps."
    if sign(apart) > 0:
        return "Not in steps but in path: warm-up mends what more steps mostly do not."
    return "More steps mostly do not mend it."


STAGES = ("grid", "converged", "long")


def training_section(
    blog: Run, annealed: Run, followed: Mapping[str, list[Cell]], patience: tuple[int, float]
) -> str:
    """Write regimes, gaps, and what longer training changes; `followed` cells by run name."""
    windows, tolerance = patience
    return paragraphs(
        "## 3. Were the models undertrained?",
        "Models of a seed in each regime ([thresholds](mathematics.md#why-a-model-failed)), and "
        "the mean `gap`, nats of loss above the linear optimum's, over the cells with β < β\\*:",
        _regime_table(blog, annealed),
        "![What became of each model](images/findings_regimes.png)",
        "![Nats above the linear optimum](images/findings_gap.png)",
        "### Training until converged, and for long",
        f"A model has converged at the end of a window of {windows:,} steps (counted from the end "
        f"of the warm-up) whose mean loss is not lower than the window's before by more than "
        f"{tolerance:g} nats. The rule sees no further: a model that rests at a collapsed start "
        "counts as converged. One seed, so no intervals; the same noise at every stage.",
        *(_followed_words(name, cells) for name, cells in followed.items()),
        "![Active latents at three ends of training](images/findings_convergence.png)",
    )


def _regime_table(*runs: Run) -> str:
    counted = [counts(run) for run in runs]
    rows = [
        [code.name.lower().replace("_", " "), *(value(c[code]) for c in counted)] for code in Regime
    ]
    rows.append(["mean gap below β\\*, nats", *(value(gap_below(run)) for run in runs)])
    asleep = (value(gap_in(run, Regime.COLLAPSED_BY_OPTIMISER)) for run in runs)
    rows.append(["mean gap of those collapsed by the optimiser, nats", *asleep])
    return table(["", *(run.name for run in runs)], rows)


def _followed_words(name: str, cells: list[Cell]) -> str:
    back = [c for c in cells if c.came_back]
    stayed = [c for c in cells if c.stayed]
    lost = [c for c in cells if c.active[0] > 0 and c.active[2] == 0]
    waited = sum(c.waited for c in cells)
    rows = [
        [
            f"{c.mu:g}, {c.beta:g}",
            f"{c.beta / c.threshold:.2f}",
            *(number(a, 0) for a in c.active),
            f"{c.steps:,}{'+' if c.waited else ''}",
            *(number(r, 3) for r in (c.recovery[0], c.recovery[2])),
            *(number(g) for g in (c.gap[0], c.gap[2])),
        ]
        for c in cells
    ]
    head = ["μ, β", "β/β\\*", *(f"active, {s}" for s in STAGES), "steps"]
    head += ["R², grid", "R², long", "gap, grid", "gap, long"]
    return paragraphs(
        f"**{name}**: of {len(cells)} cells, {len(back)} had no active latent on the grid and have "
        f"some after the long training ({_named(back)}); {len(stayed)} have none at either end "
        f"although β < β\\* ({_named(stayed)}); {len(lost)} lost all they had ({_named(lost)}). "
        + (
            f"{of(waited, len(cells), 'cell')} had not converged when the steps ended (marked +)."
            if waited
            else "All converged."
        ),
        table(head, rows),
    )


def _named(cells: list[Cell]) -> str:
    return listed(f"μ={c.mu:g} β={c.beta:g}" for c in cells)
