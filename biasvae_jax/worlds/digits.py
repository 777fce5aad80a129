"""A world of rows: scikit-learn's handwritten digits, real and offline."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from biasvae_jax.components import register
from biasvae_jax.factors import Factor
from biasvae_jax.worlds.rows import Rows, RowWorld

FACTORS = (Factor("class", "categorical"), *map(Factor, ("slant", "thickness", "width")))


@register
@dataclass(frozen=True)
class Digits(RowWorld):
    """1,797 handwritten digits of 8×8 pixels in 17 greys; class imbalance as bias.

    The factors are the class, 0 to 9, and three measures of the ink g (0 to 1) at columns x and
    rows y, with μ_ab its central moments ⟨(x − x̄)^a (y − ȳ)^b⟩:

        slant       −μ₁₁/μ₀₂, columns to the right a row upwards
        thickness   2·Σg/Σ|∇g|, pixels: the width of a stroke, whose two sides have that total
                    variation
        width       √(12·μ₂₀ + 1), pixels: the width of a bar of that variance

    The test set has equally many of each class of the bias. Source: Alpaydin & Kaynak 1998,
    "Optical recognition of handwritten digits" (UCI), as scikit-learn ships it.
    """

    test_images: int = 500
    """Rows held out, of which the test set takes equally many of each class of the bias."""

    kind = "digits"

    @property
    def caption(self) -> str:
        """What the images of the test set show."""
        return "handwritten digits, held out of training, equally many of each class"

    def read(self) -> Rows:
        """Return scikit-learn's digits."""
        return _read()


@functools.cache
def _read() -> Rows:
    from sklearn.datasets import load_digits  # here, for it is slow to import

    digits: Any = load_digits()
    images = digits.images.astype(np.uint8)[..., None]
    values = np.column_stack([digits.target, *measure(digits.images / 16)])
    return Rows(images, values.astype(np.float32), FACTORS, white=16)


def measure(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return slant, thickness and width of drawings `[n, height, width]`, ink from 0 to 1."""
    total = ink.sum((1, 2))
    y, x = (axis[None] for axis in np.indices(ink.shape[1:]).astype(float))
    mean = lambda values: (ink * values).sum((1, 2)) / total  # noqa: E731
    dx, dy = x - mean(x)[:, None, None], y - mean(y)[:, None, None]
    around = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    down, right = np.diff(around, axis=1)[:, :, :-1], np.diff(around, axis=2)[:, :-1]
    edges = np.hypot(down, right).sum((1, 2))
    return -mean(dx * dy) / mean(dy**2), 2 * total / edges, np.sqrt(12 * mean(dx**2) + 1)
