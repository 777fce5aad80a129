"""The original study's motivation: rivers of turns to the left or the right, seen from above."""

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtr

from biasvae_jax.biases.base import Bias, LatentBias
from biasvae_jax.biases.probability import Probability
from biasvae_jax.components import register, require, require_number, require_whole
from biasvae_jax.worlds.base import Factor, Generated, Image

SIDE = 24
MOST_TURNS = 16
LAND, WATER = 0.9, 0.3
MEMORY = 0.5  # of the course: with each turn, half of how far the river had drifted is forgotten
MARGIN = 5.0  # pixels from the picture's side to the course of a river of one kind of turns
SMOOTH = 0.55  # standard deviation of the smoothing of a course, in turns
WIDTHS = 1.6, 3.0  # half a river, at the top and the bottom, pixels
EDGE = 1.6  # of a bank, pixels
ACROSS = np.arange(SIDE, dtype=np.float32)[None, :] + 0.5 - SIDE / 2  # from the middle, pixels


@register
@dataclass(frozen=True)
class Rivers(Generated):
    """A river flows down the picture; each of its turns is to the left (0) or the right (1).

    With dₜ = 2uₜ − 1 its course is xₜ = xₜ₋₁/2 + step·dₜ from the middle of the top, a straight
    line between turns, smoothed: linear in u, so that a turn may be anything from 0 to 1, and
    bounded, so that every river stays in the picture. Pixels are grey, by their distance from it.
    """

    turns: int = 8
    """Turns of a river, at most 16; the test set is all 2^turns rivers."""
    noise_mean: float = 0.0
    """Mean of the observation noise."""
    noise_variance: float = 0.25
    """Variance of the observation noise, a pixel."""

    kind = "rivers"
    usual = "probability"
    event = "a turn of the river is to the left"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        require_whole("turns", self.turns)
        rule = f"must be ≤ {MOST_TURNS}: the test set is every river"
        require(self.turns <= MOST_TURNS, "turns", self.turns, rule)
        require_number("noise_mean", self.noise_mean)
        require_number("noise_variance", self.noise_variance, 0)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The turns from the top, 1 to the right and 0 to the left."""
        return tuple(Factor(f"turn {t + 1}", "binary") for t in range(self.turns))

    @property
    def image(self) -> Image:
        """Height, width and channels: grey."""
        return (SIDE, SIDE, 1)

    @property
    def caption(self) -> str:
        """What the images of the test set show."""
        return f"all rivers of {self.turns} turns"

    def link(self, z: jax.Array) -> jax.Array:
        """Return turns, u = 1 where z > 0 and 0 elsewhere."""
        return jnp.where(z > 0, 1.0, 0.0)

    def render(self, u: jax.Array) -> jax.Array:
        """Draw rivers: `[..., turns]` → `[..., 24·24]`, dark water in light land."""
        return _draw(u)

    def read(self, images: jax.Array) -> jax.Array:
        """Read turns from images: `[..., pixels]` → `[..., turns]`, −1 left to 1 right.

        The water's centre of mass in each row, and the turns whose course is nearest to it by least
        squares; 0 in rows without water.
        """
        return _read(images, self.turns)

    def rare(self, images: jax.Array) -> jax.Array:
        """Tell which turns are to the left: `[..., pixels]` → `[..., turns]`.

        More than half of a whole turn: a blur in the middle is none.
        """
        return self.read(images) < -0.5

    def shows(self, images: jax.Array) -> jax.Array:
        """Tell which rivers curve left: most of their turns do, `[...]`."""
        return self.rare(images).mean(-1) > 0.5

    def event_probability(self, bias: Bias, strength: float) -> float | None:
        """Return the mean of P(left) over the turns; None if the bias does not know its moments."""
        if type(self) is not Rivers or not isinstance(bias, LatentBias):
            return None
        bias = bias.on(self.factors)
        if isinstance(bias, Probability):  # z is noise and a shift
            shift = bias.latents(jnp.zeros(self.turns), strength)
            return float(ndtr(-np.asarray(shift, float)).mean())
        right = bias.moments(strength, self.turns, lambda z: z > 0)
        return None if right is None else float(1 - right.mean.mean())

    def test_factors(self, data: Any = ()) -> jax.Array:
        """Return every river, `[2^turns, turns]`."""
        rivers = itertools.product((0, 1), repeat=self.turns)
        return jnp.asarray(np.array(list(rivers), np.float32))


@jax.jit
def _draw(u: jax.Array) -> jax.Array:
    def one(u: jax.Array) -> jax.Array:
        right = (2 * u - 1)[:, None]
        course, slope = (jnp.matmul(by, right, precision="highest") for by in _course(len(u)))
        distance = jnp.abs(ACROSS - course) / jnp.sqrt(1 + jnp.square(slope))
        width = np.linspace(*WIDTHS, SIDE, dtype=np.float32)[:, None]
        water = jnp.clip((width - distance) / EDGE + 0.5, 0, 1)
        return (LAND + (WATER - LAND) * water).ravel()

    return jnp.vectorize(one, signature="(t)->(p)")(u)


@functools.partial(jax.jit, static_argnames="turns")
def _read(images: jax.Array, turns: int) -> jax.Array:
    nearest = np.linalg.pinv(_course(turns)[0])

    def one(image: jax.Array) -> jax.Array:
        # squared, so that what is nearly land hardly counts
        land = LAND - image.reshape(SIDE, SIDE)
        water = jnp.square(jnp.clip(land / (LAND - WATER), 0, 1))
        mass = water.sum(-1)
        centre = (water * ACROSS).sum(-1) / jnp.where(mass > 0, mass, 1)
        return jnp.matmul(nearest, centre, precision="highest")

    return jnp.vectorize(one, signature="(p)->(t)")(images)


@functools.lru_cache
def _course(turns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what each turn to the right adds to the course of a river: `[rows, turns]`, pixels.

    And to its slope, pixels across a pixel down.
    """
    after = np.arange(1, turns + 1)
    ago = after[:, None] - after
    step = (SIDE / 2 - MARGIN) * (1 - MEMORY)
    knots = np.vstack([np.zeros(turns), np.where(ago >= 0, step * MEMORY ** np.abs(ago), 0)])
    place = (np.arange(SIDE) + 0.5) / SIDE * turns
    fine = np.linspace(-2, turns + 2, 100 * (turns + 4) + 1)
    straight = np.stack([np.interp(fine, np.arange(turns + 1), knot) for knot in knots.T], axis=1)
    away = (place[:, None] - fine) / SMOOTH
    weight = np.exp(-0.5 * away**2)
    weight /= weight.sum(1, keepdims=True)
    slope = (-away * weight / SMOOTH) @ straight * turns / SIDE
    return (weight @ straight).astype(np.float32), slope.astype(np.float32)
