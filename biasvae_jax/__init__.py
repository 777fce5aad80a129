"""β-VAEs on biased data: a whole grid trained at once, and what each model recovered.

Every function is for one model; only `Sweep` stacks them. The names here are the public API.
"""

from biasvae_jax.config import PRESETS, Config, ConfigError
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.loading import LoadedRun, load_run
from biasvae_jax.networks import MLP, Network
from biasvae_jax.objectives import (
    Losses,
    analytic_kl,
    beta_elbo,
    gaussian_reconstruction,
    linear_warmup,
    reparameterise,
    sample_kl,
)
from biasvae_jax.plan import Plan, PlanError, make_plan
from biasvae_jax.projection import Head, fit_adam, fit_adam_raw, fit_least_squares, mse
from biasvae_jax.scores.recovery import (
    RecoveryScores,
    ScoreKeys,
    active_units,
    r_squared,
    recovery_scores,
)
from biasvae_jax.sweep import Models, Sweep, grid
from biasvae_jax.theory import (
    block_eigenvalue,
    cell_eigenvalues,
    collapse_threshold,
    expected_losses,
    linear_optimum,
    sigmoid_moments,
)
from biasvae_jax.training import (
    Recipe,
    StepNoise,
    TrainState,
    draw_chunk,
    draw_noise,
    init_state,
    noisy_step,
    train,
    train_chunk,
    train_step,
)
from biasvae_jax.worlds import Sample, Squares, SquaresNoise, World

__all__ = [
    "MLP",
    "PRESETS",
    "Config",
    "ConfigError",
    "Head",
    "LoadedRun",
    "Losses",
    "Models",
    "Network",
    "Plan",
    "PlanError",
    "Purpose",
    "Recipe",
    "RecoveryScores",
    "Sample",
    "ScoreKeys",
    "Squares",
    "SquaresNoise",
    "StepNoise",
    "Sweep",
    "TrainState",
    "World",
    "active_units",
    "analytic_kl",
    "beta_elbo",
    "block_eigenvalue",
    "cell_eigenvalues",
    "collapse_threshold",
    "draw_chunk",
    "draw_noise",
    "expected_losses",
    "fit_adam",
    "fit_adam_raw",
    "fit_least_squares",
    "gaussian_reconstruction",
    "grid",
    "init_state",
    "linear_optimum",
    "linear_warmup",
    "load_run",
    "make_plan",
    "mse",
    "noisy_step",
    "purpose_key",
    "r_squared",
    "recovery_scores",
    "reparameterise",
    "sample_kl",
    "sigmoid_moments",
    "train",
    "train_chunk",
    "train_step",
]
