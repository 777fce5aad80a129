"""Why models collapse below the threshold: estimator, activation, rate, warm-up; a time course."""

import numpy as np

from biasvae_jax.statistics.bounded import count_interval
from biasvae_jax.statistics.intervals import Interval, paired_interval, t_interval
from experiments.pages.run import Run, Runs
from experiments.pages.words import number, of, paragraphs, sign, table, value

# cells below β* that the sampled KL leaves without an active latent, without warm-up
CELLS = ((0, 4), (0.5, 4), (1, 3), (1.5, 2), (2, 1.5), (2.5, 1), (3, 1), (5, 0.5))
GRIDS = ("blog", "annealed", "analytic", "analytic-annealed")
PLAIN = "collapse-sampled-relu-1e-3"  # the original study's way, with a time course
DEAD = 0.9  # share of units that count as nearly all


def collapse_section(runs: Runs) -> str:
    """Write what collapses below β*, and what changes it."""
    named = [run for name, run in runs.items() if name.startswith("collapse-")]
    return paragraphs(
        "## 3. Why do models collapse below the threshold?",
        f"**{_verdict(runs)}** A model is collapsed below the threshold if no latent is active at "
        "the end although β < β\\*. Of the cells that the original study's protocol loses "
        f"({', '.join(f'μ={m:g} β={b:g}' for m, b in CELLS)}), every seed, models with an "
        "active latent, and over the whole grid below β\\*:",
        _grids(runs),
        "More of them with the analytic KL, paired by seed: "
        f"{value(more_alive(runs['analytic'], runs['blog']))} models a seed without warm-up, "
        f"{value(more_alive(runs['analytic-annealed'], runs['annealed']))} with it.",
        "Without warm-up, on a smaller grid "
        f"(μ = {_values(named[0].mu)}; β = {_values(named[0].beta)}), with the share of hidden "
        "units that no image changes any more:",
        _variants(named),
        f"With leaky ReLUs, which cannot die, {value(leaky_alive(runs))} more models a seed stay "
        "alive (one-sample KL, rate 1e-3, paired by seed). " + _order(runs[PLAIN]),
        "![Active latents and dead units over training](images/findings_collapse.png)",
        "*Median and 10 to 90 % of the models below β\\*, at the rate 1e-3. Those that collapse "
        "are more often of a high μ, at which units die whether or not a model collapses.*",
    )


def _values(numbers: np.ndarray) -> str:
    return ", ".join(f"{n:g}" for n in numbers)


def alive(run: Run) -> tuple[int, int]:
    """Count the models below β* with an active latent: (how many, out of how many)."""
    active, below = run.values("active_units") > 0, run.below()
    return int(active[below].sum()), int(below.sum() * run.study.seeds)


def more_alive(one: Run, other: Run) -> Interval:
    """Return how many more models a seed keep a latent below β* in one run, paired by seed.

    Of the seeds that both have: a seed has the same data in all runs.
    """
    seeds = min(one.study.seeds, other.study.seeds)
    counts = [
        (run.values("active_units") > 0)[run.below()][:, :seeds].sum(0).astype(float)
        for run in (one, other)
    ]
    return paired_interval(*counts)


def alive_in(run: Run, cells: tuple[tuple[float, float], ...] = CELLS) -> tuple[int, int]:
    """Count the same in some cells, of those that the run has."""
    active = run.values("active_units") > 0
    here = [
        active[run.row(m), run.column(b)]
        for m, b in cells
        if np.isclose(run.mu, m).any() and np.isclose(run.beta, b).any()
    ]
    return int(np.sum(here)), int(np.size(here))


def _share(count: int, whole: int) -> str:
    if not whole:
        return "–"
    found = count_interval(count, whole)
    return f"{count} of {whole} ({100 * found.low:.0f} to {100 * found.high:.0f} %)"


def _grids(runs: Runs) -> str:
    rows = []
    for name in GRIDS:
        run = runs[name]
        kl, warm = run.setting("kl"), run.setting("kl_warmup")
        counted = [_share(*alive_in(run)), _share(*alive(run))]
        rows.append([name, kl, f"{warm:,}" if warm else "none", *counted])
    return table(["run", "KL", "warm-up", "in those cells", "below β\\*"], rows)


def _variants(named: list[Run]) -> str:
    rows = []
    for run in named:
        dead, (lost, kept) = run.course("dead_units")[..., -1], fates(run)
        rows.append(
            [
                run.setting("kl"),
                run.setting("activation").replace("_", " "),
                f"{run.setting('learning_rate'):g}",
                _share(*alive(run)),
                number(float(np.median(dead[lost])), 2) if lost.any() else "–",
                number(float(np.median(dead[kept])), 2) if kept.any() else "–",
            ]
        )
    head = ["KL", "activation", "rate", "active below β\\*", "dead, if collapsed", "dead, if not"]
    return table(head, rows)


def fates(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Tell which models below β* end without an active latent, and which with some.

    Each `[mu, beta, seed]`, by the last measurement of the time course.
    """
    active = run.course("active_units")[..., -1] > 0
    below = np.broadcast_to(run.below()[..., None], active.shape)
    return below & ~active, below & active


def _since(condition: np.ndarray) -> np.ndarray:
    """Return the first place from which on a condition stays true; -1 if it does not at the end."""
    stays = np.flip(np.logical_and.accumulate(np.flip(condition, -1), -1), -1)
    return np.where(stays.any(-1), stays.argmax(-1), -1)


def collapse_order(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at which collapsed models lose their last latent and nearly all units.

    Of those below β* that have no active latent at the end; infinite for what never happens.
    """
    lost, _ = fates(run)
    step = np.append(run.snapshots.astype(float), np.inf)  # the last is that of the place -1
    latents, units = run.course("active_units")[lost] == 0, run.course("dead_units")[lost] >= DEAD
    return step[_since(latents)], step[_since(units)]


def _order(plain: Run) -> str:
    gone, dead = collapse_order(plain)
    if not gone.size:
        return ""
    died = np.isfinite(dead)
    return (
        f"In `{plain.name}` the last latent of a collapsed model is gone after "
        f"{np.median(gone):,.0f} steps (median of {gone.size}; {gone.min():,.0f} to "
        f"{gone.max():,.0f}). Nine tenths of the hidden units are dead in "
        f"{of(int(died.sum()), gone.size, 'model')}"
        + (
            f", after {np.median(dead[died]):,.0f} steps, and in "
            f"{of(int((dead < gone).sum()), gone.size, 'model')} before the latent. "
            if died.any()
            else ". "
        )
        + _dead_then(plain)
    )


def dead_at_collapse(run: Run) -> np.ndarray:
    """Return the share of dead units when a model loses its last latent, beside those that stay.

    Rows (share, median share of the models of the same μ that stay active at the same step, seed)
    of the models that collapse below β* at a μ at which some do not.
    """
    dead, (lost, kept) = run.course("dead_units"), fates(run)
    gone = _since(run.course("active_units") == 0)
    rows = []
    beside = np.any(kept, axis=(1, 2), keepdims=True)
    for i, j, seed in np.argwhere(lost & beside):
        since = gone[i, j, seed]
        rows.append((dead[i, j, seed, since], np.median(dead[i][kept[i]][:, since]), seed))
    return np.array(rows).reshape(-1, 3)


def _dead_then(run: Run) -> str:
    rows = dead_at_collapse(run)
    if not len(rows):
        return ""
    by_seed = [rows[rows[:, 2] == seed] for seed in range(run.study.seeds)]
    apart = t_interval(
        np.array([np.mean(r[:, 0] - r[:, 1]) if len(r) else np.nan for r in by_seed])
    )
    then, others = np.median(rows[:, :2], 0)
    return (
        f"When the last latent goes, {number(float(then))} of the units are dead, and "
        f"{number(float(others))} in the models of the same μ that stay active, at the same step "
        f"(medians of {len(rows)}; {value(apart)} more, over seeds)."
    )


def leaky_alive(runs: Runs) -> Interval:
    """Return how many more models a seed stay alive with units that cannot die."""
    return more_alive(runs["collapse-sampled-leaky_relu-1e-3"], runs["collapse-sampled-relu-1e-3"])


def _verdict(runs: Runs) -> str:
    noise = sign(more_alive(runs["analytic"], runs["blog"])) > 0
    parts = ["The noise of the one-sample KL is part of it." if noise else ""]
    parts.append(
        "Units that die are part of it."
        if sign(leaky_alive(runs)) > 0
        else "With units that cannot die models collapse too, and no fewer that seeds could tell."
    )
    return " ".join(p for p in parts if p)


def recovered(run: Run) -> str:
    """Write how many models have R² ≥ 0.9."""
    count = (run.values("recovery_r2") >= 0.9).sum((0, 1))
    return value(t_interval(count.astype(float)))
