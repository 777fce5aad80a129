"""Models in the middle of training, as the page shows them: a strip of pictures a model."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Strip(NamedTuple):
    """What one model made of the test images, step after step."""

    images: str
    """A PNG's data URI: a row for each step, an image beside the other."""
    steps: list[int]
    active: np.ndarray
    """Active latents at each step; NaN where unknown."""


@dataclass(frozen=True)
class Film:
    """The strips of a run."""

    truth: str
    """The test images themselves, a PNG's data URI of one row."""
    size: tuple[int, int]
    """Height and width of a row, pixels."""
    gap: int
    """Pixels between rows."""
    frames: int
    """Measurements of the time course at which pictures were drawn."""
    strips: dict[tuple[int, int], Strip] = field(default_factory=dict)


def shared(film: Film | None, measured: int, latents: int) -> dict[str, Any] | None:
    """Return, ready for JSON, what the page needs once a run."""
    if film is None:
        return None
    return {
        "truth": film.truth,
        "size": list(film.size),
        "gap": film.gap,
        "frames": film.frames,
        "measured": measured,
        "latents": latents,
        "strips": len(film.strips),
    }


def of_cell(film: Film | None, cell: tuple[int, int]) -> dict[str, Any] | None:
    """Return, ready for JSON, what the page needs of a cell; None where there is nothing."""
    if film is None or cell not in film.strips:
        return None
    images, steps, active = film.strips[cell]
    known = [int(count) if np.isfinite(count) else None for count in active]
    return {"images": images, "steps": steps, "active": known}
