"""Signal or noise? What latents encode, and where the linear theory does not reach."""

import numpy as np

from experiments.findings import evidence
from experiments.findings.evidence import BEATS, MOSTLY, Run
from experiments.findings.words import number, of, paragraphs, table, value


def signal_section(grids: tuple[Run, ...], long: Run, spare: tuple[Run, ...]) -> str:
    """Write the share of signal over the grids, and what spare latents do."""
    return paragraphs(
        "## 4. Signal or noise?",
        "`signal_share` is the part of the posterior means' variance that follows the factors "
        f"rather than the observation noise. A model below {MOSTLY:g} encodes mostly noise.",
        *(_noise_words(run) for run in grids),
        _long_words(long),
        "![Share of signal, measured and predicted](images/findings_signal.png)",
        "### Latents to spare",
        "A direction of noise alone has the eigenvalue σ_noise², so at the optimum it is worth a "
        "latent exactly when β < σ_noise²/σ² = 1. Active latents, mean over seeds (closed form in "
        "brackets):",
        *(_spare_table(run) for run in spare),
        "![Active latents of models with latents to spare](images/findings_spare.png)",
    )


def _noise_words(run: Run) -> str:
    found = evidence.noise(run)
    rows = [
        [f"{mu:g}", value(found.lowest.at(i)), number(found.predicted[i], 3)]
        for i, mu in enumerate(run.mu)
    ]
    return paragraphs(
        f"**{run.name}**: {value(found.active)} models of a seed have an active latent, and "
        f"{value(found.mostly_noise)} of them encode mostly noise. Over active models the share "
        f"is {value(evidence.deviation(run, 'signal_share'))} from the closed form (mean absolute "
        f"deviation). At the smallest β, {run.beta.min():g}:",
        table(["μ", "signal share", "closed form"], rows),
    )


def _long_words(long: Run) -> str:
    found = evidence.noise(long)
    measured, predicted = (float(a[-1]) for a in (found.lowest.mean, found.predicted))
    return (
        f"After {long.config.steps:,} steps (`{long.name}`, seed 0) the share at "
        f"μ = {long.mu[-1]:g}, β = {long.beta.min():g} is "
        f"{number(measured, 3)}, in closed form {number(predicted, 3)}."
    )


def _spare_table(run: Run) -> str:
    found, predicted = evidence.t_interval(run.values("active_units")), run.theory.active_units
    rows = [
        [
            f"{mu:g}",
            *(f"{value(found.at(i, j))} ({predicted[i, j]:.0f})" for j in range(len(run.beta))),
        ]
        for i, mu in enumerate(run.mu)
    ]
    right = int((np.abs(found.mean - predicted) < 0.5).sum())
    return paragraphs(
        f"**{run.config.latents} latents** ({run.config.seeds} seeds): the mean rounds to the "
        f"closed form in {of(right, predicted.size, 'cell')}.",
        table(["μ", *(f"β = {beta:g}" for beta in run.beta)], rows),
    )


def beaten_words(run: Run) -> str:
    """Write where a model beats the linear optimum."""
    gap = evidence.mean(run.values("gap"))
    found = evidence.beaten(run)
    if not np.isfinite(gap).any():
        return f"**{run.name}**: no model has a gap."
    i, j = np.unravel_index(np.nanargmin(gap), gap.shape)
    lowest = evidence.t_interval(run.values("gap")[i, j])
    return (
        f"**{run.name}** ({run.config.steps:,} steps): models of a seed better than the linear "
        f"optimum by more than {BEATS:g} nats: {value(found)}. The lowest `gap`, in nats, is "
        f"{value(lowest)}, at μ = {run.mu[i]:g}, β = {run.beta[j]:g}."
    )
