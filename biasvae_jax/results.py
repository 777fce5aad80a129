"""From flat arrays over models to the labelled datasets of `results.nc` and `history.nc`."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from biasvae_jax.training import history as training_history
from biasvae_jax.config import Config
from biasvae_jax.regimes import Regime, regime

GRID = ("mu", "beta", "seed")
NOT_SCORES = ("loss", "reconstruction", "kl", "recovery_mse_raw", "finite", "regime", "steps")
INTEGERS = {"active_units": np.int32, "finite": np.int8, "regime": np.int8, "steps": np.int32}

# variable: (long_name, units)
MEANINGS = {
    "loss": ("β-ELBO loss, mean over the last 5 % of steps", "nat"),
    "reconstruction": ("reconstruction term, mean over the last 5 % of steps", "nat"),
    "kl": ("single-sample KL, mean over the last 5 % of steps", "nat"),
    "pmi": ("PMI, the original study's proxy: MSE of the Adam head u → z_hat", "1"),
    "pmi_exact": ("MSE of the least-squares head u → z_hat", "1"),
    "pmi_mean": ("MSE of the least-squares head u → posterior mean", "1"),
    "recovery_mse": ("MSE of the Adam head z_hat → u", "intensity²"),
    "recovery_r2": ("R² of the least-squares head z_hat → u", "1"),
    "recovery_r2_mean": ("R² of the least-squares head posterior mean → u", "1"),
    "recovery_mse_raw": ("MSE of the plainest Adam head z_hat → u", "intensity²"),
    "generation_mse": ("mean of (G(u) − decode(P(u)))² over images and pixels", "intensity²"),
    "generation_offset": ("part of generation_mse from the mean image", "intensity²"),
    "generation_shrinkage": ("part of generation_mse from its contrast", "intensity²"),
    "generation_head": ("the rest of generation_mse: head and decoder", "intensity²"),
    "gap": ("loss above the linear optimum's, on the same 32,768 fresh images", "nat"),
    "signal_share": ("share of Var(posterior mean) that follows the factors, not the noise", "1"),
    "active_units": ("latents with Var(posterior mean) > 0.01 on training images", "latents"),
    "regime": ("what became of the model, from active_units and β*(μ)", "1"),
    "steps": ("training steps taken; fewer than asked for where patience ended", "steps"),
    "finite": ("1 if losses, parameters and optimiser stayed finite", "1"),
}
SCORES = tuple(name for name in MEANINGS if name not in NOT_SCORES)


def _on_grid(flat: np.ndarray, config: Config) -> np.ndarray:
    """`[models, …]` in the order (seed, mu, beta) → `[mu, beta, seed, …]`."""
    shape = (config.seeds, len(config.mu), len(config.beta), *flat.shape[1:])
    return np.moveaxis(flat.reshape(shape), 0, 2)


def _coordinates(config: Config) -> dict[str, xr.Variable]:
    def axis(name: str, values: object, long_name: str, dtype: type) -> xr.Variable:
        attributes = {"long_name": long_name, "units": "1"}
        return xr.Variable(name, np.asarray(values, dtype), attributes)

    return {
        "mu": axis("mu", config.mu, "training bias: mean of the latents", np.float64),
        "beta": axis("beta", config.beta, "weight of the KL term", np.float64),
        "seed": axis("seed", np.arange(config.seeds), "replicate", np.int32),
    }


def _variable(name: str, dims: tuple[str, ...], values: np.ndarray) -> xr.Variable:
    long_name, units = MEANINGS[name.removeprefix("random_")]
    dtype = INTEGERS.get(name.removeprefix("random_"), np.float32)
    prefix = "random initialisation: " if name.startswith("random_") else ""
    attributes: dict[str, object] = {"long_name": prefix + long_name, "units": units}
    if name == "regime":  # codes and their names, as the CF conventions have them
        attributes["flag_values"] = np.array(list(Regime), np.int8)
        attributes["flag_meanings"] = " ".join(code.name.lower() for code in Regime)
    return xr.Variable(dims, values.astype(dtype), attributes)


def results_dataset(
    config: Config,
    scores: Mapping[str, np.ndarray],
    history: training_history.History,
    baselines: Mapping[str, np.ndarray],
    threshold: np.ndarray,
) -> xr.Dataset:
    """Assemble `results.nc` from flat arrays `[models]` and the baselines `[network]`.

    `threshold` `[mu]` is β*(μ), for the regimes. A model whose training left the finite numbers
    gets NaN scores (0 active units) and `finite` 0. A score that is undefined is NaN by itself.
    """
    _, tail = training_history.means(history, config.steps)
    finite = history.finite
    values = {name: np.asarray(scores[name], np.float64) for name in SCORES}
    values |= dict(zip(("loss", "reconstruction", "kl"), tail.T, strict=True))
    variables = {}
    for name in MEANINGS:
        if name in values:
            nothing = 0 if name in INTEGERS else np.nan
            masked = np.where(finite & np.isfinite(values[name]), values[name], nothing)
            variables[name] = _variable(name, GRID, _on_grid(masked, config))
    variables["steps"] = _variable("steps", GRID, _on_grid(history.steps, config))
    variables["finite"] = _variable("finite", GRID, _on_grid(finite, config))
    beta, limit = np.asarray(config.beta)[:, None], np.asarray(threshold)[:, None, None]
    active = variables["active_units"].values
    codes = regime(
        beta, limit, active, variables["finite"].values, min(config.latents, config.n**2)
    )
    variables["regime"] = _variable("regime", GRID, codes)
    for name, value in baselines.items():
        variables["random_" + name] = _variable("random_" + name, ("network",), value)
    attributes = {
        "title": "Recovery of the generating variables by β-VAEs under training bias",
        "loss_convention": f"½‖x − x̂‖²/σ² + β·KL with σ² = {config.sigma2}, nats an image",
        "config": config.to_json(),
    }
    return xr.Dataset(variables, _coordinates(config), attributes)


def history_dataset(config: Config, history: training_history.History) -> xr.Dataset:
    """Assemble `history.nc`: means over at most 200 bins of steps."""
    bins, _ = training_history.means(history, config.steps)
    variables = {}
    for column, name in enumerate(("loss", "reconstruction", "kl")):
        long_name, units = MEANINGS[name]
        attributes = {"long_name": long_name.replace("the last 5 % of steps", "a bin of steps")}
        variables[name] = xr.Variable(
            (*GRID, "step"),
            _on_grid(bins[..., column], config).astype(np.float32),
            attributes | {"units": units},
        )
    steps = training_history.bin_centres(config.steps)
    step = xr.Variable("step", steps, {"long_name": "mean training step of the bin", "units": "1"})
    return xr.Dataset(
        variables, _coordinates(config) | {"step": step}, {"config": config.to_json()}
    )
