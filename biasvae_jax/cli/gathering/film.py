"""Pictures in the middle of training, as a run's history holds them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biasvae_jax.figures import pictures as folded
from biasvae_jax.report.film import Film, Strip
from biasvae_jax.report.sprites import gap_of, sprite
from biasvae_jax.runs.loading import LoadedRun


@dataclass(frozen=True)
class Reel:
    """All of them, of a page's cells."""

    drawn: np.ndarray
    """`[rows, columns, frame, image, height, width, channels]`, NaN for those not drawn."""
    truth: np.ndarray
    """`[image, height, width, channels]`"""
    steps: np.ndarray
    active: np.ndarray
    """Latents active at each frame, `[rows, columns, frame]`."""

    def strip(self, cell: tuple[int, int]) -> Strip | None:
        """Draw a model's strip, of the frames that it has; None without any."""
        drawn = self.drawn[cell]
        known = np.isfinite(drawn).all((1, 2, 3, 4))
        if not known.any():
            return None
        return Strip(_sprite(drawn[known]), self.steps[known].tolist(), self.active[cell][known])

    def film(self, strips: dict[tuple[int, int], Strip]) -> Film | None:
        """Join the strips that a page has room for; None without any."""
        images, high, wide = self.truth.shape[:3]
        gap = gap_of(high, wide)
        size = high, images * (wide + gap) - gap
        return (
            Film(_sprite(self.truth[None]), size, gap, len(self.steps), strips) if strips else None
        )


def reel(run: LoadedRun, rows: Sequence[int], columns: Sequence[int]) -> Reel | None:
    """Read the pictures of a run's cells; None where it stored none."""
    if "reconstructions" not in run.history:
        return None
    bias, strength = run.grid.dims[:2]
    history = run.history.isel({bias: list(rows), strength: list(columns)})
    active = history["active_units"].isel(seed=0).sel(snapshot=history["frame"])
    return Reel(
        history["reconstructions"].values,
        history["test_images"].values,
        history["frame"].values,
        active.transpose(bias, strength, "frame").values,
    )


def why_none(run: LoadedRun) -> str:
    """Say in one line why a page shows no pictures in the middle of training."""
    if not run.study.training.snapshot_steps:
        return "No pictures of earlier steps: a run with --snapshots N has them."
    if not run.finished:
        return "Pictures of earlier steps are stored when the run ends."
    return "No pictures of earlier steps: this run stored none, or they are too large for a page."


def _sprite(images: np.ndarray) -> str:
    return sprite(folded(images.reshape(*images.shape[:-3], -1), images.shape[-3:]))
