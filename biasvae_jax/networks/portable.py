"""A decoder as a short list of layers that any language can compute, and that list in NumPy.

The report's page computes the same in the browser (`report/script/decoder.js`).
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np


class Product(NamedTuple):
    """y = x·kernel + bias, over the last axis; of pixels each is a row."""

    kernel: np.ndarray
    """`[inputs, outputs]`"""
    bias: np.ndarray
    """`[outputs]`"""


class Apply(NamedTuple):
    """A function of each number."""

    function: Literal["relu", "leaky_relu", "gelu", "tanh", "sigmoid"]


class Fold(NamedTuple):
    """Add up overlapping 4×4 patches, 2 pixels apart, and cut a margin of 1: twice the side.

    After a product it is a transposed convolution. `[side², 16·channels]`, patches in the order
    row, column, channel → `[(2·side)², channels]`, plus a bias.
    """

    side: int
    bias: np.ndarray
    """`[channels]`"""


class Split(NamedTuple):
    """One row of numbers becomes `rows` of them: pixels, each with its channels."""

    rows: int


Layer = Product | Apply | Fold | Split


def _gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "gelu": _gelu,
    "tanh": np.tanh,
    "sigmoid": lambda x: 0.5 + 0.5 * np.tanh(0.5 * x),
}


def decode(layers: Sequence[Layer], codes: np.ndarray) -> np.ndarray:
    """Decode `[rows, latents]` to images `[rows, pixels]` by a list of layers."""
    h = np.asarray(codes, np.float32)[:, None, :]
    for layer in layers:
        match layer:
            case Product(kernel, bias):
                h = h @ kernel + bias
            case Apply(function):
                h = FUNCTIONS[function](h)
            case Fold(side, bias):
                h = _fold(h.reshape(len(h), side, side, 4, 4, -1)) + bias
            case Split(rows):
                h = h.reshape(len(h), rows, -1)
    return h.reshape(len(h), -1)


def _fold(patches: np.ndarray) -> np.ndarray:
    """Add up `[images, side, side, 4, 4, channels]`, as `[images, pixels, channels]`."""
    images, side, channels = len(patches), patches.shape[1], patches.shape[-1]
    whole = np.zeros((images, 2 * side + 2, 2 * side + 2, channels), patches.dtype)
    for down in range(4):
        for across in range(4):
            rows, columns = (slice(at, at + 2 * side, 2) for at in (down, across))
            whole[:, rows, columns] += patches[:, :, :, down, across]
    return whole[:, 1:-1, 1:-1].reshape(images, -1, channels)
