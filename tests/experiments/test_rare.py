"""Rivers and faces: their runs, how images are read, and the pages on made-up answers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax.cli.sweep import read_flags
from biasvae_jax.worlds import Faces, Rivers
from experiments.rare.runs import RUNS
from experiments.rare.views import view_of


@pytest.mark.parametrize("name", RUNS)
def test_the_flags_of_every_run_are_a_study_with_a_fair_bias_to_compare_with(name):
    study = read_flags(RUNS[name].words(False))[1]
    assert study.bias.axis.neutral in study.biases and study.seeds >= 3
    assert study.training.training_images == (1_000 if name.endswith("1000") else None)


def test_a_river_is_read_through_noise_that_the_worlds_own_reader_cannot_see_through():
    world = Rivers()
    u = world.test_factors()
    noisy = world.render(u) + 0.3 * jax.random.normal(jax.random.key(0), (len(u), world.pixels))
    left = (1 - u).sum(-1)
    read = view_of(world).read(noisy)
    assert (read[:, 0] == left).all()
    np.testing.assert_allclose(read[:, 1], 0.09, rtol=0.3)
    wrong = world.rare(noisy).sum(-1) != left
    assert wrong.mean() > 0.5


def test_hair_and_skin_of_every_face_are_read_as_drawn():
    world = Faces()
    view = view_of(world)
    u = jnp.asarray(view.cases)
    read = view.read(world.render(u))
    np.testing.assert_allclose(read[:, :2], u[:, :2], atol=0.05)
    classes = np.asarray(view.classify(read))
    np.testing.assert_array_equal(classes, 2 * (u[:, 0] > 0.5) + (u[:, 1] > 0.5))
    assert (world.rare(world.render(u))[:, 0] == (classes == 3)).all()
    assert (np.bincount(classes) == 16).all()
