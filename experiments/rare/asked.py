"""A run with what its models answered."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from biasvae_jax.runs.datasets import read_dataset, write_dataset
from biasvae_jax.runs.loading import load_run
from experiments.pages.run import Run
from experiments.rare.examine import FILE, examine


class Asked(NamedTuple):
    """A finished sweep and `rare.nc`, its models' answers."""

    run: Run
    answers: xr.Dataset

    @classmethod
    def of(cls, run: Run) -> "Asked":
        """Read the answers, or ask the models."""
        file = run.path / FILE
        if not file.exists():
            write_dataset(file, examine(load_run(run.path)))
        return cls(run, read_dataset(file))

    def values(self, name: str) -> np.ndarray:
        """Return an answer `[bias, strength, seed, …]`, NaN for models that diverged."""
        return self.answers[name].values.astype(float)

    def pictures(self, name: str, bias: float, strength: float) -> np.ndarray:
        """Return pictures of the model of seed 0, `[…, height, width]` or RGB, 0 to 1."""
        images = self.answers[f"picture_{name}"].values[self.row(bias), self.column(strength)]
        shape = self.run.study.world.image
        folded = images.reshape(*images.shape[:-1], *shape) / 255
        return folded[..., 0] if shape[-1] == 1 else folded

    def row(self, bias: float) -> int:
        """Return the place of a bias."""
        return self.run.row(bias)

    def column(self, strength: float) -> int:
        """Return the place of the strength nearest to one."""
        return self.run.column(strength)

    @property
    def size(self) -> str:
        """How many images its models learned from."""
        images = self.run.study.training.training_images
        return f"N = {images:,}" if images else "endless"

    @property
    def objective(self) -> str:
        """Kind of its objective."""
        return self.run.study.objective.kind
