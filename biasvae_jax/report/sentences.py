"""Plain sentences about a run and about one cell, written from the numbers."""

import numpy as np

from biasvae_jax.report.maps import number
from biasvae_jax.report.view import RunView
from biasvae_jax.statistics.regimes import Regime

TIE = 0.01  # differences in R² below this are called none
WORDS = {
    Regime.RECOVERED: "recovered: as many latents are active as there are factors to find",
    Regime.PARTIAL: "partly recovered",
    Regime.COLLAPSED_BY_OBJECTIVE: "collapsed by the objective (none active, β ≥ 0.99·β*)",
    Regime.COLLAPSED_BY_OPTIMISER: "collapsed by the optimiser (none active, although β < 0.99·β*)",
    Regime.ACTIVE_BEYOND: "active beyond β* (β ≥ 1.01·β*)",
    Regime.DIVERGED: "diverged",
}


def about_run(view: RunView) -> list[str]:
    """Say what the whole grid shows."""
    config = view.config
    seeds = "one seed" if config.seeds == 1 else f"{config.seeds} seeds"
    size = f"{len(config.mu)} biases × {len(config.beta)} β × {seeds}"
    said = [
        f"{config.models} models ({size}) were trained for {config.steps:,} steps each, with "
        f"the loss ½‖x − x̂‖²/σ² + β·KL, σ² = {config.sigma2:g}, in nats."
    ]
    lost = round(float(np.nansum(1 - view.scores["finite"].mean)) * config.seeds)
    if lost:
        said.append(f"{lost} of them diverged and have no scores.")
    if not np.isfinite(view.scores["active_units"].mean).any():
        return said if lost == config.models else [*said, "No model has been scored yet."]
    return [*said, *_recovery(view), *_collapse(view), *_kl(view)]


def _recovery(view: RunView) -> list[str]:
    mu, beta, r2 = view.config.mu, view.config.beta, view.scores["recovery_r2"].mean
    if not np.isfinite(r2).any():
        return ["Recovery R² is undefined for every model, as where the test factors do not vary."]
    i, j = np.unravel_index(np.nanargmax(r2), r2.shape)
    baseline = view.random.get("recovery_r2", np.nan)
    random = f"; randomly initialised networks reach {baseline:.2f}" if baseline == baseline else ""
    said = [
        f"Best recovery: at μ = {mu[i]:g}, β = {beta[j]:g} a linear map of the learned code "
        f"explains {r2[i, j]:.0%} of the true factors' variance{random}."
    ]
    lowest = int(np.argmin(beta))
    near, far = int(np.argmin(np.abs(mu))), int(np.argmax(np.abs(mu)))
    if near != far and np.isfinite(r2[[near, far], lowest]).all():
        said.append(
            f"Bias: at the lowest β, {beta[lowest]:g}, recovery R² goes from "
            f"{r2[near, lowest]:.2f} at μ = {mu[near]:g} to {r2[far, lowest]:.2f} "
            f"at μ = {mu[far]:g}."
        )
    if len(beta) > 1:
        rows = np.flatnonzero(np.isfinite(r2).all(1))
        helped = [r for r in rows if r2[r].max() - r2[r, lowest] > TIE]
        if len(rows) and not helped:
            said.append(
                f"Stronger regularisation: for none of the {len(rows)} biases does a β above "
                f"{beta[lowest]:g} raise recovery R² by more than {TIE:g}."
            )
        elif helped:
            cases = ", ".join(
                f"μ = {mu[r]:g} (β = {beta[int(r2[r].argmax())]:g}: {r2[r].max():.2f} against "
                f"{r2[r, lowest]:.2f})"
                for r in helped[:4]
            )
            more = ", …" if len(helped) > 4 else ""
            said.append(
                f"Stronger regularisation: for {len(helped)} of {len(rows)} biases a β above "
                f"{beta[lowest]:g} raises recovery R² by more than {TIE:g}: {cases}{more}."
            )
    return said


def _collapse(view: RunView) -> list[str]:
    said = (
        f"Collapse: the linear theory puts the boundary at β*(μ) = λ(μ)/σ², from "
        f"{view.boundary.max():.2f} down to {view.boundary.min():.2f} over these μ."
    )
    if view.regimes is None:
        return [said]
    return [said + f" Of the models, {_regimes(view.regimes)}."]


def _regimes(codes: np.ndarray) -> str:
    """Count models by what became of them; those still to score are left out."""
    counts = [(int((codes == code).sum()), text) for code, text in WORDS.items()]
    return "; ".join(f"{n} {text}" for n, text in counts if n) or "none is scored yet"


def _kl(view: RunView) -> list[str]:
    if "kl" not in view.theory:
        return []
    predicted, found = view.theory["kl"], view.scores["kl"].mean
    use = (predicted > 0.1) & np.isfinite(found)
    if not use.any():
        return []
    ratio = np.median(found[use] / predicted[use])
    return [
        f"Information: where the theory expects more than 0.1 nats of KL, the trained models "
        f"have {ratio:.0%} of it (median over {use.sum()} cells)."
    ]


def about_cell(view: RunView, i: int, j: int) -> list[str]:
    """Say what one cell shows."""
    beta, threshold = view.config.beta[j], view.boundary[i]
    value = {name: float(cells.mean[i, j]) for name, cells in view.scores.items()}
    if not np.isfinite(value["kl"]):
        untrained = "diverged: its loss left the finite numbers" if value["finite"] == 0 else ""
        return [f"This model {untrained or 'has not been trained yet'}."]
    side = "below" if beta < threshold else "above"
    expects = "active latents" if beta < threshold else "collapse"
    said = [f"β is {side} the threshold β*(μ) = {threshold:.2f}, so the theory expects {expects}."]
    if not np.isfinite(value["active_units"]):
        return [*said, "It is still in training, and not scored yet."]
    latents, units = view.config.latents, value["active_units"]
    if units == 0:
        said.append("No latent is active: the code says nothing about the image.")
    else:
        said.append(f"{units:.3g} of {latents} latents are active.")
    if view.regimes is not None:
        said.append(f"Models of this cell: {_regimes(view.regimes[i, j])}.")
    r2, random = value["recovery_r2"], view.random.get("recovery_r2", np.nan)
    beside = f" ({random:.0%} for random networks)" if random == random else ""
    said.append(
        f"A linear map of the code explains {max(r2, 0):.0%} of the true factors' variance{beside}."
        if np.isfinite(r2)
        else "Recovery R² is undefined."
    )
    if "kl" in view.theory:
        said.append(
            f"Its KL is {number(value['kl'])} nats; the linear optimum has "
            f"{number(float(view.theory['kl'][i, j]))}."
        )
    return said


def about_pair(first: RunView, second: RunView, difference: np.ndarray) -> str:
    """Say how recovery R² differs; `difference` `[mu, beta]` is the second minus the first."""
    known = np.isfinite(difference)
    if not known.any():
        return "The two runs have no cell in common in which recovery R² is defined."
    i, j = np.unravel_index(np.nanargmax(np.abs(difference)), difference.shape)
    up, down = (difference > TIE).sum(), (difference < -TIE).sum()
    return (
        f"Of {known.sum()} cells scored in both, recovery R² is higher in {second.name} by more "
        f"than {TIE:g} in {up} and lower in {down}; the largest difference, "
        f"{difference[i, j]:+.2f}, is at μ = {first.config.mu[i]:g}, β = {first.config.beta[j]:g}."
    )
