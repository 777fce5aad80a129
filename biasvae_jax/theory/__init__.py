"""Closed forms: the linear β-VAE's optimum on a world, what it scores, and what no model beats.

Its limits: β* is the threshold of the linear optimum, and of the local stability of a nonlinear
model's collapsed solution. Data are not Gaussian (in the original study's world the intensities
have skewness −1.54 at μ = 2), so a nonlinear model can stay active beyond β*, and its loss can be
below the linear optimum's; only `loss_bound` holds for every model.
"""

from biasvae_jax.theory.base import Moments, Reduction
from biasvae_jax.theory.entropy import data_entropy, loss_bound
from biasvae_jax.theory.events import EventPrediction, predict_events
from biasvae_jax.theory.finite import FinitePrediction, finite_prediction, sample_reduction
from biasvae_jax.theory.linear import (
    LinearOptimum,
    collapse_threshold,
    linear_optimum,
    linear_params,
)
from biasvae_jax.theory.predictions import (
    ExpectedLosses,
    Prediction,
    collapse_boundary,
    expected_losses,
    optimum_losses,
    predict,
)
from biasvae_jax.theory.reduction import (
    reduce_world,
    sampled_moments,
    sampled_reduction,
    world_moments,
)
from biasvae_jax.theory.spiked import (
    SpikedCovariance,
    bulk_edge,
    noise_threshold,
    spiked_covariance,
    spiked_prediction,
)
from biasvae_jax.theory.squares import (
    block_eigenvalue,
    cell_eigenvalues,
    cell_moments,
    correlated_reduction,
    sigmoid_moments,
    squares_reduction,
)

__all__ = [
    "EventPrediction",
    "ExpectedLosses",
    "FinitePrediction",
    "LinearOptimum",
    "Moments",
    "Prediction",
    "Reduction",
    "SpikedCovariance",
    "block_eigenvalue",
    "bulk_edge",
    "cell_eigenvalues",
    "cell_moments",
    "collapse_boundary",
    "collapse_threshold",
    "correlated_reduction",
    "data_entropy",
    "expected_losses",
    "finite_prediction",
    "linear_optimum",
    "linear_params",
    "loss_bound",
    "noise_threshold",
    "optimum_losses",
    "predict",
    "predict_events",
    "reduce_world",
    "sample_reduction",
    "sampled_moments",
    "sampled_reduction",
    "sigmoid_moments",
    "spiked_covariance",
    "spiked_prediction",
    "squares_reduction",
    "world_moments",
]
