"""Were the models undertrained? The answer, and the evidence."""

from collections.abc import Mapping

import numpy as np

from biasvae_jax.statistics.intervals import Interval
from biasvae_jax.statistics.regimes import GIVEN, Regime
from experiments.findings.evidence import Run
from experiments.findings.evidence_training import (
    TOLERANCE,
    Cell,
    Locked,
    counts,
    fewer,
    gap_below,
    gap_in,
    locked,
    patience,
    woken,
)
from experiments.findings.words import listed, number, of, paragraphs, sign, table, value


def training_answer(runs: Mapping[str, Run], followed: Mapping[str, list[Cell]]) -> str:
    """Answer the third question; `followed` cells without warm-up come first."""
    blog, annealed, long = (runs[name] for name in ("blog", "annealed", "long"))
    failed = [counts(run)[Regime.COLLAPSED_BY_OPTIMISER] for run in (blog, annealed)]
    apart = fewer(blog, annealed, Regime.COLLAPSED_BY_OPTIMISER)
    shut, smooth = [locked(run) for run in (blog, annealed)], woken(long, runs["long-gelu"])
    stable, active = (sum(one.active[k] for one in shut) for k in range(2))
    return paragraphs(
        "## Were the models undertrained?",
        f"**{_verdict(apart, shut[0], followed)}** Where the closed form has active latents, "
        f"{value(failed[0])} of {len(blog.mu) * len(blog.beta)} models a seed collapse without "
        f"warm-up and {value(failed[1])} with it (paired by seed, {value(apart)} more without"
        f"{'' if sign(apart) else ', not told apart from 0'}). A collapse can be left only if β "
        "is below the threshold of the encoder's own features, which falls from β\\* to 0 as its "
        f"hidden units die: β is above it in {of(*shut[0].collapsed, 'collapsed model')} without "
        f"warm-up (median threshold {number(shut[0].median)}·β\\*) and in "
        f"{of(*shut[1].collapsed, 'collapsed model')} with it, but in "
        f"{of(stable, active, 'active one')}; "
        f"{long.config.steps / blog.config.steps:.3g} times as many steps bring back "
        f"{listed(_back(name, cells) for name, cells in followed.items())}, and with GELU instead "
        f"of ReLU {of(len(smooth.cells), smooth.asleep, 'cell')} without warm-up (one seed, so no "
        f"intervals). The longer training changes `recovery_r2` of active cells with β > 1 "
        f"{listed(_moved(name, cells) for name, cells in followed.items())}; by a stated rule "
        f"{_converged([c for cells in followed.values() for c in cells])}.",
    )


def _back(name: str, cells: list[Cell]) -> str:
    asleep = [c for c in cells if c.expected and c.active[0] == 0]
    return f"{of(sum(c.came_back for c in asleep), len(asleep), 'collapsed cell')} {name}"


def _converged(cells: list[Cell]) -> str:
    done = [c.steps for c in cells if not c.waited]
    if not done:
        return "no cell converges"
    taken = f"after {min(done):,} to {max(done):,} steps"
    return f"{of(len(done), len(cells), 'cell')} converge {taken}"


def _moved(name: str, cells: list[Cell]) -> str:
    """Say how recovery changes with longer training, where β > 1 and something is active."""
    change = [c.recovery[1] - c.recovery[0] for c in cells if c.beta > 1 and c.active[0] > 0]
    known = np.array([d for d in change if np.isfinite(d)])
    if not known.size:
        return f"in no cell {name}"
    median, low, high = (number(x, 3) for x in (np.median(known), known.min(), known.max()))
    return f"by {median} {name} (median of {known.size}; {low} to {high})"


def _verdict(apart: Interval, shut: Locked, followed: Mapping[str, list[Cell]]) -> str:
    asleep = [c for c in next(iter(followed.values())) if c.expected and c.active[0] == 0]
    back = sum(c.came_back for c in asleep)
    if not asleep:
        return "No collapse for the optimiser to undo."
    if 2 * back > len(asleep):
        return "Yes: most collapsed models come back with more steps."
    stable, collapsed = shut.collapsed
    if 2 * stable > collapsed:
        return "Not for want of steps: collapsed encoders have lost the way back."
    if sign(apart) > 0:
        return "Not in steps but in path: warm-up mends what more steps mostly do not."
    return "More steps mostly do not mend it."


def training_section(runs: Mapping[str, Run], followed: Mapping[str, list[Cell]]) -> str:
    """Write regimes, gaps, and what longer training changes; `followed` cells by run name."""
    blog, annealed, long = (runs[name] for name in ("blog", "annealed", "long"))
    return paragraphs(
        "## 3. Were the models undertrained?",
        "Models of a seed in each regime ([thresholds](mathematics.md#why-a-model-failed)), and "
        "the mean `gap`, nats of loss above the linear optimum's, over the cells with β < β\\*:",
        _regime_table(blog, annealed),
        "![What became of each model](images/findings_regimes.png)",
        "![Nats above the linear optimum](images/findings_gap.png)",
        "### Why the optimiser's collapse lasts",
        "A model can leave a collapse only if β is below the threshold of the features that its "
        "encoder has, `encoder_threshold` "
        "([definition](mathematics.md#why-a-model-failed)): β\\* if its hidden layer keeps the "
        "leading direction of the data, 0 if no unit responds to any image, as ReLUs that have "
        "died. Models with β above that threshold, of all seeds':",
        _locked_table(blog, annealed),
        _smooth_words(long, runs["long-gelu"]),
        "### Training until converged, and for long",
        f"A model has converged at the end of a window of {patience(long):,} steps (counted from "
        "the end of the warm-up) whose mean loss is not lower than the window's before by more "
        f"than {TOLERANCE:g} nats. The rule sees no further: a model that rests at a collapsed "
        "start counts as converged. One seed, so no intervals; the same noise at every stage.",
        "The median model of either training converges after "
        f"{_by_beta([c for cells in followed.values() for c in cells])} steps. Below, the grid's "
        "steps → the long training, for KL with convergence between them:",
        *(_followed_words(name, cells) for name, cells in followed.items()),
        "![KL at three ends of training](images/findings_convergence.png)",
    )


def _regime_table(*runs: Run) -> str:
    counted = [counts(run) for run in runs]
    rows = [
        [code.name.lower().replace("_", " "), *(value(c[code]) for c in counted)] for code in GIVEN
    ]
    rows.append(["mean gap below β\\*, nats", *(value(gap_below(run)) for run in runs)])
    asleep = (value(gap_in(run, Regime.COLLAPSED_BY_OPTIMISER)) for run in runs)
    rows.append(["mean gap of those collapsed by the optimiser, nats", *asleep])
    return table(["", *(run.name for run in runs)], rows)


def _locked_table(*runs: Run) -> str:
    found = [locked(run) for run in runs]
    rows = [
        [what, *(f"{stable} of {count}" for stable, count in kind)]
        for what, kind in (
            ("collapsed by the optimiser", [one.collapsed for one in found]),
            ("with an active latent", [one.active for one in found]),
        )
    ]
    medians = (number(one.median) for one in found)
    rows.append(["median of `encoder_threshold`/β\\* over those collapsed", *medians])
    return table(["", *(run.name for run in runs)], rows)


def _smooth_words(long: Run, smooth: Run) -> str:
    found = woken(long, smooth)
    thresholds = listed(number(threshold) for threshold in found.thresholds)
    others = f" The thresholds of the others ({_cells(found.stayed)}) are {thresholds}."
    return (
        f"With GELU in place of ReLU, all else alike (`{smooth.name}` beside `{long.name}`, seed "
        f"0, {smooth.config.steps:,} steps), latents are active in "
        f"{of(len(found.cells), found.asleep, 'cell')} where ReLU has none although β < β\\* "
        f"({_cells(found.cells)}).{others if found.stayed else ''}"
    )


def _followed_words(name: str, cells: list[Cell]) -> str:
    back = [c for c in cells if c.came_back]
    stayed = [c for c in cells if c.stayed]
    lost = [c for c in cells if c.active[0] > 0 and c.active[1] == 0]
    waited = sum(c.waited for c in cells)
    rows = [
        [
            f"{c.mu:g}, {c.beta:g}",
            number(c.beta / c.threshold),
            f"{c.steps:,}{'+' if c.waited else ''}",
            *(_arrow(*ends) for ends in ((c.active, 0), (c.kl, 2), (c.recovery, 3), (c.gap, 2))),
        ]
        for c in cells
    ]
    head = ["μ, β", "β/β\\*", "steps until converged", "active", "KL, nats", "R²", "gap, nats"]
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


def _arrow(ends: tuple[float, ...], places: int) -> str:
    return " → ".join(number(end, places) for end in ends)


def _by_beta(cells: list[Cell]) -> str:
    """Say after how many steps models converge, for each β."""
    steps = {beta: [c.steps for c in cells if c.beta == beta] for beta in {c.beta for c in cells}}
    return listed(f"{np.median(steps[beta]):,.0f} (β = {beta:g})" for beta in sorted(steps))


def _named(cells: list[Cell]) -> str:
    return _cells([(c.mu, c.beta) for c in cells])


def _cells(cells: list[tuple[float, float]]) -> str:
    return listed(f"μ={mu:g} β={beta:g}" for mu, beta in cells)
