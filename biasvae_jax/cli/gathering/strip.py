"""The training strip: the same draws as the fairest and ever more biased models see them."""

from collections.abc import Iterable

import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.figures import pictures
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.report.sprites import sprite
from biasvae_jax.runs.loading import LoadedRun

ROWS, IMAGES = 3, 12
ROW_BYTES = 300_000


def training_strip(run: LoadedRun, biases: Iterable[float]) -> dict[str, str]:
    """Draw training images without noise as a PNG's data URI for each bias shown, fairest first.

    Of large images fewer are drawn, and none of those of which even one is over 300 kB.
    """
    recipe, axis = run.recipe, run.grid.bias
    noise = recipe.world.draw(purpose_key(0, Purpose.FIGURE), (IMAGES,))
    strip = {}
    for strength in fair_to_biased(axis, biases):
        clean = pictures(recipe.sample(noise, strength, run.data).x_clean, recipe.world.image)
        count, drawn = IMAGES, sprite(clean[None])
        while len(drawn) > ROW_BYTES and count > 1:
            count //= 2
            drawn = sprite(clean[None, :count])
        if len(drawn) <= ROW_BYTES:
            strip[f"{axis.symbol} = {strength:g}"] = drawn
    return strip


def fair_to_biased(axis: Axis, biases: Iterable[float]) -> list[float]:
    """Pick the fairest, the middle and the most biased of the strengths, by their distance.

    Where no value is known to be fair, the lowest, the middle and the highest.
    """
    unknown = np.isnan(axis.neutral)
    ordered = sorted(biases, key=lambda value: value if unknown else abs(value - axis.neutral))
    places = np.unique(np.linspace(0, len(ordered) - 1, ROWS).round().astype(int))
    return [ordered[place] for place in places]
