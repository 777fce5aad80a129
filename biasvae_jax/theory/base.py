"""A world as a linear-Gaussian model sees it: what its mean and covariance are called. numpy."""

from typing import Any, NamedTuple

import numpy as np

TINY = 1e-12  # variance of a direction in which nothing varies


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


def leading(mean, axes, eigenvalues, signal, total, directions: int) -> Reduction:
    """Keep the leading directions, and fill up with empty ones."""
    missing = max(0, directions - len(axes))
    axes = np.pad(axes[:directions], ((0, missing), (0, 0)))
    kept = np.maximum(eigenvalues[:directions], 0)
    rest = max(0.0, float(total - kept.sum()))
    filled = np.maximum(np.pad(kept, (0, missing)), TINY)
    signal = np.pad(np.maximum(signal[:directions], 0), (0, missing))
    return Reduction(mean, axes, filled, signal, np.asarray(rest))
