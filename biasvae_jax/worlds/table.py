"""A world of rows: images and factors from a file, in the field's layouts."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.components import register
from biasvae_jax.worlds.filed import FiledRows
from biasvae_jax.worlds.files import fingerprint, read_rows
from biasvae_jax.worlds.grid import look_up
from biasvae_jax.worlds.rows import Rows


@register
@dataclass(frozen=True)
class Table(FiledRows):
    """Images with factors from a file: dSprites' layout or MPI3D's (.npz), that of 3D Shapes (.h5).

    Intensities are in [0, 1], factors in the file's own units; factors that are constant are left
    out. A random part of the rows is held out as the test set and never trained on. Images stay
    uint8 in memory, shared by all models. Within a class of the bias a row is chosen by 32 random
    bits, so that its probability is right to n/2³² of itself (2e-4 at 737,280 rows).
    """

    data: str = dataclasses.field(default="", compare=False)
    """File of the images and their factors (.npz as dSprites or MPI3D, .h5 as 3D Shapes)."""
    rows: int | None = None
    """Use so many of the file's rows, picked at random (None: all)."""

    kind = "table"
    balanced = False  # the field's files hold every combination: random rows of them are fair
    lacking = (
        "needs a file: name it with --data (dSprites is at "
        "https://github.com/google-deepmind/dsprites-dataset: biasvae sweep --preset dsprites "
        "--data FILE)"
    )

    def read(self) -> Rows:
        """Return the file's rows."""
        return read_rows(Path(self.data), self.rows, self.sealed().fingerprint)

    def found(self) -> str:
        """Return the file's SHA-256."""
        return fingerprint(Path(self.data))

    @property
    def renders(self) -> bool:
        """Whether the file has an image of every combination of values."""
        return self.read().grid is not None

    def render(self, u: jax.Array) -> jax.Array:
        """Look the images of combinations of the file's values up: `[n, factors]` → `[n, pixels]`.

        Raises ValueError if the file has not every combination, or not a value.
        """
        rows = self.read()
        images = rows.images[look_up(rows.values, rows.grid, np.asarray(u))]
        return self._intensity(jnp.asarray(images.reshape(len(images), -1).view(np.uint8)))
