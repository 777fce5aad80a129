"""Training images: the same draws as the fairest and ever more biased models see them."""

from collections.abc import Iterable, Sequence

import jax
import numpy as np

from biasvae_jax.axes import Axis, thinned
from biasvae_jax.figures import pictures
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.report import Seen
from biasvae_jax.report.sprites import sprite
from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.worlds.base import Sample

ROWS, IMAGES = 3, 12
STRIP_BYTES = 600_000  # of all biases together


def training_images(run: LoadedRun, biases: Sequence[float]) -> list[Seen]:
    """Draw training images of each bias, without noise and, where there is any, with it.

    Of large images fewer are drawn, and none (an empty list) if even one of each is too much.
    """
    recipe, samples = run.recipe, same_draws(run, biases, IMAGES)
    noisy = bool(recipe.world.noise_variance or recipe.world.noise_mean)
    count = IMAGES
    while count:
        drawn, room = [], STRIP_BYTES
        for sample in samples:
            parts = (sample.x_clean, sample.x) if noisy else (sample.x_clean,)
            images = (pictures(part[:count], recipe.world.image) for part in parts)
            drawn.append(Seen(*(sprite(each[None]) for each in images)))
            room -= sum(map(len, drawn[-1]))
            if room < 0:
                break
        if room >= 0:
            return drawn
        count //= 2
    return []


def same_draws(run: LoadedRun, biases: Iterable[float], count: int) -> list[Sample]:
    """Make training data of the same draws under each bias, `count` of them."""

    @jax.jit
    def made(strength, data):
        noise = run.recipe.world.draw(purpose_key(0, Purpose.FIGURE), (count,))
        return run.recipe.sample(noise, strength, data)

    data = jax.device_put(run.data)
    return [made(strength, data) for strength in biases]


def fair_to_biased(axis: Axis, biases: Iterable[float]) -> list[float]:
    """Pick the fairest, the middle and the most biased of the strengths, by their distance.

    Where no value is known to be fair, the lowest, the middle and the highest.
    """
    unknown = np.isnan(axis.neutral)
    ordered = sorted(biases, key=lambda value: value if unknown else abs(value - axis.neutral))
    return thinned(ordered, ROWS)
