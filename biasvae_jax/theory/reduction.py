"""A world as a linear-Gaussian model sees it: the mean and the covariance of its images.

By quadrature for `Squares`, by sampling for any other world. numpy, float64.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit

from biasvae_jax.worlds import Squares, World

TINY = 1e-12  # variance of a direction in which nothing varies
BATCH = 4_096


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


def sigmoid_moments(mu: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of sigmoid(N(μ, 1)), by Gauss–Hermite quadrature (error < 1e-12).

    Raises ValueError unless μ is finite.
    """
    require(bool(np.isfinite(mu).all()), "mu", "finite", mu)
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


def squares_reduction(world: Squares, mu: float, directions: int) -> Reduction:
    """Reduce the squares world: its axes are the squares, each normalised, then noise alone.

    The signal along a square is λᵢ − σ_noise². Directions beyond n² have λ = σ_noise², and are
    any that complete the basis; beyond the pixels there are none (`sampled_reduction` alike), and
    λ = 1e-12. Raises ValueError unless directions ≥ 1 and μ is finite.
    """
    require(directions >= 1, "directions", "≥ 1", directions)
    require(np.ndim(mu) == 0, "mu", "one number", mu)
    cells = cell_eigenvalues(world, mu)
    order = np.argsort(-cells, kind="stable")
    grid = np.arange(world.pixels).reshape(world.n, world.m, world.n, world.m)
    pixels = grid.swapaxes(1, 2).reshape(world.factors, world.m**2)  # those of each square
    blocks = np.zeros((world.factors, world.pixels))
    np.put_along_axis(blocks, pixels, 1 / world.m, axis=1)
    # all pixels of a square but one, beside its block, span it
    others = np.delete(pixels, 0, axis=1).ravel()[: max(0, directions - world.factors)]
    spare = np.eye(world.pixels)[others] if len(others) else np.zeros((0, world.pixels))
    noise = np.linalg.qr(np.vstack([blocks, spare]).T)[0].T[world.factors :]
    intensity = 0.5 + world.contrasts * (sigmoid_moments(mu)[0] - 0.5)
    mean = intensity @ blocks * world.m + world.noise_mean
    eigenvalues = np.concatenate([cells[order], np.full(len(noise), world.noise_variance)])
    signal = np.concatenate([cells[order] - world.noise_variance, np.zeros(len(noise))])
    total = cells.sum() + (world.pixels - world.factors) * world.noise_variance
    return _leading(mean, np.vstack([blocks[order], noise]), eigenvalues, signal, total, directions)


def sampled_moments(key: jax.Array, world: World, bias: float, images: int = 65_536) -> Moments:
    """Estimate the moments of any world's images from a sample, in batches of 4,096.

    Raises ValueError unless images ≥ 2; the number is rounded up to whole batches.
    """
    require(images >= 2, "images", "≥ 2", images)
    batch = min(images, BATCH)
    keys = jax.random.split(key, -(-images // batch))
    sums = [jax.tree.map(np.float64, _sums(world, batch, each, bias)) for each in keys]
    first, second, clean_first, clean_second = (
        np.mean(each, axis=0) / batch for each in zip(*sums, strict=True)
    )
    return Moments(
        mean=first,
        covariance=second - np.outer(first, first),
        signal=clean_second - np.outer(clean_first, clean_first),
    )


@functools.partial(jax.jit, static_argnums=(0, 1))
def _sums(world: World, images: int, key: jax.Array, bias: float) -> list[jax.Array]:
    """Σx and Σxx', with noise and without."""
    sample = world.sample(world.draw(key, (images,)), bias)
    with jax.default_matmul_precision("highest"):
        return [f(x) for x in (sample.x, sample.x_clean) for f in (lambda x: x.sum(0), _gram)]


def _gram(x: jax.Array) -> jax.Array:
    return jnp.matmul(x.T, x)


def sampled_reduction(moments: Moments, directions: int) -> Reduction:
    """Reduce a world to the leading eigenvectors of its covariance, of pixels³ cost.

    Raises ValueError unless directions ≥ 1.
    """
    require(directions >= 1, "directions", "≥ 1", directions)
    values, vectors = np.linalg.eigh(moments.covariance)
    axes, values = vectors.T[::-1], values[::-1]
    signal = np.einsum("kp,pq,kq->k", axes, moments.signal, axes, optimize=True)
    return _leading(moments.mean, axes, values, signal, values.sum(), directions)


def _leading(mean, axes, eigenvalues, signal, total, directions: int) -> Reduction:
    """Keep the leading directions, and fill up with empty ones."""
    missing = max(0, directions - len(axes))
    axes = np.pad(axes[:directions], ((0, missing), (0, 0)))
    kept = np.maximum(eigenvalues[:directions], 0)
    rest = max(0.0, float(total - kept.sum()))
    filled = np.maximum(np.pad(kept, (0, missing)), TINY)
    signal = np.pad(np.maximum(signal[:directions], 0), (0, missing))
    return Reduction(mean, axes, filled, signal, np.asarray(rest))


def reduce_world(
    world: World, bias: float, directions: int, key: jax.Array | None = None
) -> Reduction:
    """Reduce a world under a bias: `Squares` exactly, any other from 65,536 images of `key`.

    A subclass of `Squares` may have changed its images, so it counts as any other.
    """
    if type(world) is Squares:
        return squares_reduction(world, bias, directions)
    sample_key = jax.random.key(0) if key is None else key
    return sampled_reduction(sampled_moments(sample_key, world, bias), directions)
