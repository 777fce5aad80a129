"""How the linear β-VAE's optimum treats a world's rare event: `scores.events`, predicted.

numpy, float64.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit, ndtr

from biasvae_jax.biases import Bias, LatentBias
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.theory.base import Reduction
from biasvae_jax.theory.linear import linear_optimum
from biasvae_jax.theory.squares import cell_eigenvalues, cell_moments
from biasvae_jax.worlds import Generated, Squares, rare_cases
from biasvae_jax.worlds.events import NEARNESS

ROUNDING = 1e-9
STEP = 1 / 64  # of the quadrature over a square's latent
DRAWS = 16_384  # images, where the latents are not independent normals


class EventPrediction(NamedTuple):
    """Scores of the linear optimum, named as in `results.nc`; NaN where none is known."""

    prior_mass: np.ndarray
    posterior_mass: np.ndarray
    reach: np.ndarray
    price: np.ndarray
    encoder_error: np.ndarray


def predict_events(
    world: Generated,
    bias: Bias,
    strengths: Sequence[float],
    beta: Sequence[float],
    variance: float,
    reductions: Sequence[Reduction],
) -> EventPrediction:
    """Predict how the linear optimum treats the rare event of a world, each `[strength, beta]`.

    With t = βσ², r = min(1, t/λ) and p = v'(G(u) − E x) along each direction v kept, means over the
    rare test images (`rare_cases`):

        reach         = (‖G(u) − E x‖² − Σ p² + Σ (p − g·z)²)/pixels
        price         = Σ z²
        encoder_error = Σ (z − √((1 − r)/λ)·p)²

    with g = √(λ(1 − r)) the decoder's gain and z = g·p/(g² + 1e-6·pixels) the nearest code, p/g but
    where g is next to nothing. The masses are known for `Squares` under a bias that knows its
    moments and are NaN otherwise. A square's intensity in a decoded sample is normal, given the
    image; it is below ½ with probability

        prior      Φ(−m(ū − ½)/√(λ − t)), a step if collapsed, ½ upon it
        posterior  E_u Φ(−m(ū + (1 − r)(a(u) − E a) − ½)/√((1 − r)²σ_noise² + t(1 − r)))

    with ū the mean intensity of noisy training images and a(u) that of a clean square. Where the
    latents are not independent normals, 1 − r is the matrix V(1 − r)V' over the squares, V the
    eigenvectors there, the variances are made alike, and E_u is the mean over 16,384 draws.
    """
    _, images = world.test_set()
    chosen = jax.jit(lambda x: rare_cases(world, x))(jnp.asarray(images))
    cases, weights = (np.asarray(a, float) for a in chosen)
    rows = [
        [
            (
                *_masses(world, bias, float(strength), reduction, b, variance),
                *_reach(reduction, cases, weights, b, variance),
            )
            for b in beta
        ]
        for strength, reduction in zip(strengths, reductions, strict=True)
    ]
    return EventPrediction(*np.moveaxis(np.array(rows, float), -1, 0))


def _reach(
    reduction: Reduction, cases: np.ndarray, weights: np.ndarray, beta: float, variance: float
) -> tuple[float, float, float]:
    optimum = linear_optimum(reduction.eigenvalues, beta, variance)
    centred = cases - reduction.mean
    p = centred @ reduction.axes.T
    gain = np.sqrt(reduction.eigenvalues * optimum.mean_variance)
    z = gain * p / (gain**2 + NEARNESS * cases.shape[1])
    mean = np.sqrt(optimum.mean_variance / reduction.eigenvalues) * p
    missed = np.square(centred).sum(1) - np.square(p).sum(1) + np.square(p - gain * z).sum(1)
    each = missed / cases.shape[1], np.square(z).sum(1), np.square(z - mean).sum(1)
    reach, price, error = (float(np.average(a, weights=weights)) for a in each)
    return reach, price, error


def _masses(
    world: Generated,
    bias: Bias,
    strength: float,
    reduction: Reduction,
    beta: float,
    variance: float,
) -> tuple[float, float]:
    training = world.event_probability(bias, strength)
    if type(world) is not Squares or not isinstance(bias, LatentBias) or not training:
        return np.nan, np.nan
    normal = bias.normal(strength)
    if normal is None:
        found = _correlated_masses(world, bias, strength, reduction, beta, variance)
        return found[0] / training, found[1] / training
    mean, deviation = normal
    nodes = np.arange(-9, 9, STEP)
    weights = np.exp(-0.5 * nodes**2)
    clean = 0.5 + world.contrasts[:, None] * (expit(mean + deviation * nodes) - 0.5)
    centred = clean - np.average(clean, axis=1, weights=weights)[:, None]
    eigenvalues = cell_eigenvalues(world, mean, deviation)
    kept = np.argsort(-eigenvalues, kind="stable")[: len(reduction.axes)]
    r = np.ones(world.latents)
    r[kept] = linear_optimum(eigenvalues[kept], beta, variance).posterior_variance
    left = 0.5 - world.noise_mean - (clean - centred)[:, 0]  # ½ − ū
    prior = _below(left, np.sqrt(eigenvalues * (1 - r)) / world.m)
    noise = (1 - r) ** 2 * world.noise_variance + eigenvalues * r * (1 - r)
    given = _below(left[:, None] - (1 - r)[:, None] * centred, np.sqrt(noise)[:, None] / world.m)
    posterior = np.average(given, axis=1, weights=weights)
    return float(prior.mean() / training), float(posterior.mean() / training)


def _correlated_masses(
    world: Squares,
    bias: LatentBias,
    strength: float,
    reduction: Reduction,
    beta: float,
    variance: float,
) -> tuple[float, float]:
    squares = _drawn_squares(world, bias, strength)
    if squares is None:
        return np.nan, np.nan
    mean, centred = squares
    r = linear_optimum(reduction.eigenvalues, beta, variance).posterior_variance
    # a direction's part in the mean intensity of each square, `[directions, n²]`
    parts = np.asarray(reduction.axes @ world.blocks.T, float) / world.m
    kept = (parts.T * (1 - r)) @ parts
    left = 0.5 - world.noise_mean - mean
    drawn = reduction.eigenvalues * (1 - r)
    prior = _below(left, np.sqrt(drawn @ parts**2) / world.m)
    noise = (1 - r) ** 2 * world.noise_variance + r * drawn
    given = _below(left - centred @ kept, np.sqrt(noise @ parts**2) / world.m)
    return float(prior.mean()), float(given.mean())


@functools.lru_cache(maxsize=1)  # the same for every β
def _drawn_squares(
    world: Squares, bias: LatentBias, strength: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the squares' mean intensity, `[n²]`, and draws about it, `[draws, n²]`."""
    cells = cell_moments(world, strength, bias)
    if cells is None:
        return None
    normals = jax.random.normal(purpose_key(0, Purpose.EVENT), (DRAWS, world.latents))
    z = np.asarray(bias.on(world.factors).latents(normals, strength), float)
    return cells.mean, 0.5 + world.contrasts * (expit(z) - 0.5) - cells.mean


def _below(left: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return P(N(0, deviation²) < left), a step where the deviation is 0."""
    step = np.where(np.abs(left) < ROUNDING, 0.5, left > 0)
    return np.where(deviation > 0, ndtr(left / np.where(deviation > 0, deviation, 1)), step)
