"""The original study's world: n×n squares whose intensities are sigmoid(z), z ~ N(μ, I)."""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.worlds.base import Sample


class SquaresNoise(NamedTuple):
    """Standard normal draws behind a batch; no bias in them."""

    latent: jax.Array
    """`[..., n²]`"""
    image: jax.Array
    """`[..., (m·n)²]`"""


@dataclass(frozen=True)
class Squares:
    """Images of n×n squares, each m×m pixels, in Gaussian observation noise.

    z ~ N(μ, I), u = sigmoid(z), x_clean = render(u), x = x_clean + N(noise_mean, noise_variance).
    The training bias is μ (`mu`), the shift of the latents' mean. Source: the original study,
    "Set-up and Methods". `contrast`, which gives squares different shares of the images' variance,
    is ours.
    """

    n: int = 3
    m: int = 7
    noise_mean: float = 0.0
    noise_variance: float = 0.25
    bins: tuple[float, ...] = (0.1, 0.5, 0.9)
    contrast: tuple[float, ...] = ()
    """One for each square; empty is 1, as in the original study."""

    @property
    def factors(self) -> int:
        """Number of squares, n²."""
        return self.n**2

    @property
    def pixels(self) -> int:
        """Number of pixels, (m·n)²."""
        return (self.m * self.n) ** 2

    @property
    def contrasts(self) -> np.ndarray:
        """Contrast of each square, `[n²]`; raises ValueError if `contrast` has another length."""
        return np.broadcast_to(np.asarray(self.contrast or 1.0), (self.factors,))

    def draw(self, key: jax.Array, shape: tuple[int, ...]) -> SquaresNoise:
        """Draw standard normals for `shape` examples."""
        latent_key, image_key = jax.random.split(key)
        return SquaresNoise(
            latent=jax.random.normal(latent_key, (*shape, self.factors)),
            image=jax.random.normal(image_key, (*shape, self.pixels)),
        )

    def renew(self, key: jax.Array, noise: SquaresNoise) -> SquaresNoise:
        """Keep the latents of drawn noise and draw the images' anew."""
        return noise._replace(image=jax.random.normal(key, noise.image.shape))

    def sample(self, noise: SquaresNoise, bias: jax.Array | float) -> Sample:
        """Make training data from drawn noise: z = μ + noise, u = sigmoid(z), x = G(z) + noise."""
        z = bias + noise.latent
        u = jax.nn.sigmoid(z)
        x_clean = self.render(u)
        x = x_clean + (self.noise_mean + self.noise_variance**0.5 * noise.image)
        return Sample(z, u, x_clean, x)

    def render(self, u: jax.Array) -> jax.Array:
        """Draw each factor as an m×m block: `[..., n²]` → `[..., (m·n)²]`, row-major.

        Intensity = 0.5 + contrast·(u − 0.5): low contrast is nearer the grey at the middle, so that
        the world stays the same seen in negative (u → 1 − u).
        """
        if self.contrast:  # without, u is drawn to the last bit
            contrast = jnp.asarray(self.contrasts, jnp.float32)
            u = 0.5 + jnp.broadcast_to(contrast, u.shape) * (u - 0.5)
        # a product with zeros and ones: exact, and on a CPU faster than broadcasting
        stripes = np.kron(np.eye(self.n, dtype=np.float32), np.ones(self.m, np.float32))
        return jnp.matmul(u, np.kron(stripes, stripes), precision="highest")

    def test_factors(self) -> jax.Array:
        """Return every combination of the bins over the squares, `[len(bins)^n², n²]`."""
        combinations = itertools.product(self.bins, repeat=self.factors)
        return jnp.asarray(np.array(list(combinations), dtype=np.float32))
