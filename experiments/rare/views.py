"""How images of a world are read: what they show, in classes and in numbers, however noisy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.worlds import Faces, Rivers, portrait

FAIR_OTHERS = (0.5, 0.5, 0.5, 0.5)  # of a face: all but hair and skin
RIVER_BATCHES, FACE_BATCHES = 16, 4  # of 512 samples of the prior each
OF_EACH = 4  # test faces of each pair of a hair colour and a skin tone


@dataclass(frozen=True)
class View:
    """The questions that a world is asked, and the test images by which it is asked."""

    cases: np.ndarray
    """Factors of the test images, `[cases, factors]`."""
    shown: np.ndarray
    """Factors of those in pictures, `[shown, factors]`."""
    classes: Sequence[str]
    """What an image may show, one of these; the rarest under the bias last."""
    read: Callable[[jax.Array], jax.Array]
    """Images `[..., pixels]` → what each shows in numbers, `[..., numbers]`, on the scale of u."""
    numbers: Sequence[str]
    """What they are of."""
    classify: Callable[[jax.Array], jax.Array]
    """Numbers `[..., numbers]` → class `[...]`."""
    rarity: Callable[[jax.Array], jax.Array]
    """Numbers `[..., numbers]` → how rare under the bias, `[...]`."""
    batches: int
    """Of 512 samples of the prior each."""
    told: Sequence[int]
    """Factors that a head is to tell from the code, as above ½ or not."""
    moved: Sequence[int] = ()
    """Factors that are moved one at a time, through the code; `numbers` are theirs."""


def view_of(world: Any) -> View:
    """Return a world's view: of rivers or faces."""
    return _rivers(world) if isinstance(world, Rivers) else _faces(world)


def _rivers(world: Rivers) -> View:
    """Read a river as the nearest of all of them, by least squares: blind to noise of a pixel.

    The numbers are its turns to the left and the mean squared distance of a pixel.
    """
    every = world.test_factors()
    templates, left = world.render(every), (1 - every).sum(-1)

    def read(images: jax.Array) -> jax.Array:
        cross = jnp.matmul(images, templates.T, precision="highest")
        distance = jnp.broadcast_to(jnp.square(templates).sum(-1), cross.shape) - 2 * cross
        best = jnp.argmin(distance, -1)
        away = (jnp.square(images).sum(-1) + distance.min(-1)) / world.pixels
        return jnp.stack([left[best], away], -1)

    half = world.turns // 2
    shown = np.array(
        [
            [1] * world.turns,
            [1] * half + [0] * half,
            [1, 0] * half,
            [0, 1] * half,
            [0] * half + [1] * half,
            [0] * world.turns,
        ]
    )
    return View(
        cases=np.asarray(every),
        shown=shown.astype(np.float32),
        classes=[f"{k}" for k in range(world.turns + 1)],
        read=read,
        numbers=("left turns", "distance"),
        classify=lambda numbers: jnp.round(numbers[..., 0]).astype(int),
        rarity=lambda numbers: numbers[..., 0] - numbers[..., 1],
        batches=RIVER_BATCHES,
        told=range(world.turns),
    )


def _faces(world: Faces) -> View:
    """Read hair and skin from the mean colour of the crown and of the neck, 0 to 1 each."""
    skin = np.array([np.mean(colour) for colour in portrait.SKIN]) * portrait.SHADE
    dark, blond = np.mean(portrait.DARK), np.mean(portrait.BLOND)

    def read(images: jax.Array) -> jax.Array:
        folded = images.reshape(*images.shape[:-1], *world.image)
        crown, neck = (
            folded[..., rows, columns, :].mean((-3, -2, -1))
            for rows, columns in (portrait.CROWN, portrait.NECK)
        )
        tone = jnp.interp(-neck, -skin, np.array([0.0, 0.5, 1.0]))
        return jnp.stack([(crown - dark) / (blond - dark), tone], -1)

    def classify(numbers: jax.Array) -> jax.Array:
        fair, deep = (numbers > 0.5).astype(int)[..., 0], (numbers > 0.5).astype(int)[..., 1]
        return 2 * fair + deep

    u = np.asarray(world.test_factors())
    kept = np.random.default_rng(0).permutation(len(u))
    alike = [(u[kept, :2] == pair).all(1) for pair in np.unique(u[:, :2], axis=0)]
    pairs = [(0, 0.9), (1, 0.1), (0, 0.1), (1, 0.9)]
    varied = [(1, 0.9, 0.9, 0.9, 0.1, 0.9), (1, 0.7, 0.1, 0.1, 0.9, 0.1)]
    return View(
        cases=np.concatenate([u[kept][those][:OF_EACH] for those in alike]),
        shown=np.array([*((*pair, *FAIR_OTHERS) for pair in pairs), *varied], np.float32),
        classes=("dark hair, light skin", "dark hair, dark skin", "blond, light", "blond, dark"),
        read=read,
        numbers=("hair colour", "skin tone"),
        classify=classify,
        rarity=lambda numbers: numbers.min(-1),
        batches=FACE_BATCHES,
        told=(0, 1),
        moved=(0, 1),
    )
