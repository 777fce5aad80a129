"""Any world reduced to its leading directions: as known for `Squares`, else by sampling.

numpy, float64.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse.linalg import eigsh

from biasvae_jax.biases import Bias, Shift
from biasvae_jax.theory.base import Moments, Reduction, leading, require
from biasvae_jax.theory.squares import known_reduction
from biasvae_jax.worlds import World

BATCH = 4_096
DENSE_PIXELS = 1_024  # above, few eigenvectors are much cheaper than all


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


def reduce_world(
    world: World,
    strength: float,
    directions: int,
    key: jax.Array | None = None,
    bias: Bias | None = None,
    data: Any = (),
) -> Reduction:
    """Reduce a world under a bias of a strength to its leading directions.

    Exactly for `Squares` under a bias that knows its moments (`LatentBias.moments`), any other from
    images of `key`: 65,536, or 16,384 above 1,024 pixels. `bias` is the shift of the latents where
    it is not given. A subclass of `Squares` may have changed its images, so it counts as any other.
    """
    known = known_reduction(world, strength, directions, bias)
    if known is not None:
        return known
    return sampled_reduction(world_moments(world, strength, key, bias, data), directions)


def world_moments(
    world: World,
    strength: float,
    key: jax.Array | None = None,
    bias: Bias | None = None,
    data: Any = (),
) -> Moments:
    """Return the moments of a world under a bias, as exactly and from what `reduce_world` does."""
    known = known_reduction(world, strength, getattr(world, "latents", 1), bias)
    if known is not None:
        mean, axes, _, along, _ = known
        signal = (axes.T * along) @ axes
        return Moments(mean, signal + world.noise_variance * np.eye(world.pixels), signal)
    key = jax.random.key(0) if key is None else key
    images = 65_536 if world.pixels <= DENSE_PIXELS else 16_384
    return sampled_moments(key, world, strength, images, bias, data)
