"""The error of images drawn from their factors, and its three parts."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp


class GenerationTerms(NamedTuple):
    """Three parts of a mean squared error, which they add up to; each a scalar."""

    offset: jax.Array
    shrinkage: jax.Array
    head: jax.Array


def generation_terms(decoded: jax.Array, x: jax.Array) -> GenerationTerms:
    """Split the mean of (decoded − x)², both `[images, pixels]`, in intensity².

    offset = mean over pixels of (mean over images of decoded − x)²; with d and g the two centred
    on their mean images and s = Σdg/Σg², shrinkage = (1 − s)²·mean g² and head = mean (d − s·g)².
    The terms are orthogonal, so they add up.
    """
    chex.assert_equal_shape([decoded, x])
    centre = x.mean(0, keepdims=True)
    return error_terms(error_sums(decoded, x, centre), x - centre)[1]


class ErrorSums(NamedTuple):
    """Sums over images of an error e = decoded − x."""

    pixels: jax.Array
    """Σe, `[pixels]`."""
    square: jax.Array
    """Σe² over images and pixels, a scalar."""
    along: jax.Array
    """Σe·g, g the centred images, a scalar."""


def error_sums(decoded: jax.Array, x: jax.Array, centre: jax.Array) -> ErrorSums:
    """Sum over some images, `[images, pixels]` each; `centre` is the mean of all, `[1, pixels]`."""
    e = decoded - x
    return ErrorSums(e.sum(0), jnp.square(e).sum(), (e * (x - centre)).sum())


def error_terms(sums: ErrorSums, g: jax.Array) -> tuple[jax.Array, GenerationTerms]:
    """Return (mean square error, its `generation_terms`) from the sums over all images.

    `g` `[images, pixels]` are the centred images; s − 1 there is Σe·g/Σg² here.
    """
    square, along = sums.square / g.size, sums.along / g.size
    offset = jnp.mean(jnp.square(sums.pixels / len(g)))
    variance = jnp.mean(jnp.square(g))
    shrinkage = jnp.square(along) / jnp.maximum(variance, jnp.finfo(g.dtype).tiny)
    head = jnp.maximum(square - offset - shrinkage, 0)  # rounding may leave less
    return square, GenerationTerms(offset, shrinkage, head)
