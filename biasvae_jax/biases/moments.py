"""Mean and covariance of factors that are functions of one latent each: numpy, float64."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Link = Callable[[np.ndarray], np.ndarray]
"""Latents → factors, each of one latent, of any shape."""

REACH = 9.0  # standard deviations; a normal has 2e-19 beyond
RULE = np.polynomial.legendre.leggauss(100)


class LinkedMoments(NamedTuple):
    """First two moments of factors u = link(z) under a bias."""

    mean: np.ndarray
    """`[factors]`"""
    covariance: np.ndarray
    """`[factors, factors]`"""


class Nodes(NamedTuple):
    """A quadrature over one latent: an expectation is `weights @ f(z)`."""

    z: np.ndarray
    weights: np.ndarray

    def moments(self, link: Link) -> tuple[float, float]:
        """Return E[link(z)] and E[link(z)²]."""
        u = np.asarray(link(self.z), float)
        return float(self.weights @ u), float(self.weights @ u**2)

    def independent(self, link: Link, count: int) -> LinkedMoments:
        """Return the moments of `count` factors whose latents are independent and alike."""
        mean, square = self.moments(link)
        return LinkedMoments(np.full(count, mean), np.eye(count) * max(0.0, square - mean**2))


def normal_nodes(
    mean: float = 0.0, deviation: float = 1.0, low: float = -np.inf, high: float = np.inf
) -> Nodes:
    """Make a quadrature over N(mean, deviation²) given that low ≤ z ≤ high, which it must reach.

    Gauss and Legendre's rule on both sides of 0, so that a link which jumps there is exact too.
    """
    if deviation == 0:
        return Nodes(np.array([mean]), np.ones(1))
    ends = [(end - mean) / deviation for end in (low, min(max(0.0, low), high), high)]
    pieces = [(a, b) for a, b in itertools.pairwise(np.clip(ends, -REACH, REACH)) if a < b]
    nodes = np.concatenate([(a + b) / 2 + (b - a) / 2 * RULE[0] for a, b in pieces])
    widths = np.concatenate([(b - a) * RULE[1] for a, b in pieces])
    weights = widths * np.exp(-0.5 * nodes**2)
    return Nodes(mean + deviation * nodes, weights / weights.sum())
