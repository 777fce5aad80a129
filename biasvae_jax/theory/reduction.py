"""A world as a linear-Gaussian model sees it: the mean and the covariance of its images.

By quadrature for `Squares` with normal latents, by sampling for any other. numpy, float64.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse.linalg import eigsh
from scipy.special import expit

from biasvae_jax.biases import Bias, LatentBias, Shift
from biasvae_jax.worlds import Squares, World

TINY = 1e-12  # variance of a direction in which nothing varies
BATCH = 4_096
DENSE_PIXELS = 1_024  # above, few eigenvectors are much cheaper than all


def require(ok: bool, name: str, bound: str, value: object) -> None:
    """Raise a ValueError that names an argument and its bound, unless it is `ok`."""
    if not ok:
        raise ValueError(f"{name} must be {bound}; got {value}")


class Moments(NamedTuple):
    """First and second moments of a world's training images under one bias."""

    mean: np.ndarray
    """`[pixels]`"""
    covariance: np.ndarray
    """Of the images with observation noise, `[pixels, pixels]`."""
    signal: np.ndarray
    """Of the images without, `[pixels, pixels]`."""


class Reduction(NamedTuple):
    """The leading principal directions of the training images under one bias."""

    mean: Any
    """`[pixels]`"""
    axes: Any
    """Orthonormal rows, by falling eigenvalue, `[directions, pixels]`."""
    eigenvalues: Any
    """Variance λ of the noisy images along each, `[directions]`, intensity²."""
    signal: Any
    """Variance of the images without noise along each, `[directions]`."""
    rest: Any
    """Sum of the other eigenvalues, scalar."""


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
    grid = np.arange(world.pixels).reshape(world.n, world.m, world.n, world.m)
    pixels = grid.swapaxes(1, 2).reshape(world.latents, world.m**2)  # those of each square
    blocks = np.zeros((world.latents, world.pixels))
    np.put_along_axis(blocks, pixels, 1 / world.m, axis=1)
    # all pixels of a square but one, beside its block, span it
    others = np.delete(pixels, 0, axis=1).ravel()[: max(0, directions - world.latents)]
    spare = np.eye(world.pixels)[others] if len(others) else np.zeros((0, world.pixels))
    noise = np.linalg.qr(np.vstack([blocks, spare]).T)[0].T[world.latents :]
    intensity = 0.5 + world.contrasts * (sigmoid_moments(mu, deviation)[0] - 0.5)
    mean = intensity @ blocks * world.m + world.noise_mean
    eigenvalues = np.concatenate([cells[order], np.full(len(noise), world.noise_variance)])
    signal = np.concatenate([cells[order] - world.noise_variance, np.zeros(len(noise))])
    total = cells.sum() + (world.pixels - world.latents) * world.noise_variance
    return leading(mean, np.vstack([blocks[order], noise]), eigenvalues, signal, total, directions)


def sampled_moments(
    key: jax.Array,
    world: World,
    strength: float,
    images: int = 65_536,
    bias: Bias | None = None,
    data: Any = (),
) -> Moments:
    """Estimate the moments of any world's images from a sample, in batches of 4,096.

    The covariance with noise is that without plus σ_noise²·I. `bias` is the shift of the latents
    where it is not given. Raises ValueError unless images ≥ 2; the number is rounded up to whole
    batches.
    """
    require(images >= 2, "images", "≥ 2", images)
    batch = min(images, BATCH)
    keys = jax.random.split(key, -(-images // batch))
    bias = Shift() if bias is None else bias
    sums = [
        jax.tree.map(np.float64, _sums(world, bias, batch, each, strength, data)) for each in keys
    ]
    first, second = (np.mean(each, axis=0) / batch for each in zip(*sums, strict=True))
    signal = second - np.outer(first, first)
    noise = world.noise_variance * np.eye(len(first))
    return Moments(mean=first + world.noise_mean, covariance=signal + noise, signal=signal)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _sums(
    world: World, bias: Bias, images: int, key: jax.Array, strength: float, data: Any
) -> tuple[jax.Array, jax.Array]:
    """Σx and Σxx' of the images without noise."""
    clean = world.sample(world.draw(key, (images,)), bias, strength, data).x_clean
    with jax.default_matmul_precision("highest"):
        return clean.sum(0), jnp.matmul(clean.T, clean)


def sampled_reduction(moments: Moments, directions: int) -> Reduction:
    """Reduce a world to the leading eigenvectors of its covariance, by Lanczos where it is large.

    Raises ValueError unless directions ≥ 1.
    """
    require(directions >= 1, "directions", "≥ 1", directions)
    covariance = moments.covariance
    if 2 * directions < len(covariance) > DENSE_PIXELS:
        start = np.ones(len(covariance))  # else ARPACK draws one of its own
        values, vectors = eigsh(covariance, directions, which="LA", v0=start)
        order = np.argsort(-values)
        values, vectors = values[order], vectors[:, order]
    else:
        values, vectors = (a[..., ::-1] for a in np.linalg.eigh(covariance))
    axes = vectors.T
    signal = np.einsum("kp,pq,kq->k", axes, moments.signal, axes, optimize=True)
    return leading(moments.mean, axes, values, signal, np.trace(covariance), directions)


def leading(mean, axes, eigenvalues, signal, total, directions: int) -> Reduction:
    """Keep the leading directions, and fill up with empty ones."""
    missing = max(0, directions - len(axes))
    axes = np.pad(axes[:directions], ((0, missing), (0, 0)))
    kept = np.maximum(eigenvalues[:directions], 0)
    rest = max(0.0, float(total - kept.sum()))
    filled = np.maximum(np.pad(kept, (0, missing)), TINY)
    signal = np.pad(np.maximum(signal[:directions], 0), (0, missing))
    return Reduction(mean, axes, filled, signal, np.asarray(rest))


def reduce_world(
    world: World,
    strength: float,
    directions: int,
    key: jax.Array | None = None,
    bias: Bias | None = None,
    data: Any = (),
) -> Reduction:
    """Reduce a world under a bias of a strength to its leading directions.

    Exactly for `Squares` whose latents are normal (`LatentBias.normal`), any other from images of
    `key`: 65,536, or 16,384 above 1,024 pixels. `bias` is the shift of the latents where it is not
    given. A subclass of `Squares` may have changed its images, so it counts as any other.
    """
    normal = normal_latents(world, strength, bias)
    if normal is not None:
        mean, deviation = normal
        assert isinstance(world, Squares)
        return squares_reduction(world, mean, directions, deviation)
    return sampled_reduction(world_moments(world, strength, key, bias, data), directions)


def normal_latents(
    world: World, strength: float, bias: Bias | None = None
) -> tuple[float, float] | None:
    """Mean and deviation of the latents where closed forms hold: `Squares`, normal latents."""
    bias = Shift() if bias is None else bias
    if type(world) is not Squares or not isinstance(bias, LatentBias):
        return None
    return bias.normal(float(strength))


def world_moments(
    world: World,
    strength: float,
    key: jax.Array | None = None,
    bias: Bias | None = None,
    data: Any = (),
) -> Moments:
    """Return the moments of a world under a bias, as exactly and from what `reduce_world` does."""
    normal = normal_latents(world, strength, bias)
    if normal is not None:
        assert isinstance(world, Squares)
        mean, axes, _, along, _ = squares_reduction(world, normal[0], world.latents, normal[1])
        signal = (axes.T * along) @ axes
        return Moments(mean, signal + world.noise_variance * np.eye(world.pixels), signal)
    key = jax.random.key(0) if key is None else key
    images = 65_536 if world.pixels <= DENSE_PIXELS else 16_384
    return sampled_moments(key, world, strength, images, bias, data)
