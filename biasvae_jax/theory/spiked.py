"""Large training sets of large images: spiked covariance, and what the linear β-VAE makes of it.

Images and pixels both grow, at a ratio γ = D/N. Baik, Ben Arous & Péché 2005 ("Phase transition of
the largest eigenvalue for nonnull complex sample covariance matrices"); Paul 2007 ("Asymptotics of
sample eigenstructure for a large dimensional spiked covariance model"). numpy, float64.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from biasvae_jax.biases import Bias
from biasvae_jax.theory.base import TINY, require
from biasvae_jax.theory.finite import FinitePrediction, Fitted, fitted_losses, over_beta
from biasvae_jax.theory.linear import linear_optimum
from biasvae_jax.theory.squares import normal_latents, sigmoid_moments, squares_reduction
from biasvae_jax.worlds import Squares, World


class SpikedCovariance(NamedTuple):
    """The limit of one sample eigenvalue and of its eigenvector."""

    eigenvalue: np.ndarray
    """Of the sample, intensity²."""
    overlap: np.ndarray
    """cos² of the angle between the sample's eigenvector and the direction of the signal."""


def spiked_covariance(
    signal: np.ndarray | float,
    noise_variance: np.ndarray | float,
    images: np.ndarray | float,
    dimension: np.ndarray | float,
) -> SpikedCovariance:
    """Limit of the sample eigenvalue and overlap of a direction whose signal has a variance.

    With γ = dimension/images and ℓ = signal/σ_noise², so that the population's eigenvalue is
    σ_noise²(1 + ℓ):

        ℓ > √γ   eigenvalue = σ_noise²(1 + ℓ)(1 + γ/ℓ),  cos² = (1 − γ/ℓ²)/(1 + γ/ℓ)
        else     eigenvalue = σ_noise²(1 + √γ)²,         cos² = 0

    `dimension` is that of the images, which have `noise_variance` in every direction: all pixels,
    not those of a square. Spikes are independent of each other, equal ones too: their sample
    eigenvalues share this limit, and cos² is then of a sample eigenvector and the space that they
    span. Arguments broadcast. Raises ValueError outside signal ≥ 0, noise_variance > 0,
    images > 0 and dimension > 0. Sources: see the module.
    """
    signal, noise_variance, images, dimension = (
        np.asarray(a, float) for a in (signal, noise_variance, images, dimension)
    )
    require(bool(np.all(np.isfinite(signal) & (signal >= 0))), "signal", "≥ 0", signal)
    edge = bulk_edge(noise_variance, images, dimension)
    gamma, ell = dimension / images, signal / noise_variance
    above = ell > np.sqrt(gamma)
    safe = np.where(above, ell, 1.0)
    eigenvalue = noise_variance * (1 + safe) * (1 + gamma / safe)
    overlap = (1 - gamma / safe**2) / (1 + gamma / safe)
    return SpikedCovariance(np.where(above, eigenvalue, edge), np.where(above, overlap, 0.0))


def bulk_edge(
    noise_variance: np.ndarray | float,
    images: np.ndarray | float,
    dimension: np.ndarray | float,
) -> np.ndarray:
    """Largest sample eigenvalue of noise alone, σ_noise²(1 + √(dimension/images))²; broadcasts.

    Raises ValueError outside noise_variance > 0, images > 0 and dimension > 0. Source: Marchenko &
    Pastur 1967; Geman 1980 for the largest eigenvalue itself.
    """
    values = (noise_variance, images, dimension)
    for name, value in zip(("noise_variance", "images", "dimension"), values, strict=True):
        array = np.asarray(value, float)
        require(bool(np.all(np.isfinite(array) & (array > 0))), name, "> 0", value)
    ratio = np.asarray(dimension, float) / np.asarray(images, float)
    return np.asarray(noise_variance, float) * (1 + np.sqrt(ratio)) ** 2


def noise_threshold(
    noise_variance: np.ndarray | float,
    images: np.ndarray | float,
    dimension: np.ndarray | float,
    variance: np.ndarray | float,
) -> np.ndarray:
    """β below which noise is worth a latent, σ_noise²(1 + √(dimension/images))²/σ²; broadcasts.

    With endless images it is σ_noise²/σ². `variance` is the likelihood's σ². Raises ValueError as
    `bulk_edge` does and outside variance > 0.
    """
    require(bool(np.all(np.asarray(variance) > 0)), "variance", "> 0", variance)
    return bulk_edge(noise_variance, images, dimension) / np.asarray(variance, float)


def spiked_prediction(
    world: World,
    strength: float,
    beta: Sequence[float] | np.ndarray,
    variance: float,
    latent_dim: int,
    images: int,
    bias: Bias | None = None,
) -> FinitePrediction:
    """Predict what `finite_prediction` would of so many images, from the limit alone: no sample.

    For squares with normal latents. Square i is a spike of signal s, and the k largest keep a
    latent, with λ and cos² of `spiked_covariance` (D = pixels) and a = 1 − r = 1 − min(1, t/λ);
    other latents have λ at the bulk's edge and cos² = 0. With S = (contrast·m)²V the test set's
    variance along a square, d its mean minus the training mean there, and sums over squares:

        pmi                  = mean over latents of r
        recovery_r2          = mean over squares of q/(q + r),  q = a·cos²·S/λ
        generation_shrinkage = (1 − g)²·ΣS/pixels,  g = Σ a·cos²·S/ΣS
        generation_head      = (Σ a²·cos²·S − g²·ΣS)/pixels
        generation_offset    = [Σ (1 − (1 − r²)cos²)d² + tr Σ_x/N
                                − Σ_latents (1 − r²)(σ_noise² + cos²·s)/N]/pixels

    Fresh images vary by σ_noise² + cos²·s along a sample eigenvector, which gives the test loss.
    Left out is what vanishes as N and D grow: the spread of the sample's eigenvalues about their
    limits (equal spikes repel each other, the bulk's edge is rounded), and any dependence between
    sample mean and eigenvectors, which data that are not Gaussian have. Raises ValueError for
    another world or bias, outside latent_dim ≤ pixels and latent_dim < images, and as
    `finite_prediction` does.
    """
    require(variance > 0, "variance", "> 0", variance)
    require(latent_dim >= 1, "latent_dim", "≥ 1", latent_dim)
    require(latent_dim <= world.pixels, "latent_dim", f"≤ {world.pixels} pixels", latent_dim)
    require(images > latent_dim, "images", f"> {latent_dim}, the latents", images)
    normal = normal_latents(world, strength, bias)
    require(normal is not None, "world", "squares with normal latents", world.kind)
    assert isinstance(world, Squares) and normal is not None
    population = squares_reduction(world, normal[0], latent_dim, normal[1])
    signal, kept = population.signal, population.eigenvalues
    total = kept.sum() + float(population.rest)
    limit = spiked_covariance(signal, world.noise_variance, images, world.pixels)
    spread = world.noise_variance + limit.overlap * signal
    seen = spread * (1 + 1 / images)  # the training mean is off by 1/N of the variance
    fitted = Fitted(
        eigenvalues=limit.eigenvalue,
        rest=max(0.0, total * (1 - 1 / images) - limit.eigenvalue.sum()),
        spread=spread,
        seen=seen,
        away=total * (1 + 1 / images) - seen.sum(),
        signal=limit.overlap * signal,
    )
    test = _TestSquares.of(world, normal)

    def at(weights: np.ndarray) -> FinitePrediction:
        r = linear_optimum(limit.eigenvalue, weights[:, None], variance).posterior_variance
        chance = (total - ((1 - r**2) * spread).sum(-1)) / images
        return FinitePrediction(
            **fitted_losses(fitted, kept, population.rest, weights, variance),
            **_test_scores(test, limit, r, chance, world.pixels),
        )

    return over_beta(beta, at)


class _TestSquares(NamedTuple):
    """The test set along each square, by falling contrast, `[squares]`."""

    spread: np.ndarray
    """S, variance."""
    moved: np.ndarray
    """d, mean minus the training mean."""

    @classmethod
    def of(cls, world: Squares, normal: tuple[float, float]) -> "_TestSquares":
        contrast = -np.sort(-world.contrasts)
        moved = contrast * (np.mean(world.bins) - sigmoid_moments(*normal)[0]) - world.noise_mean
        return cls((contrast * world.m) ** 2 * np.var(world.bins), world.m * moved)


def _test_scores(
    test: _TestSquares, limit: SpikedCovariance, r: np.ndarray, chance: np.ndarray, pixels: int
) -> dict[str, np.ndarray]:
    """Scores on the test set, by name, `[beta]` each; r is `[beta, latents]`."""
    squares, total = len(test.spread), test.spread.sum()
    pmi = r.mean(-1)
    r = r[:, :squares]  # latents to spare see nothing of the test set
    held = r.shape[1]
    cos2, spread = limit.overlap[:held], test.spread[:held]
    drawn = (1 - r) * cos2 * spread
    code = drawn / limit.eigenvalue[:held]
    slope = drawn.sum(-1) / max(total, TINY)
    returned = ((1 - r**2) * cos2 * test.moved[:held] ** 2).sum(-1)
    offset = ((test.moved**2).sum() - returned + chance) / pixels
    shrinkage = (1 - slope) ** 2 * total / pixels
    head = np.maximum(0, ((1 - r) * drawn).sum(-1) - slope**2 * total) / pixels
    recovered = (code / (code + r)).sum(-1) / squares
    return {
        "pmi": pmi,
        "recovery_r2": recovered if total > TINY else np.full(len(r), np.nan),
        "generation_mse": offset + shrinkage + head,
        "generation_offset": offset,
        "generation_shrinkage": shrinkage,
        "generation_head": head,
    }
