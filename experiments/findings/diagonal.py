"""Is the diagonal real? The answer, and the evidence."""

import numpy as np

from biasvae_jax.statistics.boundary import MostActive, Slope
from biasvae_jax.statistics.level_sets import BETA, MODELS, MU, THEORY, ModelComparison
from experiments.findings import evidence, evidence_diagonal
from experiments.findings.evidence import Run
from experiments.findings.evidence_diagonal import JUDGED, Diagonal, Edge
from experiments.findings.words import (
    NONE,
    escaped,
    listed,
    number,
    of,
    paragraphs,
    ratio,
    sign,
    table,
    value,
)


def diagonal_answer(found: Diagonal) -> str:
    """Answer the first question: by slopes of every run, and by the last of the main grids."""
    slopes = [edge.slope for edge in found.edges.values()]
    *_, last = found.levels
    falls = [sign(slope.interval) < 0 for slope in slopes]
    levels = [
        evidence_diagonal.orientation(compared[score]["seed"])
        for compared in found.levels.values()
        for score in ("recovery_r2", "kl")
    ]
    whole, part = all(falls) and set(levels) == {"diagonal"}, any(falls) or "diagonal" in levels
    verdict = "Yes." if whole else "In part." if part else "It is not shown."
    recovery = found.levels[last]["recovery_r2"]["mu"]
    r2 = {name: value(recovery.intervals.at(k)) for k, name in enumerate(MODELS)}
    best = {
        name: compared["mu"].names[compared["mu"].best]
        for name, compared in found.levels[last].items()
    }
    follow = [f"`{name}`" for name, model in best.items() if model == THEORY]
    others = [f"`{name}` ({escaped(model)})" for name, model in best.items() if model != THEORY]
    for_others = f", and not for {listed(others)}" if others else ""
    moved = [_slope_words(name, edge.slope) for name, edge in found.edges.items()]
    edge, active = found.edges[last], evidence_diagonal.sides(found.runs[last])
    below, above = (len(mu) for mu in _apart(found.runs[last], edge).values())
    agreed = of(int(edge.agrees.sum()), len(edge.agrees), "μ", "μ")
    return paragraphs(
        "## Is the diagonal real?",
        f"**{verdict}** Per unit of bias the closed form's log β\\* changes by {_theory(found)}, "
        f"and log β̂, where half the latents stop being active, by {listed(moved)}. On biases held "
        "out of the fit the distance log β − log β\\*, "
        "with nothing fitted to μ, "
        f"explains R² = {r2[THEORY]} of `recovery_r2` (`{last}`), the bias alone {r2[MU]} and "
        f"log β alone {r2[BETA]}; it is the best of {len(MODELS)} models for "
        f"{listed(follow)}{for_others}. "
        f"{escaped(_limit(active, edge))}: most latents are active in "
        f"{of(*active.beyond, 'model')} beyond it and in {of(*active.before, 'model')} before "
        f"it, and β̂ agrees with it at {agreed}, lies below at {below} and above at {above} "
        f"(`{last}`).",
    )


def _limit(active: MostActive, edge: Edge) -> str:
    if active.beyond[0]:
        return "But β* is no strict limit"
    return "And β* is the place" if edge.agrees.all() else "But β* is a limit, not the place"


def _slope_words(name: str, slope: Slope) -> str:
    return (
        f"{value(slope.interval)} in `{name}` ({_beside_theory(slope)}; the grid resolves "
        f"{number(slope.resolution)})"
    )


def _theory(found: Diagonal) -> str:
    said = {name: number(edge.slope.theory) for name, edge in found.edges.items()}
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return listed(f"{slope} over those of `{name}`" for name, slope in said.items())


def _beside_theory(slope: Slope) -> str:
    if not np.isfinite(slope.interval.low):
        return "no interval"
    if float(slope.interval.high) + slope.resolution < slope.theory:
        return "steeper"
    flatter = float(slope.interval.low) - slope.resolution > slope.theory
    return "less steep" if flatter else "not told apart"


def diagonal_section(found: Diagonal) -> str:
    """Write β̂(μ) against β*(μ), its slope, and the models of each score."""
    return paragraphs(
        "## 1. Is the diagonal real?",
        "β̂(μ) is where half the latents are active (variance of the posterior mean above 0.01), "
        "for each seed by isotonic regression of the counts on log β; models that diverged are "
        "bridged. The interval is for the geometric mean over seeds. All latents of a model share "
        "one eigenvalue, so a seed often says no more than between which two β of the grid the "
        'boundary lies: "agrees" means that β\\* lies in the interval, widened to those two.',
        *(_edge_table(found, name) for name in found.runs),
        _caution(found),
        "![Where half the latents stop being active](images/findings_boundary.png)",
        _slope_table(found),
        "### Models of each score",
        "R² on cells that the model has not seen (see [Statistics](mathematics.md#statistics)). "
        '"Level sets" are diagonal if both μ alone and log β alone predict worse than the best '
        "model (paired 95 % interval below 0), horizontal if only log β alone does, vertical if "
        "only μ alone does.",
        *(_level_table(found, name) for name in found.levels),
        "![Scores against log β − log β*](images/findings_collapse.png)",
    )


def _caution(found: Diagonal) -> str:
    """Say what active means at the strongest bias, in the last run that reaches it."""
    run = max(found.runs.values(), key=lambda run: run.mu[-1])
    ratio_ = float(run.threshold[-1] * run.config.sigma2 / run.config.noise_variance)
    noise = evidence.noise(run)
    return (
        f"Active is not signal: at μ = {run.mu[-1]:g} a square's eigenvalue is {ratio_:.2f} times "
        f"that of a direction of noise alone, and at β = {run.beta.min():g} the latents' share of "
        f"signal is {value(noise.lowest.at(-1))} in `{run.name}` (closed form "
        f"{number(noise.predicted[-1], 3)}; section 4)."
    )


def _edge_table(found: Diagonal, name: str) -> str:
    run, edge = found.runs[name], found.edges[name]
    steps = np.diff(np.log(np.sort(run.beta)))
    rows = []
    for i, mu in enumerate(run.mu):
        beside = value(ratio(edge.against.at(i)))
        beta_hat = value(ratio(edge.found.interval.at(i)))
        if not edge.known[i]:
            beta_hat = _censored(run, edge.found.censored[i])
        agrees = {True: "yes", False: "no"}[bool(edge.agrees[i])] if edge.known[i] else NONE
        rows.append([f"{mu:g}", f"{run.threshold[i]:.3f}", beta_hat, beside, agrees])
    return paragraphs(
        f"**{name}** ({run.config.seeds} seeds; neighbouring β differ by "
        f"factors of {np.exp(steps.min()):.3g} to {np.exp(steps.max()):.3g}):",
        table(["μ", "β\\*", "β̂", "β̂/β\\*", "agrees"], rows),
        f"β̂ agrees with β\\* at {of(int(edge.agrees.sum()), len(run.mu), 'μ', 'μ')}; it is "
        f"{_sides(run, edge)}.",
    )


def _sides(run: Run, edge: Edge) -> str:
    """Say where β̂ is told apart from β*, and on which side."""
    return " and ".join(
        f"{name} it at {len(mu)}" + (f" (μ = {listed(mu)})" if mu else "")
        for name, mu in _apart(run, edge).items()
    )


def _apart(run: Run, edge: Edge) -> dict[str, list[str]]:
    """Return the μ at which β̂ lies below and above β*, told apart."""
    sides, apart = np.sign(edge.against.mean), edge.known & ~edge.agrees
    return {
        name: [f"{mu:g}" for mu in run.mu[apart & (sides == side)]]
        for name, side in (("below", -1), ("above", 1))
    }


def _censored(run: Run, sides: np.ndarray) -> str:
    above, below = int((sides > 0).sum()), int((sides < 0).sum())
    parts = [f"above {run.beta.max():g} in {of(above, len(sides), 'seed')}"] if above else []
    parts += [f"below {run.beta.min():g} in {of(below, len(sides), 'seed')}"] if below else []
    return listed(parts, NONE)


def _slope_table(found: Diagonal) -> str:
    rows = []
    for name, edge in found.edges.items():
        used = found.runs[name].mu[edge.slope.used]
        over = f"{used.min():g} to {used.max():g} ({len(used)})" if len(used) else NONE
        theory, resolution = number(edge.slope.theory), number(edge.slope.resolution)
        rows.append([name, value(edge.slope.interval), theory, resolution, over])
    return paragraphs(
        "The effect of the bias, d log β̂/dμ per unit of μ (least squares for each seed; the "
        "theory's is that of log β\\* over the same μ; the grid's spacing could change the slope "
        "by at most the resolution):",
        table(["run", "d log β̂/dμ", "theory", "resolution", "over μ"], rows),
    )


def _level_table(found: Diagonal, name: str) -> str:
    rows, said = [], []
    for score in JUDGED:
        for hold_out, compared in found.levels[name][score].items():
            r2 = [value(compared.intervals.at(k)) for k in range(len(MODELS))]
            if r2[compared.best] != NONE:
                r2[compared.best] = f"**{r2[compared.best]}**"
            level = evidence_diagonal.orientation(compared)
            rows.append([f"`{score}`", {"seed": "a seed", "mu": "a μ"}[hold_out], *r2, level])
        said.append(_best_words(score, found.levels[name][score]["mu"]))
    head = ["score", "held out", *map(escaped, MODELS), "level sets"]
    return paragraphs(
        f"**{name}**, R² (the best in bold):",
        table(head, rows),
        f"On rows (μ) that were held out, the best is {'; '.join(said)}.",
    )


def _best_words(score: str, compared: ModelComparison) -> str:
    best = escaped(compared.names[compared.best])
    if compared.names[compared.best] == THEORY:
        return f"for `{score}` {best}"
    behind = compared.behind.at(MODELS.index(THEORY))
    told = "" if sign(behind) else ", not told apart"
    return f"for `{score}` {best} (R² of {escaped(THEORY)} minus its own: {value(behind)}{told})"
