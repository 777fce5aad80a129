"""What the page needs to run a run's decoders: whole numbers of 8 bits, codes and heads."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

STEPS = 127  # of int8, to either side


class Rounded(NamedTuple):
    """A matrix as int8 and one scale a column."""

    whole: np.ndarray
    """int8, `[rows, columns]`"""
    scale: np.ndarray
    """float32, `[columns]`"""

    @classmethod
    def of(cls, values: np.ndarray) -> "Rounded":
        """Round to the nearest of 255 levels of each column, the largest value the outermost."""
        scale = np.abs(values).max(0, initial=0).astype(np.float32) / np.float32(STEPS)
        whole = np.round(values / np.where(scale > 0, scale, 1))
        return cls(np.clip(whole, -STEPS, STEPS).astype(np.int8), scale)

    @property
    def values(self) -> np.ndarray:
        """The matrix again, float32."""
        return self.whole * self.scale


@dataclass(frozen=True)
class LiveCell:
    """A model's codes, how they meet the true factors, and its decoder if the page has room."""

    to_code: np.ndarray
    """The head u → code, `[columns + 1, latents]`, its last row the bias."""
    to_factors: np.ndarray
    """The head code → u, `[latents + 1, columns]`."""
    reach: np.ndarray
    """How far from 0 each latent's codes go, `[latents]`."""
    spread: np.ndarray
    """Standard deviation of the posterior mean, `[latents]`."""
    correlation: np.ndarray
    """Of the factors' columns with the latents, `[columns, latents]`."""
    turned: np.ndarray
    """Of the factors' columns with what the head reads of the code, `[columns, columns]`."""
    codes: np.ndarray
    """Of some test images, `[points, latents]`."""
    weights: Sequence[np.ndarray] = ()
    """Of the decoder's layers: a product's int8, scale and bias, a fold's bias."""
    error: tuple[float, float] = (0.0, 0.0)
    """What rounding the weights makes of a pixel: largest difference, root mean square."""
    constant: np.ndarray | None = None
    """The one image of a decoder that does not answer to its code, `[pixels]`, 0 to 255."""


@dataclass(frozen=True)
class Live:
    """What all cells of a run share."""

    image: tuple[int, int, int]
    latents: int
    factors: Sequence[dict[str, Any]]
    """Name, kind, and the lowest and highest value, or the `values` of a categorical one."""
    starts: np.ndarray
    """Factors of the test images that the page shows, `[images, factors]`."""
    points: np.ndarray
    """Factors of the images behind `LiveCell.codes`, `[points, factors]`."""
    layers: Sequence[dict[str, Any]]
    """The decoder's layers without weights; empty if the network does not state them."""
    cells: dict[tuple[int, int], LiveCell] = field(default_factory=dict)

    @property
    def decoders(self) -> int:
        """Models whose decoder is in the page."""
        return sum(bool(cell.weights) for cell in self.cells.values())

    @property
    def constants(self) -> int:
        """Models that draw one image, whatever the code."""
        return sum(cell.constant is not None for cell in self.cells.values())


def shared(live: Live | None) -> dict[str, Any] | None:
    """Return, ready for JSON, what the page needs once a run."""
    if live is None:
        return None
    return {
        "image": list(live.image),
        "latents": live.latents,
        "factors": list(live.factors),
        "starts": _digits(live.starts),
        "points": _digits(live.points),
        "layers": list(live.layers),
        "decoders": live.decoders,
        "constants": live.constants,
    }


def of_cell(live: Live | None, cell: tuple[int, int]) -> dict[str, Any] | None:
    """Return, ready for JSON, what the page needs of a cell; None where there is nothing."""
    if live is None or cell not in live.cells:
        return None
    found = live.cells[cell]
    codes = Rounded.of(found.codes)
    packed: dict[str, Any] = {
        "toCode": encoded(found.to_code.astype("<f4")),
        "toFactors": encoded(found.to_factors.astype("<f4")),
        "reach": _digits(found.reach),
        "spread": _digits(found.spread),
        "correlation": encoded(_of_100(found.correlation)),
        "turned": encoded(_of_100(found.turned)),
        "codes": encoded(codes.whole),
        "codeScale": _digits(codes.scale),
    }
    if found.weights:
        packed["weights"] = encoded(*found.weights)
        packed["error"] = [float(f"{error:.2g}") for error in found.error]
    elif found.constant is not None:
        packed["constant"] = encoded(found.constant)
    return packed


def encoded(*arrays: np.ndarray) -> str:
    """Write arrays one after another as base64."""
    return base64.b64encode(b"".join(array.tobytes() for array in arrays)).decode()


def _of_100(values: np.ndarray) -> np.ndarray:
    """Round correlations to hundredths, int8; what is undefined to -128."""
    return np.where(np.isnan(values), -128, np.round(100 * values)).astype(np.int8)


def _digits(values: np.ndarray) -> Any:
    """Write numbers with four digits, nested as they are."""
    return np.vectorize(lambda v: float(f"{v:.4g}"), otypes=[float])(values).tolist()
