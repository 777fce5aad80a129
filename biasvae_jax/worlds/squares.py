"""The original study's world: an n×n grid of squares whose intensities are sigmoid(z)."""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.biases.base import Bias, LatentBias
from biasvae_jax.components import (
    ConfigError,
    register,
    require,
    require_number,
    require_numbers,
    require_whole,
)
from biasvae_jax.worlds.base import Factor, Generated, Image, Noise

MAX_TEST_IMAGES = 100_000
MAX_PIXELS = 2**24
SquaresNoise = Noise


@register
@dataclass(frozen=True)
class Squares(Generated):
    """Images of n×n squares, each m×m pixels, in Gaussian observation noise.

    u = sigmoid(z), x_clean = render(u), x = x_clean + N(noise_mean, noise_variance). Source: the
    original study, "Set-up and Methods"; `contrast`, which gives squares different shares of the
    images' variance, is ours.
    """

    n: int = 3
    """Squares along a side of the image."""
    m: int = 7
    """Pixels along a side of a square."""
    noise_mean: float = 0.0
    """Mean of the observation noise."""
    noise_variance: float = 0.25
    """Variance of the observation noise, a pixel."""
    bins: tuple[float, ...] = (0.1, 0.5, 0.9)
    """Factors of which the test set has every combination (at contrast 1, intensities)."""
    contrast: tuple[float, ...] = ()
    """Contrast of each of the n² squares, drawn at 0.5 + contrast·(factor − 0.5); given empty, 1.
    Above 1, intensities leave [0, 1], which needs `output` identity to be followed."""

    kind = "squares"
    event = "a square is darker than the middle grey, its mean intensity below ½"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range, or the test set too large."""
        require_whole("n", self.n)
        require_whole("m", self.m)
        if (self.n * self.m) ** 2 > MAX_PIXELS:
            raise ConfigError(
                f"--n {self.n} and --m {self.m} make images of {self.n * self.m}² pixels, over "
                f"{MAX_PIXELS:,}; use a smaller --n or --m"
            )
        require_number("noise_mean", self.noise_mean)
        require_number("noise_variance", self.noise_variance, 0)
        require_numbers("bins", self.bins)
        cells = self.n**2
        numbers = isinstance(self.contrast, tuple) and (
            not self.contrast or all(isinstance(c, float) for c in self.contrast)
        )
        require(numbers, "contrast", self.contrast, "must be finite numbers, or empty for 1")
        for each in self.contrast:
            require_number("contrast", each)
        require(min(self.contrast, default=1) > 0, "contrast", self.contrast, "must be > 0")
        # squares of intensities, summed over pixels and images, must stay in single precision
        require(max(self.contrast, default=1) <= 1e15, "contrast", self.contrast, "must be ≤ 1e15")
        one_each = f"must give one number for each of the {cells} squares, or none"
        require(len(self.contrast) in (0, cells), "contrast", self.contrast, one_each)
        inside = all(0 < value < 1 for value in self.bins)
        require(inside, "bins", self.bins, "must lie strictly between 0 and 1")
        # log first: n and the bins may be absurd, and the power with them
        log_images = cells * math.log(len(self.bins))
        if log_images > math.log(MAX_TEST_IMAGES) + 1e-9:
            raise ConfigError(
                f"{len(self.bins)} bins in {self.n}×{self.n} cells make a test set of "
                f"{len(self.bins)}^{cells} images, over {MAX_TEST_IMAGES:,}; "
                "use fewer --bins or a smaller --n"
            )

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The squares' intensities, row by row."""
        return tuple(Factor(f"square {i + 1}") for i in range(self.n**2))

    @property
    def latents(self) -> int:
        """Number of squares, n²."""
        return self.n**2

    @property
    def image(self) -> Image:
        """Height, width and channels: grey."""
        return (self.m * self.n, self.m * self.n, 1)

    @property
    def contrasts(self) -> np.ndarray:
        """Contrast of each square, `[n²]`."""
        return np.broadcast_to(np.asarray(self.contrast or 1.0), (self.n**2,))

    @property
    def caption(self) -> str:
        """What the images of the test set show."""
        bins = ", ".join(f"{b:g}" for b in self.bins)
        return f"squares in greys, all combinations of {{{bins}}}"

    def link(self, z: jax.Array) -> jax.Array:
        """Return intensities, u = sigmoid(z)."""
        return jax.nn.sigmoid(z)

    def render(self, u: jax.Array) -> jax.Array:
        """Draw each factor as an m×m block: `[..., n²]` → `[..., (m·n)²]`, row-major.

        Intensity = 0.5 + contrast·(u − 0.5): low contrast is nearer the grey at the middle, so that
        the world stays the same seen in negative (u → 1 − u).
        """
        if self.contrast:  # without, u is drawn to the last bit
            contrast = jnp.asarray(self.contrasts, jnp.float32)
            u = 0.5 + jnp.broadcast_to(contrast, u.shape) * (u - 0.5)
        # a product with zeros and ones: exact, and on a CPU faster than broadcasting
        return jnp.matmul(u, self.blocks, precision="highest")

    @property
    def blocks(self) -> np.ndarray:
        """The pixels of each square, 1 within and 0 without, `[n², pixels]`."""
        stripes = np.kron(np.eye(self.n, dtype=np.float32), np.ones(self.m, np.float32))
        return np.kron(stripes, stripes)

    def rare(self, images: jax.Array) -> jax.Array:
        """Tell which squares' mean intensity is below ½: `[..., pixels]` → `[..., n²]`."""
        sums = jnp.matmul(images, self.blocks.T, precision="highest")
        return sums < 0.5 * self.m**2

    def event_probability(self, bias: Bias, strength: float) -> float | None:
        """Return Φ(−mean/deviation) of normal latents, else the mean of P(z < 0) by quadrature.

        None if the bias does not know its moments, or in a subclass.
        """
        if type(self) is not Squares or not isinstance(bias, LatentBias):
            return None
        normal = bias.normal(strength)
        if normal is None:
            found = bias.on(self.factors).moments(strength, self.latents, lambda z: z < 0)
            return None if found is None else float(found.mean.mean())
        mean, deviation = normal
        if deviation == 0:
            return float(mean < 0)
        return 0.5 * math.erfc(mean / deviation / math.sqrt(2))

    def test_factors(self, data: Any = ()) -> jax.Array:
        """Return every combination of the bins over the squares, `[len(bins)^n², n²]`."""
        combinations = itertools.product(self.bins, repeat=self.n**2)
        u = jnp.asarray(np.array(list(combinations), dtype=np.float32))
        return jax.lax.optimization_barrier(u)  # or XLA draws their images while it compiles
