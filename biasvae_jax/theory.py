"""The closed-form optimum of the linear β-VAE, and the collapse boundary it predicts.

Lucas, Tucker, Grosse & Norouzi 2019 ("Don't Blame the ELBO!"): the linear VAE's optimum is
probabilistic PCA; dividing the loss by β makes β a factor on the noise, t = βσ². numpy, float64.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from biasvae_jax.worlds import Squares


class LinearOptimum(NamedTuple):
    """What the optimal linear β-VAE does along one eigenvector of the data covariance."""

    kl: np.ndarray
    """½ ln(λ/t), nats; 0 where collapsed."""
    distortion: np.ndarray
    """Expected squared error left, min(λ, t)."""
    mean_variance: np.ndarray
    """Variance of the posterior mean, max(0, 1 − t/λ)."""
    posterior_variance: np.ndarray
    """min(1, t/λ)."""


def sigmoid_moments(mu: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of sigmoid(N(μ, 1)), by Gauss–Hermite quadrature (error < 1e-12)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    weights = weights / weights.sum()
    values = expit(np.asarray(mu, float)[..., None] + nodes)
    mean = values @ weights
    return mean, (values - mean[..., None]) ** 2 @ weights


def cell_eigenvalues(world: Squares, mu: np.ndarray | float) -> np.ndarray:
    """Eigenvalue of each square i: λᵢ(μ) = contrastᵢ²·m²·Var[sigmoid(N(μ, 1))] + σ_noise².

    Shapes: `mu` `[...]` → `[..., n²]`. Where they are equal, any rotation of the latents is as
    good an optimum; where they are distinct, the axes of the squares are the only ones.
    """
    signal = world.m**2 * sigmoid_moments(mu)[1]
    return signal[..., None] * world.contrasts**2 + world.noise_variance


def block_eigenvalue(world: Squares, mu: np.ndarray | float) -> np.ndarray:
    """Largest eigenvalue λ(μ) of the squares, which all share when their contrasts are equal.

    At contrast 1, m²·Var[sigmoid(N(μ, 1))] + σ_noise². Shapes: `mu` `[...]` → `[...]`.
    """
    return cell_eigenvalues(world, mu).max(-1)


def collapse_threshold(eigenvalue: np.ndarray, variance: float) -> np.ndarray:
    """β* = λ/σ²: above it the optimal latent says nothing."""
    return eigenvalue / variance


def linear_optimum(
    eigenvalue: np.ndarray | float, beta: np.ndarray | float, variance: float
) -> LinearOptimum:
    """Optimum of the linear β-VAE along an eigenvector, with t = β·variance; arrays broadcast.

    If λ > t the latent is active, otherwise collapsed. Raises ValueError outside λ > 0, β > 0,
    variance > 0.
    """
    arguments = {"eigenvalue": eigenvalue, "beta": beta, "variance": variance}
    for name, value in arguments.items():
        if not np.all(np.asarray(value) > 0):
            raise ValueError(f"{name} must be > 0; got {value}")
    ratio = np.minimum(1.0, np.asarray(beta) * variance / eigenvalue)
    return LinearOptimum(
        kl=-0.5 * np.log(ratio),
        distortion=ratio * eigenvalue,
        mean_variance=1 - ratio,
        posterior_variance=ratio,
    )


class ExpectedLosses(NamedTuple):
    """Losses of the linear optimum on the squares world, nats an image."""

    loss: np.ndarray
    reconstruction: np.ndarray
    kl: np.ndarray


def expected_losses(
    world: Squares, mu: np.ndarray | float, beta: np.ndarray | float, variance: float
) -> ExpectedLosses:
    """Expected losses of the linear optimum with n² latents, without the likelihood's constant.

    reconstruction = ½(pixels − n²)σ_noise²/σ² + Σ ½min(λᵢ, t)/σ², kl = Σ ½ ln(λᵢ/t), sums over
    the squares; `mu` and `beta` broadcast. Assumes β ≥ σ_noise²/σ² or no latent to spare for the
    noise.
    """
    weight = np.asarray(beta, float)[..., None]
    optimum = linear_optimum(cell_eigenvalues(world, mu), weight, variance)
    noise = 0.5 * (world.pixels - world.factors) * world.noise_variance / variance
    reconstruction = noise + 0.5 * optimum.distortion.sum(-1) / variance
    kl = optimum.kl.sum(-1)
    return ExpectedLosses(reconstruction + beta * kl, reconstruction, kl)
