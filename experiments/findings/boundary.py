"""Where half the latents stop being active, against β*; and what happens to the KL there."""

import numpy as np

from biasvae_jax.statistics.boundary import Slope, boundary, boundary_slope, place
from biasvae_jax.statistics.bounded import bounded_interval
from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.statistics.level_sets import compare_models
from experiments.findings.collapse import GRIDS
from experiments.pages.run import Run, Runs
from experiments.pages.words import escaped, number, of, paragraphs, table, value

SCORES = ("recovery_r2", "kl", "generation_mse")
KINK = 0.5  # nats: a KL that vanishes from below this much is no jump of note


def slope(run: Run) -> Slope:
    """Return the boundary's slope in μ."""
    active = run.values("active_units")
    found = boundary(active, run.beta, run.study.latents)
    return boundary_slope(found, run.mu, run.threshold)


def boundary_section(runs: Runs) -> str:
    """Write how the boundary runs, and how the KL ends."""
    grids = [runs[name] for name in GRIDS]
    fine = [run for name, run in runs.items() if name.startswith("fine-")]
    return paragraphs(
        "## 4. The boundary: is there a diagonal, and is it the theory's?",
        f"**{_verdict(grids)}** β̂(μ) is where half the latents are active. Its slope, judged by "
        "the seeds alone, and in the worst case, in which the grid's spacing hides where it is:",
        _slopes(grids),
        "Its place, and at how many μ it lies below / at / above β\\*:",
        _places(grids),
        "Models of each score, by R² on biases held out of the fit; one has a slope fitted in "
        "place of the theory's:",
        _contest(grids[-1]),
        "### A kink or a jump?",
        _kink_words(fine),
        *(_kink(run) for run in fine),
        "![KL around the threshold](images/findings_kink.png)",
        "*The closed form is the linear model's; the vertical line is β\\*.*",
    )


def _verdict(grids: list[Run]) -> str:
    found = [slope(run) for run in grids]
    theirs = [_sign(s) for s in found]
    falls = sum(float(s.interval.high) < 0 for s in found)
    agree = theirs.count(0)
    text = f"The boundary falls with μ in {of(falls, len(found), 'run')}"
    if agree == len(found):
        return text + ", and no run tells its slope apart from the theory's."
    return text + f", and its slope is told apart from the theory's in {len(found) - agree}."


def _sign(found: Slope) -> int:
    return 0 if np.isnan(found.side) else int(found.side)


def _slopes(grids: list[Run]) -> str:
    rows, words = [], {0: "not told apart", 1: "flatter", -1: "steeper"}
    for run in grids:
        found = slope(run)
        worst = 0 if np.isnan(found.widened_side) else int(found.widened_side)
        used = f"{int(found.used.sum())} of {len(run.mu)}"
        rows.append(
            [
                run.name,
                value(found.interval),
                number(found.theory),
                words[_sign(found)],
                f"{words[worst]} (by up to {number(found.resolution)})",
                used,
            ]
        )
    head = ["run", "d log β̂/dμ", "theory", "by the seeds", "if the grid's spacing", "μ used"]
    return table(head, rows)


def _places(grids: list[Run]) -> str:
    """Count the μ at which the boundary lies below, at and above the theory's."""
    rows = []
    for run in grids:
        active = run.values("active_units")
        found = place(boundary(active, run.beta, run.study.latents), run.threshold)
        ratio = np.exp(np.asarray(found.interval.mean, float))
        known = ratio[np.isfinite(ratio)]
        low, high = (known.min(), known.max()) if known.size else (np.nan, np.nan)
        sides = [
            "/".join(str(int((side == s).sum())) for s in (-1, 0, 1))
            for side in (found.side, found.widened_side)
        ]
        rows.append([run.name, f"{number(low)} to {number(high)}", *sides])
    return table(["run", "β̂/β\\*", "by the seeds", "if the grid's spacing"], rows)


def _contest(run: Run) -> str:
    rows, names = [], ()
    for score in SCORES:
        if len(run.mu) < 3:
            return ""
        found = compare_models(run.values(score), run.mu, run.beta, run.threshold, "mu")
        names = found.names
        cells = [value(found.intervals.at(k)) for k in range(len(names))]
        cells[found.best] = f"**{cells[found.best]}**"
        rows.append([f"`{score}`", *cells])
    return table([f"{run.name}", *map(escaped, names)], rows)


def _kink_words(fine: list[Run]) -> str:
    run = fine[0]
    return (
        "A linear model's KL falls to 0 at β\\* continuously, with a kink. Li et al. 2025 find the "
        "same threshold for nonlinear models and a jump. Below, β closely around β\\*, "
        f"{run.study.training.steps:,} steps with a rate that falls to 0, "
        f"{run.study.seeds} seeds; KL in nats."
    )


def kl_near(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return KL `[beta, seed]` of a run with one bias, and the closed form's `[beta]`."""
    kl = run.values("kl")[0]
    predicted = run.scores["linear_kl"].transpose("mu", "beta").values[0]
    return kl, predicted


def _kink(run: Run) -> str:
    kl, predicted = kl_near(run)
    active = run.values("active_units")[0]
    ratio = run.beta / run.threshold[0]
    rows = [
        [
            number(ratio[j], 3),
            value(t_interval(kl[j])),
            number(predicted[j], 3),
            value(bounded_interval(active[j], 0, run.study.latents)),
        ]
        for j in range(len(ratio))
    ]
    some = [j for j in range(len(ratio)) if (active[j] > 0).any()]
    last = max(some, default=0)
    words = (
        f"The largest β with an active latent is {number(ratio[last], 3)}·β\\*, where the KL is "
        f"{value(t_interval(kl[last]))} nats (closed form {number(predicted[last], 3)}). "
        + (
            "That is no jump of note."
            if float(t_interval(kl[last]).mean) < KINK
            else f"It goes from there to 0 within one step of the grid: a jump of up to so much, "
            f"if it is one, lies between {number(ratio[last], 3)} and "
            f"{number(ratio[min(last + 1, len(ratio) - 1)], 3)}·β\\*."
        )
        if some
        else "No latent is active at any of these β."
    )
    head = ["β/β\\*", "KL", "closed form", "active latents"]
    return paragraphs(f"**μ = {run.mu[0]:g}**. {words}", table(head, rows))
