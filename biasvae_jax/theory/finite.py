"""The linear β-VAE that is optimal on a training set: what it costs and scores beyond it.

Probabilistic PCA of the sample (Tipping & Bishop 1999; Lucas et al. 2019): nothing is fitted by
gradient, nothing is sampled but the training set. numpy, float64.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from biasvae_jax.biases import Bias
from biasvae_jax.statistics.regimes import ACTIVE_THRESHOLD
from biasvae_jax.theory.base import Moments, Reduction, leading, require
from biasvae_jax.theory.linear import linear_optimum
from biasvae_jax.theory.predictions import optimum_losses, predict
from biasvae_jax.theory.reduction import sampled_reduction, world_moments
from biasvae_jax.worlds import World


class FinitePrediction(NamedTuple):
    """What the linear optimum of a training set costs and scores, named as in `results.nc`.

    Each `[beta]`, NaN at β = 0. Losses are nats an image, without the likelihood's constant.
    """

    train_loss: np.ndarray
    """Expected loss on the training images."""
    test_loss: np.ndarray
    """Expected loss on fresh images under the same bias."""
    generalisation_gap: np.ndarray
    """test_loss − train_loss."""
    gap: np.ndarray
    """test_loss minus the loss of the optimum for endless data."""
    reconstruction: np.ndarray
    """On the training images."""
    kl: np.ndarray
    """On the training images."""
    test_reconstruction: np.ndarray
    test_kl: np.ndarray
    pmi: np.ndarray
    recovery_r2: np.ndarray
    generation_mse: np.ndarray
    generation_offset: np.ndarray
    generation_shrinkage: np.ndarray
    generation_head: np.ndarray
    signal_share: np.ndarray
    active_units: np.ndarray


TEST_SCORES = (
    "pmi",
    "recovery_r2",
    "generation_mse",
    "generation_offset",
    "generation_shrinkage",
    "generation_head",
)
"""Those that depend on the test set."""


def sample_reduction(x: np.ndarray, directions: int, population: Moments) -> Reduction:
    """Reduce training images `[N, pixels]` to the leading directions of their own covariance.

    The covariance is the sample's about its own mean, Σ(x − x̄)(x − x̄)'/N; of fewer than
    `directions` + 1 images the rest of the directions are empty (λ = 1e-12). `signal` along each is
    the population's. Raises ValueError unless directions ≥ 1 and x is finite, with a row and the
    population's pixels.
    """
    x, pixels = np.asarray(x, float), len(population.mean)
    require(directions >= 1, "directions", "≥ 1", directions)
    require(x.ndim == 2 and x.shape[1] == pixels, "x", f"images [N, {pixels}]", list(x.shape))
    require(len(x) >= 1, "x", "at least one image", len(x))
    require(bool(np.isfinite(x).all()), "x", "finite", "NaN or infinity")
    mean = x.mean(0)
    centred = x - mean
    if len(x) > pixels:
        covariance = centred.T @ centred / len(x)
        return sampled_reduction(Moments(mean, covariance, population.signal), directions)
    rank = len(x) - 1  # one is spent on the mean
    _, scale, axes = np.linalg.svd(centred, full_matrices=False)
    axes, eigenvalues = axes[:rank], scale[:rank] ** 2 / len(x)
    signal = along(axes, population.signal)
    return leading(mean, axes, eigenvalues, signal, eigenvalues.sum(), directions)


def finite_prediction(
    x: np.ndarray,
    world: World,
    strength: float,
    beta: Sequence[float] | np.ndarray,
    variance: float,
    latent_dim: int,
    key: jax.Array | None = None,
    bias: Bias | None = None,
    data: Any = (),
    population: Moments | None = None,
) -> FinitePrediction:
    """Predict what the linear optimum of the training images x `[N, pixels]` costs and scores.

    The optimum is that of `linear_optimum` along the sample's own eigenvectors v, with its own
    eigenvalues λ and mean x̄. Fresh images, of mean E x and covariance Σ, have the second moment
    a = v'Σv + (v'(E x − x̄))² along v, which gives their losses (`optimum_losses`). The scores on
    the test set are those of `predict`, exactly; on fresh images

        signal_share = Σ w·v'(Σ − σ_noise² I)v / Σ w·v'Σv,  w = (1 − r)/λ
        active_units = how many w·v'Σv exceed 0.01

    With N ≤ pixels the encoder's weights outside the images' span change no training loss; here
    they are 0, and a network keeps there what it began with. `population` is what
    `world_moments` returned of world, strength, key, bias and data, if at hand; exact for squares
    with normal latents, else sampled. Raises ValueError outside β ≥ 0, variance > 0, latent_dim ≥ 1
    and finite strength, and as `sample_reduction` does.
    """
    require(variance > 0, "variance", "> 0", variance)
    require(latent_dim >= 1, "latent_dim", "≥ 1", latent_dim)
    if population is None:
        population = world_moments(world, strength, key, bias, data)
    reduction = sample_reduction(x, latent_dim, population)
    best = sampled_reduction(population, latent_dim)
    moved = population.mean - reduction.mean
    spread = along(reduction.axes, population.covariance)
    seen = spread + (reduction.axes @ moved) ** 2
    away = np.trace(population.covariance) + moved @ moved - seen.sum()
    fitted = Fitted(reduction.eigenvalues, reduction.rest, spread, seen, away, reduction.signal)

    def at(weights: np.ndarray) -> FinitePrediction:
        scores = predict(
            world, [strength], weights.tolist(), variance, latent_dim, data=data,
            reductions=[reduction],
        )  # fmt: skip
        return FinitePrediction(
            **fitted_losses(fitted, best.eigenvalues, best.rest, weights, variance),
            **{name: getattr(scores, name)[0] for name in TEST_SCORES},
        )

    return over_beta(beta, at)


class Fitted(NamedTuple):
    """What an optimum meets along its directions, on the images it was fitted to and on fresh ones.

    Each `[directions]`, the rests scalars.
    """

    eigenvalues: np.ndarray
    """λ, the training images' variance."""
    rest: Any
    """Their variance along all other directions."""
    spread: np.ndarray
    """Fresh images' variance."""
    seen: np.ndarray
    """Fresh images' second moment about the training mean."""
    away: Any
    """The same along all other directions."""
    signal: np.ndarray
    """Fresh images' variance without noise."""


def fitted_losses(
    fitted: Fitted, endless: np.ndarray, rest: Any, beta: np.ndarray, variance: float
) -> dict[str, np.ndarray]:
    """Losses, signal share and active units at β > 0, by field of `FinitePrediction`, `[beta]`.

    `endless` are the eigenvalues of the optimum for endless data, `rest` the sum of the others.
    """
    eigenvalues, spread = fitted.eigenvalues, fitted.spread
    train = optimum_losses(eigenvalues, fitted.rest, beta, variance)
    test = optimum_losses(eigenvalues, fitted.away, beta, variance, fitted.seen)
    optimum = linear_optimum(eigenvalues, beta[:, None], variance)
    weight = optimum.mean_variance / eigenvalues
    units = (weight * spread > ACTIVE_THRESHOLD).sum(-1)
    total = np.where(units > 0, (weight * spread).sum(-1), 1)
    return {
        "train_loss": train.loss,
        "test_loss": test.loss,
        "generalisation_gap": test.loss - train.loss,
        "gap": test.loss - optimum_losses(endless, rest, beta, variance).loss,
        "reconstruction": train.reconstruction,
        "kl": train.kl,
        "test_reconstruction": test.reconstruction,
        "test_kl": test.kl,
        "signal_share": np.where(units > 0, (weight * fitted.signal).sum(-1) / total, np.nan),
        "active_units": units,
    }


def over_beta(
    beta: Sequence[float] | np.ndarray, at: Callable[[np.ndarray], FinitePrediction]
) -> FinitePrediction:
    """Predict at each β, NaN where it is 0. Raises ValueError unless β is finite and ≥ 0."""
    weights = np.atleast_1d(np.asarray(beta, float))
    require(bool(np.all(np.isfinite(weights) & (weights >= 0))), "beta", "≥ 0", beta)
    found = np.full((len(FinitePrediction._fields), len(weights)), np.nan)
    if (weights > 0).any():
        found[:, weights > 0] = at(weights[weights > 0])
    return FinitePrediction(*found)


def along(axes: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Variance along each row of `axes` `[directions, pixels]`."""
    return ((axes @ covariance) * axes).sum(-1)
