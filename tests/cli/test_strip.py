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
    drawn = strip.training_strip(run, (0.0, 1.0, 4.0))
    assert list(drawn) == ["μ = 0", "μ = 1", "μ = 4"]
    means = [np.asarray(opened(uri).convert("L"), float).mean() for uri in drawn.values()]
    assert means == sorted(means)
    assert opened(drawn["μ = 0"]).size == (strip.IMAGES * 7 - 1, 6)


def test_of_large_images_fewer_are_drawn_and_of_too_large_ones_none(run, monkeypatch):
    whole = len(strip.training_strip(run, (0.0,))["μ = 0"])
    monkeypatch.setattr(strip, "ROW_BYTES", whole - 1)
    assert opened(strip.training_strip(run, (0.0,))["μ = 0"]).size == (6 * 7 - 1, 6)
    monkeypatch.setattr(strip, "ROW_BYTES", 10)
    assert strip.training_strip(run, (0.0,)) == {}
