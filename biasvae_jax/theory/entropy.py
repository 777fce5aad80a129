"""The entropy of the squares world's images, below which no model's loss can fall."""

import numpy as np
from scipy.special import expit

from biasvae_jax.theory.base import require
from biasvae_jax.worlds import Squares

REACH = 9.0  # standard deviations
FINEST = 1e-3  # noise, as a share of a square's range


def data_entropy(world: Squares, mu: float) -> float:
    """Differential entropy H(X) of the training images, nats, by quadrature (error < 1e-6).

    An image is n² independent squares, and along all directions of a square but its mean there is
    noise alone, so H(X) = Σᵢ h(pᵢ) + n²(m² − 1)·½ ln(2πe σ_noise²), with
    pᵢ = m·contrastᵢ·sigmoid(N(μ, 1)) + N(0, σ_noise²). Raises ValueError unless μ is finite and
    σ_noise ≥ m·contrast/1000, for any contrast.
    """
    require(bool(np.isfinite(mu)), "mu", "finite", mu)
    scale = float(np.sqrt(world.noise_variance))
    widest = world.m * float(world.contrasts.max())
    bound = f"≥ {(FINEST * widest) ** 2:.3g}, (m·contrast/1000)²"
    require(scale > 0 and scale >= FINEST * widest, "noise_variance", bound, world.noise_variance)
    contrasts, counts = np.unique(world.contrasts, return_counts=True)
    squares = sum(
        count * _square_entropy(mu, world.m * contrast, scale)
        for contrast, count in zip(contrasts, counts, strict=True)
    )
    noise = world.latents * (world.m**2 - 1) * 0.5 * np.log(2 * np.pi * np.e * scale**2)
    return float(squares + noise)


def _square_entropy(mu: float, width: float, scale: float) -> float:
    """Entropy of width·sigmoid(N(μ, 1)) + N(0, scale²), by the trapezoid rule.

    Its error falls exponentially once both steps resolve the noise: width·du/dz ≤ width/4.
    """
    z_step = min(0.1, scale / width)
    z = mu + np.arange(-REACH, REACH, z_step)
    weight = np.exp(-0.5 * (z - mu) ** 2) * z_step / (2 * np.pi * scale)
    centre = width * expit(z)
    step = scale / 6
    y = np.arange(centre[0] - REACH * scale, centre[-1] + REACH * scale, step)
    density = np.concatenate(
        [
            np.exp(-0.5 * ((part[:, None] - centre) / scale) ** 2) @ weight
            for part in np.array_split(y, len(y) // 500 + 1)  # to bound the memory
        ]
    )
    surprise = np.log(np.maximum(density, np.finfo(float).tiny))
    return float(-(density * surprise).sum() * step)


def loss_bound(world: Squares, mu: float, beta: float, variance: float) -> float:
    """Lower bound, nats an image, on any model's expected β-ELBO loss without its constant.

    β·[H(X) − (pixels/2) ln(2πβσ²)]; at β = 1, H(X) − (pixels/2) ln(2πσ²). loss/β, with the
    constant of a likelihood of variance βσ², is a negative ELBO, so at least that model's
    cross-entropy with the data, so at least H(X). Raises ValueError as `data_entropy` does, and
    outside β > 0, variance > 0.
    """
    require(beta > 0, "beta", "> 0", beta)
    require(variance > 0, "variance", "> 0", variance)
    constant = 0.5 * world.pixels * np.log(2 * np.pi * beta * variance)
    return beta * (data_entropy(world, mu) - constant)
