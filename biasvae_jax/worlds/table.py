"""A world of rows: images and factors from a file, in the field's layouts."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.biases.base import Bias, RowBias
from biasvae_jax.components import (
    ConfigError,
    register,
    require,
    require_number,
    require_whole,
)
from biasvae_jax.worlds.base import Factor, Image, Sample, World
from biasvae_jax.worlds.files import Rows, fingerprint, read_rows


class TableData(NamedTuple):
    """The rows on the device, those in training apart from the held-out ones."""

    images: Any
    """uint8, `[rows, pixels]`."""
    factors: Any
    """`[rows, factors]`"""
    order: Any
    """Row numbers sorted by class, `[rows]`."""
    starts: Any
    """Where each class begins in `order`, `[classes]`."""
    counts: Any
    """Rows of each class, `[classes]`."""
    test_images: Any
    test_factors: Any


class RowNoise(NamedTuple):
    """The random numbers behind rows drawn from a table; no bias in them."""

    value: jax.Array
    """Uniform in [0, 1), which chooses the class, `[...]`."""
    row: jax.Array
    """32 random bits, which choose the row within it, `[...]`."""
    image: Any
    """Standard normal observation noise `[..., pixels]`, or () without any."""


@register
@dataclass(frozen=True)
class Table(World):
    """Images with factors from a file: dSprites' layout (.npz) or that of 3D Shapes (.h5).

    Intensities are in [0, 1], factors in the file's own units; factors that are constant are left
    out. A random part of the rows is held out as the test set and never trained on. Images stay
    uint8 in memory, shared by all models. Within a class of the bias a row is chosen by 32 random
    bits, so that its probability is right to n/2³² of itself (2e-4 at 737,280 rows).
    """

    data: str = dataclasses.field(default="", compare=False)
    """File of the images and their factors (.npz as dSprites, .h5 as 3D Shapes)."""
    rows: int | None = None
    """Use so many of the file's rows, picked at random (None: all)."""
    test_images: int = 10_000
    """Rows held out as the test set, at most a half of them."""
    noise_mean: float = 0.0
    """Mean of the observation noise added to the images."""
    noise_variance: float = 0.0
    """Variance of the observation noise added to the images, a pixel (0: none)."""
    fingerprint: str = dataclasses.field(default="", init=False)
    """SHA-256 of the file; filled in when a run begins, and compared when it goes on."""

    kind = "table"
    accepts = RowBias
    usual = "resample"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        require(isinstance(self.data, str), "data", self.data, "must name a file")
        if self.rows is not None:
            require_whole("rows", self.rows, 4)
        require_whole("test_images", self.test_images)
        require_number("noise_mean", self.noise_mean)
        require_number("noise_variance", self.noise_variance, 0)
        text = isinstance(self.fingerprint, str) and len(self.fingerprint) in (0, 64)
        require(text, "fingerprint", self.fingerprint, "must be a SHA-256, or left out")

    def check_bias(self, bias: Bias) -> None:
        """Raise ConfigError if the bias is of another kind, or no file is named."""
        super().check_bias(bias)
        if not self.data:
            raise ConfigError("--world table needs a file: name it with --data")

    def sealed(self, bias: Bias | None = None) -> "Table":
        """Return the world with its file's fingerprint; raises ConfigError if another is stored.

        Of a given bias it is looked whether the file has its factor and values.
        """
        found = fingerprint(Path(self.data))
        if self.fingerprint not in ("", found):
            raise ConfigError(f"--data {self.data} is not the file that this run was made with")
        sealed = dataclasses.replace(self)
        object.__setattr__(sealed, "fingerprint", found)
        if bias is not None:
            sealed._classes(bias)
        return sealed

    def moved(self, file: str) -> "Table":
        """Return the same table with its file elsewhere."""
        moved = dataclasses.replace(self, data=file)
        object.__setattr__(moved, "fingerprint", self.fingerprint)
        return moved

    @property
    def _read(self) -> Rows:
        return read_rows(Path(self.data), self.rows, self.sealed().fingerprint)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors that vary, as the file names them."""
        return tuple(Factor(name, "categorical") for name in self._read.names)

    @property
    def image(self) -> Image:
        """Height, width and channels of the file's images."""
        height, width, channels = self._read.images.shape[1:]
        return height, width, channels

    @property
    def caption(self) -> str:
        """What the images of the test set show."""
        return f"images of {Path(self.data).name}, held out of training"

    def test_size(self) -> int:
        """Number of rows held out."""
        return min(self.test_images, len(self._read.images) // 2)

    def training_size(self) -> int:
        """Number of rows that are not held out."""
        return len(self._read.images) - self.test_size()

    @property
    def _split(self) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers of the test set, and of those in training."""
        shuffled = np.random.default_rng(0).permutation(len(self._read.images))
        return np.sort(shuffled[: self.test_size()]), np.sort(shuffled[self.test_size() :])

    def _classes(self, bias: Bias) -> tuple[np.ndarray, np.ndarray]:
        """Return the bias's class of each row in training, and how many rows each class has."""
        assert isinstance(bias, RowBias)
        _, train = self._split
        classes = bias.classes(self._read.factors[train], self._read.names)
        counts = np.bincount(classes).astype(np.int32)
        if (counts == 0).any() or len(counts) < 2:
            raise ConfigError(
                f"--bias {bias.kind}: a class has no row among the {len(train)} rows in training; "
                "use more --rows, or another factor"
            )
        return classes, counts

    def load(self, bias: Bias) -> TableData:
        """Return the rows as host arrays, with the index of the bias's classes."""
        images, factors, _, _ = self._read
        images = images.reshape(len(images), -1).view(np.uint8)
        test, train = self._split
        classes, counts = self._classes(bias)
        starts = np.cumsum(counts) - counts
        order = np.argsort(classes, kind="stable").astype(np.int32)
        held = images[test], factors[test]
        return TableData(
            images[train], factors[train], order, starts.astype(np.int32), counts, *held
        )

    def prepare(self, data: TableData, bias: Bias, strength: jax.Array | float) -> jax.Array:
        """Return the cumulative shares of the classes, `[classes]`."""
        assert isinstance(bias, RowBias)
        shares = bias.shares(data.counts.astype(jnp.float32), jnp.asarray(strength, jnp.float32))
        summed = jnp.cumsum(shares)
        return summed / summed[-1:]

    def draw(self, key: jax.Array, shape: tuple[int, ...]) -> RowNoise:
        """Draw the random numbers of `shape` rows."""
        value_key, row_key, image_key = jax.random.split(key, 3)
        image = jax.random.normal(image_key, (*shape, self.pixels)) if self.noise_variance else ()
        return RowNoise(
            jax.random.uniform(value_key, shape), jax.random.bits(row_key, shape), image
        )

    def renew(self, key: jax.Array, noise: RowNoise) -> RowNoise:
        """Keep the rows of drawn noise and draw the images' noise anew."""
        if not self.noise_variance:
            return noise
        return noise._replace(image=jax.random.normal(key, noise.image.shape))

    def sample(
        self,
        noise: RowNoise,
        bias: Bias,
        strength: jax.Array | float,
        data: Any = (),
        prepared: Any = None,
    ) -> Sample:
        """Look the rows up: first the class by its share, then a row within it."""
        shares = self.prepare(data, bias, strength) if prepared is None else prepared
        class_ = jnp.searchsorted(shares, noise.value, side="right")
        class_ = jnp.minimum(class_, len(data.counts) - 1)
        within = noise.row % data.counts[class_].astype(jnp.uint32)
        row = data.order[data.starts[class_] + within.astype(jnp.int32)]
        u = data.factors[row]
        clean = self._intensity(data.images[row])
        # without noise there is none to draw; its mean is still added
        x = self.observe(clean, noise.image if self.noise_variance else jnp.zeros_like(clean))
        return Sample(u, u, clean, x)

    def test_set(self, data: Any = ()) -> tuple[jax.Array, jax.Array]:
        """Return the held-out rows: their factors and their images."""
        return jnp.asarray(data.test_factors), self._intensity(jnp.asarray(data.test_images))

    def _intensity(self, images: jax.Array) -> jax.Array:
        return images.astype(jnp.float32) / self._read.white
