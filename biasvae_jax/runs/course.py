"""The time course of a group of models: arrays that fill up as steps are measured."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from biasvae_jax.scores import frames
from biasvae_jax.scores.course import measured
from biasvae_jax.study import Study
from biasvae_jax.sweep import Models, Sweep

ADDED = ("course", frames.NAME)  # which trees stored by older versions lack


@dataclass(frozen=True)
class Course:
    """What a study measures in the middle of training, and when."""

    study: Study
    sweep: Sweep

    def empty(self, models: Models) -> dict[str, np.ndarray]:
        """Return a time course without a measurement, `[models, snapshots]` each; {} of none.

        Pictures are of the first seed's models alone, `[first seed's, frames, images, pixels]`.
        """
        training, recipe = self.study.training, self.sweep.recipe
        nothing = np.full((len(models.seed), len(training.snapshot_steps)), np.nan, np.float32)
        course: dict[str, np.ndarray] = {}
        if training.snapshot_steps:
            course |= {name: nothing.copy() for name in measured(recipe)}
        if self._images:
            first = (models.seed == 0).sum(), len(training.frame_steps)
            shape = *first, self._images, recipe.world.pixels
            course[frames.NAME] = np.full(shape, frames.MISSING, np.uint8)
        return course

    def measure(
        self, course: dict[str, np.ndarray], step: int, models: Models, params: Any
    ) -> None:
        """Write into a time course what is measured after a step, if anything is."""
        training = self.study.training
        if step in training.snapshot_steps:
            at = training.snapshot_steps.index(step)
            for name, values in self.sweep.course(models, params).items():
                course[name][:, at] = values
        if step in training.frame_steps and course.get(frames.NAME, np.empty(0)).size:
            at = training.frame_steps.index(step)
            course[frames.NAME][:, at] = self.sweep.frames(models, params, self._images)

    def pictures(self, course: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
        """Take all models' pictures out of a time course: (they, the images they are of), bytes.

        None where there are none.
        """
        if not self._images:
            return None
        return course.pop(frames.NAME), np.asarray(frames.packed(self.sweep.shown[: self._images]))

    @functools.cached_property
    def _images(self) -> int:
        """Test images that are drawn at each frame."""
        steps, pixels = len(self.study.training.frame_steps), self.sweep.recipe.world.pixels
        images = frames.images_stored(self.study.grid.cells, steps, pixels)
        return min(images, len(self.sweep.shown)) if images else 0


def course_part(course: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Return a time course as a part of a stored tree, which holds nothing that is empty."""
    there = {name: values for name, values in course.items() if values.size}
    return {"course": there} if there else {}
