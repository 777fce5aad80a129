import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from biasvae_jax.axes import Axis, Grid
from biasvae_jax.biases import Shift
from biasvae_jax.cli.gathering import strip
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.worlds import Squares


@pytest.fixture
def run():
    world, axis = Squares(n=2, m=3), Axis("mu", "μ", "", (0.0, 1.0, 4.0), neutral=0.0)
    recipe = SimpleNamespace(
        world=world, sample=lambda noise, strength, data: world.sample(noise, Shift(), strength)
    )
    return SimpleNamespace(recipe=recipe, grid=Grid(axis, BetaElbo.axis, 1), data=())


def opened(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize(
    ("neutral", "values", "shown"),
    [
        (0.0, (4.0, 0.0, 1.0), [0, 1, 4]),
        (1.0, (0.25, 0.5, 1.0, 2.0, 3.0), [1, 0.25, 3]),
        (0.5, (0.9, 0.1), [0.9, 0.1]),
        (0.0, (2.0,), [2]),
        (np.nan, (0.9, 0.1, 0.5, 0.2), [0.1, 0.5, 0.9]),
    ],
)
def test_a_strip_goes_from_the_fairest_to_the_most_biased(neutral, values, shown):
    axis = Axis("a", "a", "", values, neutral=neutral)
    assert strip.fair_to_biased(axis, values) == shown


def test_a_row_is_the_same_draws_and_brighter_where_the_bias_is(run):
    drawn = strip.training_images(run, (0.0, 1.0, 4.0))
    means = [np.asarray(opened(seen.clean).convert("L"), float).mean() for seen in drawn]
    assert len(means) == 3 and means == sorted(means)
    for seen in drawn:
        assert opened(seen.clean).size == opened(seen.noised).size == (strip.IMAGES * 7 - 1, 6)


def test_images_without_noise_are_drawn_once(run):
    world = Squares(n=2, m=3, noise_variance=0.0, noise_mean=0.0)
    run.recipe.world = world
    run.recipe.sample = lambda noise, strength, data: world.sample(noise, Shift(), strength)
    assert strip.training_images(run, (1.0,))[0].noised == ""


def test_of_large_images_fewer_are_drawn_and_of_too_large_ones_none(run, monkeypatch):
    biases = (0.0, 4.0)
    whole = sum(len(uri) for seen in strip.training_images(run, biases) for uri in seen)
    monkeypatch.setattr(strip, "STRIP_BYTES", whole - 1)
    fewer = strip.training_images(run, biases)
    assert [opened(uri).size for seen in fewer for uri in seen] == [(6 * 7 - 1, 6)] * 4
    monkeypatch.setattr(strip, "STRIP_BYTES", 10)
    assert strip.training_images(run, biases) == []
