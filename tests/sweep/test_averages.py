"""Means over batches of noise that the models of a seed share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax.axes import Models
from biasvae_jax.sweep import averages
from biasvae_jax.sweep.averages import Average
from biasvae_jax.sweep.layout import Layout
from biasvae_jax.sweep.plan import Plan

BATCHES = 6
SEEDS = np.array([3, 3, 3, 3, 3, 8, 9, 9, 9], np.int32)
MODELS = Models(SEEDS, np.zeros(9, np.float32), np.arange(9, dtype=np.float32))
PARAMS = {"w": np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)}


def draw(seed, batch, recipe):
    key = jax.random.fold_in(jax.random.key(seed), batch)
    return {"x": jax.random.normal(key, (5, 4)), "key": key}


def product(noise, params, strength, recipe, known):
    again = jax.random.normal(noise["key"], (5, 4))
    return {
        "mean": known * (noise["x"] @ params["w"]).mean() + strength,
        "again": again - noise["x"],
    }


def average(plan, batches=BATCHES, function=product):
    return Average(Layout(plan), None, batches, draw, function)  # type: ignore[arg-type]


def loop():
    for seed, w, strength in zip(SEEDS, PARAMS["w"], MODELS.beta, strict=True):
        x = np.stack([draw(int(seed), batch, None)["x"] for batch in range(BATCHES)])
        yield 2 * (x @ w).mean() + strength


@pytest.mark.parametrize("plan", [Plan(1, 9, 1, 1), Plan(2, 9, 1, 1), Plan(2, 9, 3, 1)])
def test_each_model_has_the_mean_over_its_seeds_batches(plan):
    found = average(plan)(MODELS, np.float32(2), PARAMS, MODELS.beta)
    np.testing.assert_allclose(found["mean"], list(loop()), rtol=1e-5)
    assert found["again"].shape == (9, 5, 4) and not found["again"].any()


def test_how_many_batches_are_held_at_once_changes_little_and_they_divide_all(monkeypatch):
    size = 4 * 20 + 8
    for held, together in ((100, 6), (5, 3), (3, 3), (2, 2), (0, 1)):
        monkeypatch.setattr(averages, "NOISE_BYTES", held * size)
        one = average(Plan(1, 9, 1, 1))
        assert one._together == together
        found = one(MODELS, np.float32(2), PARAMS, MODELS.beta)["mean"]
        np.testing.assert_allclose(found, list(loop()), rtol=1e-5)


def test_one_program_serves_slices_of_one_seed_and_of_several():
    one = average(Plan(2, 9, 1, 1))
    one(MODELS, np.float32(2), PARAMS, MODELS.beta)
    assert one._lifted._cache_size() == 1


def test_a_single_batch_keeps_whole_numbers():
    count = lambda noise, *_: jnp.sum(noise["x"] > 0).astype(jnp.int32)  # noqa: E731
    found = average(Plan(1, 9, 1, 1), 1, count)(MODELS, (), PARAMS)
    assert found.dtype == np.int32 and len(set(found[:5])) == 1
