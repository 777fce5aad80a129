"""What models share while they are scored, alone or side by side."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import chex
import jax
import numpy as np

from biasvae_jax.config import Config
from biasvae_jax.scores import subject
from biasvae_jax.scores.subject import Subject, joint_sample, score_key
from biasvae_jax.training import Recipe

RECIPE = Recipe.from_config(Config(n=2, m=3, hidden=(4,)))


def model(seed, bias, params=0):
    return Subject(RECIPE, RECIPE.init(jax.random.key(params)), seed, bias)


def test_the_joint_draw_is_that_of_joint_sample(monkeypatch):
    monkeypatch.setattr(subject, "JOINT", 30)
    one = model(1, 2.0)
    expected = joint_sample(score_key(1, 1), 30, one.params, 2.0, RECIPE)
    chex.assert_trees_all_close(one.joint, expected, rtol=1e-6)


def test_images_are_those_of_the_seed_and_the_bias_whatever_was_asked_before():
    ways = [(0, 1.0), (0, 1.0), (0, 2.0), (1, 2.0), (0, 1.0)]
    images = [np.asarray(model(*way).training_images) for way in ways]
    joint = [model(*way).joint for way in ways]
    for a, b, same in ((0, 1, True), (0, 4, True), (0, 2, False), (2, 3, False)):
        assert np.array_equal(images[a], images[b]) == same
        assert all(np.array_equal(x, y) == same for x, y in zip(joint[a], joint[b], strict=True))


def test_what_models_share_is_made_once_for_threads_that_ask_together():
    made = []

    @subject._shared
    def slow(argument):
        made.append(argument)
        return sum(range(200_000)) + argument

    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(slow, [1] * 8))
    assert made == [1] and len(found) == 1


def test_data_of_another_file_is_not_taken_for_the_first():
    recipe = dataclasses.replace(RECIPE, world=_Shown())
    data = [np.full((3, 2), value, np.float32) for value in (0, 1)]
    sets = [Subject(recipe, {}, 0, 0.0, own).test_images for own in (*data, data[0])]
    chex.assert_trees_all_equal(sets, [data[0], data[1], data[0]])


@dataclasses.dataclass(frozen=True)
class _Shown:
    """A world of which the test set is the data."""

    def test_set(self, data):
        return data, data
