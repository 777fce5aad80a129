"""The squares world's mean and covariance under a bias, by quadrature. numpy, float64."""

import numpy as np
from scipy.special import expit

from biasvae_jax.biases import Bias, LatentBias, LinkedMoments, Shift
from biasvae_jax.theory.base import Reduction, leading, require
from biasvae_jax.worlds import Squares, World


def sigmoid_moments(
    mu: np.ndarray | float, deviation: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of sigmoid(N(μ, deviation²)), by the trapezoid rule (error < 1e-12).

    The rule's error falls exponentially with the step: sigmoid is smooth on the scale 1 and the
    normal density on that of its deviation. Raises ValueError unless μ and deviation ≥ 0 are
    finite.
    """
    require(bool(np.isfinite(mu).all()), "mu", "finite", mu)
    require(bool(np.isfinite(deviation)) and deviation >= 0, "deviation", "≥ 0", deviation)
    step = 1 / 8 / max(1.0, deviation)
    nodes = np.arange(-9, 9 + step, step)
    weights = np.exp(-0.5 * nodes**2)
    weights = weights / weights.sum()
    values = expit(np.asarray(mu, float)[..., None] + deviation * nodes)
    mean = values @ weights
    return mean, (values - mean[..., None]) ** 2 @ weights


def cell_eigenvalues(world: Squares, mu: np.ndarray | float, deviation: float = 1.0) -> np.ndarray:
    """Eigenvalue of each square i: λᵢ(μ) = contrastᵢ²·m²·Var[sigmoid(N(μ, s²))] + σ_noise².

    s is the latents' `deviation`, 1 unless a bias changes it.

    Shapes: `mu` `[...]` → `[..., n²]`. Where they are equal, any rotation of the latents is as
    good an optimum; where they are distinct, the axes of the squares are the only ones.
    """
    signal = world.m**2 * sigmoid_moments(mu, deviation)[1]
    return signal[..., None] * world.contrasts**2 + world.noise_variance


def block_eigenvalue(world: Squares, mu: np.ndarray | float) -> np.ndarray:
    """Largest eigenvalue λ(μ) of the squares, which all share when their contrasts are equal.

    At contrast 1, m²·Var[sigmoid(N(μ, 1))] + σ_noise². Shapes: `mu` `[...]` → `[...]`.
    """
    return cell_eigenvalues(world, mu).max(-1)


def squares_reduction(
    world: Squares, mu: float, directions: int, deviation: float = 1.0
) -> Reduction:
    """Reduce the squares world: its axes are the squares, each normalised, then noise alone.

    The signal along a square is λᵢ − σ_noise². Directions beyond n² have λ = σ_noise², and are
    any that complete the basis; beyond the pixels there are none (`sampled_reduction` alike), and
    λ = 1e-12. Raises ValueError unless directions ≥ 1 and μ is finite.
    """
    require(directions >= 1, "directions", "≥ 1", directions)
    require(np.ndim(mu) == 0, "mu", "one number", mu)
    cells = cell_eigenvalues(world, mu, deviation)
    order = np.argsort(-cells, kind="stable")
    intensity = 0.5 + world.contrasts * (sigmoid_moments(mu, deviation)[0] - 0.5)
    return _reduction(world, intensity, cells[order], np.eye(world.latents)[order], directions)


def correlated_reduction(world: Squares, cells: LinkedMoments, directions: int) -> Reduction:
    """Reduce the squares world of given moments of the intensities (`cell_moments`).

    Its axes are the eigenvectors of m²·covariance over the squares, whose eigenvalues are the
    signal along them, then noise alone as in `squares_reduction`. Raises ValueError unless
    directions ≥ 1.
    """
    require(directions >= 1, "directions", "≥ 1", directions)
    values, vectors = np.linalg.eigh(world.m**2 * cells.covariance)
    order = np.argsort(-values, kind="stable")
    eigenvalues = np.maximum(values[order], 0) + world.noise_variance
    return _reduction(world, cells.mean, eigenvalues, vectors.T[order], directions)


def _reduction(
    world: Squares, intensity: np.ndarray, cells: np.ndarray, mixing: np.ndarray, directions: int
) -> Reduction:
    """Reduce to directions that are made of squares, `mixing` `[n², n²]`, then noise."""
    grid = np.arange(world.pixels).reshape(world.n, world.m, world.n, world.m)
    pixels = grid.swapaxes(1, 2).reshape(world.latents, world.m**2)  # those of each square
    blocks = np.zeros((world.latents, world.pixels))
    np.put_along_axis(blocks, pixels, 1 / world.m, axis=1)
    # all pixels of a square but one, beside its block, span it
    others = np.delete(pixels, 0, axis=1).ravel()[: max(0, directions - world.latents)]
    spare = np.eye(world.pixels)[others] if len(others) else np.zeros((0, world.pixels))
    noise = np.linalg.qr(np.vstack([blocks, spare]).T)[0].T[world.latents :]
    mean = intensity @ blocks * world.m + world.noise_mean
    eigenvalues = np.concatenate([cells, np.full(len(noise), world.noise_variance)])
    signal = np.concatenate([cells - world.noise_variance, np.zeros(len(noise))])
    total = cells.sum() + (world.pixels - world.latents) * world.noise_variance
    return leading(
        mean, np.vstack([mixing @ blocks, noise]), eigenvalues, signal, total, directions
    )


def _latent_bias(world: World, bias: Bias | None) -> LatentBias | None:
    """Return the bias on the squares where closed forms hold: `Squares` itself, no subclass."""
    bias = Shift() if bias is None else bias
    if type(world) is not Squares or not isinstance(bias, LatentBias):
        return None
    return bias.on(world.factors)


def normal_latents(
    world: World, strength: float, bias: Bias | None = None
) -> tuple[float, float] | None:
    """Mean and deviation of the latents where closed forms hold: `Squares`, normal latents."""
    found = _latent_bias(world, bias)
    return None if found is None else found.normal(float(strength))


def cell_moments(world: World, strength: float, bias: Bias | None = None) -> LinkedMoments | None:
    """Mean `[n²]` and covariance `[n², n²]` of the squares' clean intensities under a bias.

    With those of the factors of `LatentBias.moments`, 0.5 + contrastᵢ·(mean − 0.5) and
    contrastᵢ·contrastⱼ·covariance. None for another world, or a bias that does not know its own.
    """
    latent = _latent_bias(world, bias)
    if latent is None:
        return None
    assert isinstance(world, Squares)
    found, contrasts = latent.moments(float(strength), world.latents, expit), world.contrasts
    if found is None:
        return None
    mean = 0.5 + contrasts * (found.mean - 0.5)
    return LinkedMoments(mean, np.outer(contrasts, contrasts) * found.covariance)


def known_reduction(
    world: World, strength: float, directions: int, bias: Bias | None = None
) -> Reduction | None:
    """Reduce the squares under a bias whose moments are known; None for another world or bias."""
    if normal := normal_latents(world, strength, bias):
        assert isinstance(world, Squares)
        return squares_reduction(world, normal[0], directions, normal[1])
    cells = cell_moments(world, strength, bias)
    if cells is None:
        return None
    assert isinstance(world, Squares)
    return correlated_reduction(world, cells, directions)
