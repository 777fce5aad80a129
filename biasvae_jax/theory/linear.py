"""The optimum of the linear β-VAE, along one direction and as the parameters of a network.

Lucas, Tucker, Grosse & Norouzi 2019 ("Don't Blame the ELBO!"): the linear VAE's optimum is
probabilistic PCA; dividing the loss by β makes β a factor on the noise, t = βσ².
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.networks import Params
from biasvae_jax.theory.base import Reduction, require


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


def collapse_threshold(eigenvalue: np.ndarray, variance: float) -> np.ndarray:
    """β* = λ/σ²: above it the optimal latent says nothing."""
    require(variance > 0, "variance", "> 0", variance)
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
        require(bool(np.all(np.asarray(value) > 0)), name, "> 0", value)
    ratio = np.minimum(1.0, np.asarray(beta) * variance / eigenvalue)
    return LinearOptimum(
        kl=-0.5 * np.log(ratio),
        distortion=ratio * eigenvalue,
        mean_variance=1 - ratio,
        posterior_variance=ratio,
    )


def linear_params(
    reduction: Reduction, beta: jax.Array | float, variance: jax.Array | float
) -> Params:
    """Return the optimum as parameters of `networks.linear_network`, a latent for each direction v.

    With r = min(1, t/λ): mean = √((1 − r)/λ)·v'(x − E x), logvar = ln r, and decoding adds
    √(λ(1 − r))·v·z_hat to E x. Traceable in all arguments, so nothing is checked; r stays above
    1e-12, so that β = 0 is the limit. `reduce_world` gives a direction for each latent.
    """
    mean, axes, eigenvalues = map(jnp.asarray, reduction[:3])
    ratio = jnp.clip(beta * variance / eigenvalues, 1e-12, 1.0)
    encode = jnp.sqrt((1 - ratio) / eigenvalues)[:, None] * axes
    decode = jnp.sqrt((1 - ratio) * eigenvalues)[:, None] * axes
    kernel = jnp.concatenate([encode, jnp.zeros_like(encode)]).T
    return {
        "encoder": {
            "Dense_0": {
                "kernel": kernel,
                "bias": jnp.concatenate([-encode @ mean, jnp.log(ratio)]),
            }
        },
        "decoder": {"Dense_0": {"kernel": decode, "bias": mean}},
    }
