"""β-VAEs on biased data: a whole grid trained at once, and what each model recovered.

Every function is for one model; only `Sweep` stacks them. The names here are the public API.

"The original study" is a student project's blog post, *Recovering Latent Variables with VAEs
despite Training Bias*, whose protocol is the preset `blog`.
"""

from biasvae_jax import drawing as drawing  # first: it sees to it that matplotlib can be imported
from biasvae_jax.axes import Axis, Grid, Models
from biasvae_jax.biases import Bias, LatentBias, Resample, RowBias, Scale, Shift
from biasvae_jax.components import Component, ConfigError, register
from biasvae_jax.config import PRESETS, Config
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import MLP, Architecture, Convolutional, Dense, Network, linear_network
from biasvae_jax.objectives import (
    BetaElbo,
    FactorVae,
    Losses,
    Objective,
    analytic_beta_elbo,
    analytic_kl,
    beta_elbo,
    gaussian_reconstruction,
    linear_warmup,
    reparameterise,
    sample_kl,
)
from biasvae_jax.projection import Head, fit_adam, fit_adam_raw, fit_least_squares, mse
from biasvae_jax.runs.loading import LoadedRun, load_run
from biasvae_jax.scores.diagnosis import (
    Diagnosis,
    code_variance,
    encoder_threshold,
    gap,
    signal_share,
)
from biasvae_jax.scores.recovery import (
    GenerationTerms,
    RecoveryScores,
    ScoreKeys,
    active_units,
    generation_terms,
    r_squared,
    recovery_scores,
)
from biasvae_jax.statistics.regimes import Regime, regime
from biasvae_jax.study import Study, Training
from biasvae_jax.sweep import Sweep, grid
from biasvae_jax.sweep.plan import Plan, PlanError, make_plan
from biasvae_jax.theory import (
    Prediction,
    block_eigenvalue,
    cell_eigenvalues,
    collapse_boundary,
    collapse_threshold,
    data_entropy,
    expected_losses,
    linear_optimum,
    linear_params,
    loss_bound,
    predict,
    reduce_world,
    sampled_moments,
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
from biasvae_jax.worlds import Factor, Generated, Sample, Squares, SquaresNoise, Table, World

__all__ = [
    "MLP",
    "PRESETS",
    "Architecture",
    "Axis",
    "BetaElbo",
    "Bias",
    "Component",
    "Config",
    "ConfigError",
    "Convolutional",
    "Dense",
    "Diagnosis",
    "Factor",
    "FactorVae",
    "Generated",
    "GenerationTerms",
    "Grid",
    "Head",
    "LatentBias",
    "LoadedRun",
    "Losses",
    "Models",
    "Network",
    "Objective",
    "Plan",
    "PlanError",
    "Prediction",
    "Purpose",
    "Recipe",
    "RecoveryScores",
    "Regime",
    "Resample",
    "RowBias",
    "Sample",
    "Scale",
    "ScoreKeys",
    "Shift",
    "Squares",
    "SquaresNoise",
    "StepNoise",
    "Study",
    "Sweep",
    "Table",
    "TrainState",
    "Training",
    "World",
    "active_units",
    "analytic_beta_elbo",
    "analytic_kl",
    "beta_elbo",
    "block_eigenvalue",
    "cell_eigenvalues",
    "code_variance",
    "collapse_boundary",
    "collapse_threshold",
    "data_entropy",
    "draw_chunk",
    "draw_noise",
    "encoder_threshold",
    "expected_losses",
    "fit_adam",
    "fit_adam_raw",
    "fit_least_squares",
    "gap",
    "gaussian_reconstruction",
    "generation_terms",
    "grid",
    "init_state",
    "linear_network",
    "linear_optimum",
    "linear_params",
    "linear_warmup",
    "load_run",
    "loss_bound",
    "make_plan",
    "mse",
    "noisy_step",
    "predict",
    "purpose_key",
    "r_squared",
    "recovery_scores",
    "reduce_world",
    "regime",
    "register",
    "reparameterise",
    "sample_kl",
    "sampled_moments",
    "sigmoid_moments",
    "signal_share",
    "train",
    "train_chunk",
    "train_step",
]
