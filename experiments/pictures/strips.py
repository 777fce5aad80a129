"""Strips of training images: the same draws, from fair to most biased."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from biasvae_jax.biases import (
    Associate,
    Bias,
    Correlate,
    CorrelateRows,
    Missing,
    Mixture,
    Probability,
    Resample,
    Scale,
    Shift,
    Truncate,
)
from biasvae_jax.cli.gathering.strip import fair_to_biased
from biasvae_jax.figures import pictures
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.worlds import Digits, Faces, Rivers, Squares, Table, World

IMAGES = 12
TYPE = 14  # points
WIDTH = 10.0  # inches
README_BIASES = (0.0, 2.0, 5.0)


def worlds() -> Mapping[str, tuple[World, Bias]]:
    """Return the worlds that need no file, each with a bias that has a fair strength."""
    return {
        "squares": (Squares(), Shift()),
        "rivers": (Rivers(), Probability()),
        "faces": (Faces(), Missing()),
        "digits": (Digits(), Resample(factor="class", value=8)),
    }


@contextmanager
def biases() -> Iterator[Mapping[str, tuple[World, Bias]]]:
    """Give each bias with a world on which it is seen; a table of faces lies in a file meanwhile.

    `resample` shows the digit that gets another share.
    """
    squares, faces = Squares(), Faces()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "faces.npz"
        u = faces.test_factors()
        images = np.asarray(faces.render(u)).reshape(-1, *faces.image)
        names = [factor.name for factor in faces.factors]
        drawn = np.uint8(np.clip(images, 0, 1) * 255)
        np.savez(file, imgs=drawn, latents_values=np.asarray(u), latents_names=names)
        table = Table(data=str(file), test_images=100)
        yield {
            "shift": (squares, Shift()),
            "scale": (squares, Scale()),
            "truncate": (squares, Truncate()),
            "correlate": (squares, Correlate(pairs="square 1 & *")),
            "mixture": (squares, Mixture()),
            "missing": (faces, Missing(combination="hair colour & skin tone")),
            "probability": (Rivers(), Probability()),
            "resample": (Digits(), Resample(factor="class", value=8)),
            "associate": (table, Associate(attributes="hair colour & skin tone")),
            "correlate_rows": (table, CorrelateRows(pairs="hair length & expression")),
        }


def strip(world: World, bias: Bias, strengths: tuple[float, ...], clean: bool = True) -> np.ndarray:
    """Return the same draws under each strength, `[strengths, IMAGES, height, width]` (or RGB)."""
    noise = world.draw(purpose_key(0, Purpose.FIGURE), (IMAGES,))
    data = jax.tree.map(jnp.asarray, world.load(bias))
    samples = [world.sample(noise, bias, strength, data) for strength in strengths]
    drawn: Any = [each.x_clean if clean else each.x for each in samples]
    return np.clip(np.stack([pictures(each, world.image) for each in drawn]), 0, 1)


def of_world(world: World, bias: Bias) -> Figure:
    """Draw fair training images of a world."""
    fair = fair_to_biased(bias.axis, bias.axis.values)[0]
    return draw({"": strip(world, bias, (fair,))})


def of_bias(world: World, bias: Bias) -> Figure:
    """Draw training images from the fairest to the most biased."""
    strengths = tuple(fair_to_biased(bias.axis, bias.axis.values))
    names = [f"{bias.axis.symbol} = {strength:g}" for strength in strengths]
    return draw({"": strip(world, bias, strengths)}, names)


def of_readme() -> Figure:
    """Draw squares under three biases, and the same as the models see them."""
    world, bias, shown = Squares(), Shift(), slice(IMAGES // 2)
    halves = {
        "squares, from fair to biased": strip(world, bias, README_BIASES)[:, shown],
        "as the models see them": strip(world, bias, README_BIASES, clean=False)[:, shown],
    }
    return draw(halves, [f"{bias.axis.symbol} = {strength:g}" for strength in README_BIASES])


def draw(parts: Mapping[str, np.ndarray], names: Sequence[str] = ()) -> Figure:
    """Draw strips beside each other, with a title each and a name for each row."""
    first, *_ = parts.values()
    rows, columns = first.shape[:2]
    left, top = 1.1 if names else 0.05, 0.4 if any(parts) else 0.05  # inches
    space = WIDTH - left - 0.25 * (len(parts) - 1)
    side = space / (columns * len(parts))
    height = top + rows * side
    figure = Figure(figsize=(WIDTH, height))
    for part, (title, images) in enumerate(parts.items()):
        start = left + part * (columns * side + 0.25)
        figure.text(start / WIDTH, 1 - 0.05 / height, title, fontsize=TYPE, va="top")
        for row, column in np.ndindex(rows, columns):
            x, y = start + column * side, height - top - (row + 1) * side
            box = (x / WIDTH, y / height, 0.94 * side / WIDTH, 0.94 * side / height)
            axes = figure.add_axes(box, xticks=[], yticks=[])
            axes.imshow(images[row, column], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.spines[:].set_color("0.6")
    for row, name in enumerate(names):
        y = (height - top - (row + 0.5) * side) / height
        figure.text(0.05 / WIDTH, y, name, fontsize=TYPE, va="center")
    return figure
