"""What worlds of rows have in common: images with factors, some held out, the others drawn."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.biases.base import Bias, RowBias
from biasvae_jax.components import (
    ConfigError,
    require_number,
    require_whole,
)
from biasvae_jax.worlds.base import Factor, Image, Sample, World


class Rows(NamedTuple):
    """Images and their factors, on the host."""

    images: np.ndarray
    """uint8, `[rows, height, width, channels]`."""
    values: np.ndarray
    """Of the factors, float32, `[rows, factors]`; none is constant."""
    factors: tuple[Factor, ...]
    white: int
    """The value of an image that stands for intensity 1."""
    held: np.ndarray | None = None
    """Which rows may be held out as the test set, booleans `[rows]`; None: any."""
    grid: np.ndarray | None = None
    """The row of each combination of values, in rising order, `[values, values, …]`; None where a
    combination is missing or there twice."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the factors."""
        return tuple(factor.name for factor in self.factors)


class RowData(NamedTuple):
    """The rows on the device; those of the test set are in no class."""

    images: Any
    """uint8, `[rows, pixels]`."""
    factors: Any
    """`[rows, factors]`"""
    order: Any
    """Numbers of the rows in training, sorted by class."""
    starts: Any
    """Where each class begins in `order`, `[classes]`."""
    counts: Any
    """Rows of each class, `[classes]`."""
    traits: Any
    """What the bias needs to know of each class (`RowBias.traits`), arrays `[classes]`."""
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


@dataclass(frozen=True, kw_only=True)
class RowWorld(World):
    """A world of rows; a subclass gives `read`.

    A part of the rows is held out and never trained on. Images stay uint8, one array shared by all
    models. Within a class of the bias a row is chosen by 32 random bits, so that its probability is
    right to n/2³² of itself. With `balanced`, the test set has equally many rows of each class.
    """

    test_images: int = 10_000
    """Rows held out as the test set, at most a half of them."""
    noise_mean: float = 0.0
    """Mean of the observation noise added to the images."""
    noise_variance: float = 0.0
    """Variance of the observation noise added to the images, a pixel (0: none)."""

    accepts = RowBias
    usual = "resample"
    balanced: ClassVar[bool] = True

    def read(self) -> Rows:
        """Return the rows; called often, so it remembers them. Raises ConfigError of one line."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        require_whole("test_images", self.test_images)
        require_number("noise_mean", self.noise_mean)
        require_number("noise_variance", self.noise_variance, 0)

    def sealed(self, bias: Bias | None = None) -> Self:
        """Return the world itself; raises ConfigError if it lacks what a bias is about."""
        if bias is not None:
            self._classes(bias)
            self._tested(bias)
        return self

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors that vary."""
        return self.read().factors

    @property
    def image(self) -> Image:
        """Height, width and channels of the images."""
        height, width, channels = self.read().images.shape[1:]
        return height, width, channels

    def test_size(self) -> int:
        """Number of rows held out."""
        rows = self.read()
        most = len(rows.images) // 2 if rows.held is None else int(rows.held.sum())
        return min(self.test_images, most)

    def training_size(self) -> int:
        """Number of rows that are not held out."""
        return len(self._split[1])

    @property
    def _split(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the rows held out, and of those in training."""
        rows = self.read()
        shuffled = np.random.default_rng(0).permutation(len(rows.images))
        if rows.held is None:
            held, train = shuffled[: self.test_size()], shuffled[self.test_size() :]
        else:
            held, train = shuffled[rows.held[shuffled]], shuffled[~rows.held[shuffled]]
        return np.sort(held[: self.test_size()]), np.sort(train)

    def _classes(self, bias: Bias) -> tuple[np.ndarray, np.ndarray]:
        """Return the bias's class of each row in training, and how many rows each class has."""
        assert isinstance(bias, RowBias)
        _, train = self._split
        rows = self.read()
        classes = bias.classes(rows.values[train], rows.names)
        counts = np.bincount(classes).astype(np.int32)
        if (counts == 0).any() or len(counts) < 2:
            raise ConfigError(
                f"--bias {bias.kind}: a class has no row among the {len(train)} rows in training; "
                "use more --rows, or another factor"
            )
        return classes, counts

    def _tested(self, bias: Bias) -> np.ndarray:
        """Return the numbers of the test set's rows; equally many of each class if `balanced`."""
        assert isinstance(bias, RowBias)
        held, _ = self._split
        if not self.balanced:
            return held
        rows = self.read()
        classes = bias.classes(rows.values, rows.names)
        there, counts = np.unique(classes[held], return_counts=True)
        known = len(np.unique(classes))
        if len(there) < known and 10 * known <= len(held):  # else there are classes of single rows
            raise ConfigError(
                f"--bias {bias.kind}: a class has no row among the {len(held)} rows held out; "
                "use more --rows or --test-images, or another factor"
            )
        each = [held[classes[held] == one][: counts.min()] for one in there]
        return np.sort(np.concatenate(each))

    def load(self, bias: Bias) -> RowData:
        """Return the rows as host arrays, with the index of the bias's classes."""
        assert isinstance(bias, RowBias)
        rows = self.read()
        images = rows.images.reshape(len(rows.images), -1).view(np.uint8)
        _, train = self._split
        classes, counts = self._classes(bias)
        test = self._tested(bias)
        return RowData(
            images,
            rows.values,
            train[np.argsort(classes, kind="stable")].astype(np.int32),
            (np.cumsum(counts) - counts).astype(np.int32),
            counts,
            bias.traits(rows.values[train], rows.names),
            images[test],
            rows.values[test],
        )

    def prepare(self, data: RowData, bias: Bias, strength: jax.Array | float) -> jax.Array:
        """Return the cumulative shares of the classes, `[classes]`."""
        assert isinstance(bias, RowBias)
        counts = data.counts.astype(jnp.float32)
        shares = bias.shares_of(counts, data.traits, jnp.asarray(strength, jnp.float32))
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
        return images.astype(jnp.float32) / self.read().white
