"""A face drawn from shapes that cover one another, each with an edge of a pixel."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

SIDE = 64
PIXEL = 2 / SIDE  # the picture is [−1, 1]², y downwards
DARK, BLOND = (0.16, 0.10, 0.07), (0.96, 0.81, 0.44)
SKIN = (0.99, 0.86, 0.76), (0.64, 0.42, 0.29), (0.29, 0.17, 0.11)  # light, between, dark
BACKGROUND = (0.33, 0.55, 0.80), (0.93, 0.70, 0.60)
CLOTHES, WHITE, INK, ROSE = (0.24, 0.38, 0.42), (0.97,) * 3, (0.12, 0.10, 0.10), (0.85, 0.35, 0.3)
SHADE = 0.87  # of what is behind the face
TURN = 0.55  # radians to either side
CROWN = slice(9, 12), slice(28, 36)  # rows and columns that are hair in every face
NECK = slice(52, 57), slice(29, 35)  # and those that are skin in the shade

Colour = Sequence[Any]
"""Red, green and blue."""


@jax.jit
def portraits(u: jax.Array) -> jax.Array:
    """Draw faces from numbers in [0, 1], those that `portrait` names: `[..., 6]` → `[..., pixels]`.

    Pixels are in the order height, width, channel.
    """
    return jnp.vectorize(lambda u: portrait(*u).ravel(), signature="(f)->(p)")(u)


def portrait(
    hair: jax.Array,
    skin: jax.Array,
    length: jax.Array,
    smile: jax.Array,
    turn: jax.Array,
    background: jax.Array,
) -> jax.Array:
    """Draw a face, `[64, 64, 3]`.

    What is on it lies on a sphere: `angle` is the longitude of each column, from the nose.
    """
    line = np.arange(SIDE, dtype=np.float32) * PIXEL + (PIXEL / 2 - 1)
    x, y = line[None, :], line[:, None] + 0.05
    away = 2 * TURN * (turn - 0.5)
    across = x - 0.12 * away  # from the middle of the head
    angle = jnp.arcsin(jnp.clip(across / 0.5, -0.98, 0.98)) - away

    shoulders = _cover(_oval(x, y - 1.22, 0.92, 0.52))
    neck = _cover(jnp.abs(x - 0.03 * away) - 0.19) * _cover(_oval(x, y - 0.68, 0.40, 0.30))
    ears = _cover(_oval(jnp.abs(across + 0.12 * away) - 0.47, y - 0.08, 0.09, 0.13))
    face = _cover(_oval(across / (1 - 0.17 * y), y - 0.02, 0.47, 0.60))

    crown = _oval(across + 0.06 * away, y + 0.10, 0.56, 0.62)
    end = 0.25 + 0.61 * length
    fall = _rounded(across + 0.08 * away, 0.54, y - end / 2 + 0.125, end / 2 + 0.125, 0.15)
    sides = _oval(angle, jnp.maximum(y + 0.12, 0), 1.9, 0.42)
    forehead = jnp.minimum(
        _oval(angle, y - 0.17, 0.88, 0.56), _oval(angle - 0.2, y + 0.30, 0.62, 0.20)
    )
    fringe = jnp.maximum(jnp.maximum(crown, sides), -forehead)

    half = jnp.abs(angle)  # both sides of the face at once
    eye = half - 0.40
    iris = _cover(_oval(eye, y - 0.02, 0.085, 0.068))
    lid = _stroke(y + 0.052 - 0.9 * eye**2, 0.020) * _stroke(eye / 2, 0.095)
    frown = 0.28 * (1 - smile) ** 2
    brow = half - 0.43
    brows = _stroke(y + 0.17 + 0.03 * smile + frown * brow - 0.6 * brow**2, 0.026)
    wide = 0.27 + 0.10 * smile
    along = jnp.square(half / wide)
    lips = (0.022 + 0.014 * (2 * smile - 1) ** 2) * (1 - 0.6 * along)
    mouth = _stroke(y - 0.38 - (0.26 * smile - 0.11) * (0.55 - along), lips)
    cheeks = 1 - jnp.square((half - 0.58) / 0.34) - jnp.square((y - 0.22) / 0.18)

    hairs, tone = _mix(DARK, BLOND, hair), _tone(skin)
    lip = [0.62 * tone[0] + 0.12, 0.33 * tone[1] + 0.02, 0.33 * tone[2] + 0.03]
    return _over(
        _mix(*BACKGROUND, background),
        (shoulders, CLOTHES),
        (_cover(jnp.minimum(crown, fall)), _times(hairs, SHADE)),
        (jnp.maximum(neck, ears), _times(tone, SHADE)),
        (face, tone),
        (face * 0.3 * jnp.clip(cheeks, 0, 1), _mix(tone, ROSE, 0.6)),
        (_cover(fringe), hairs),
        (_cover(_oval(eye, y - 0.02, 0.17, 0.075)), WHITE),
        (jnp.maximum(iris, lid), INK),
        (brows * _stroke(brow / 2, 0.10), _times(hairs, 0.6)),
        (_cover(_oval(angle - 0.22 * away, y - 0.20, 0.10, 0.035)), _times(tone, 0.75)),
        (mouth * _cover((half - wide) / 2), lip),
    )


def _over(background: Colour, *layers: tuple[jax.Array, Colour]) -> jax.Array:
    """Lay colours over one another, each where it covers: `[64, 64, 3]`."""
    channels = []
    for c in range(3):  # a channel at a time: on a CPU five times as fast as a product
        image = background[c]
        for cover, colour in layers:
            image = image + cover * (colour[c] - image)
        channels.append(image)
    return jnp.stack(channels, axis=-1)


def _cover(distance: Any) -> jax.Array:
    """Return how much of a pixel is within a shape, by the distance of its middle from the edge."""
    return jnp.clip(0.5 - distance / PIXEL, 0, 1)


def _stroke(distance: Any, half: jax.Array | float) -> jax.Array:
    """Return how much of a pixel is within a line of a half width."""
    return _cover(jnp.abs(distance) - half)


def _oval(x: Any, y: Any, a: float, b: float) -> jax.Array:
    """Return the distance from an ellipse, right to first order at its edge; below 0 within."""
    return 0.5 * min(a, b) * (jnp.square(x / a) + jnp.square(y / b) - 1)


def _rounded(x: Any, a: Any, y: Any, b: Any, corner: float) -> jax.Array:
    """Return the distance from a rectangle with round corners, right at its edge."""
    over = [jnp.maximum(jnp.abs(v) - (side - corner), 0) for v, side in ((x, a), (y, b))]
    return 0.5 * (jnp.square(over[0]) + jnp.square(over[1])) / corner - corner / 2


def _mix(first: Colour, second: Colour, share: Any) -> Colour:
    return [a + (b - a) * share for a, b in zip(first, second, strict=True)]


def _times(colour: Colour, factor: float) -> Colour:
    return [factor * channel for channel in colour]


def _tone(skin: jax.Array) -> Colour:
    """Return the colour of skin from light to dark, through the one between."""
    light, between, dark = SKIN
    low, high = _mix(light, between, 2 * skin), _mix(between, dark, 2 * skin - 1)
    return [jnp.where(skin < 0.5, a, b) for a, b in zip(low, high, strict=True)]
