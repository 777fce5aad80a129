"""A model is the same wherever it is trained, and data are an argument of its program."""

import dataclasses
import functools

import chex
import jax
import numpy as np
import pytest

from biasvae_jax import Dense, FactorVae, Resample, Scale, Study, Sweep, Table, Training
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.worlds import Squares

TRAINING = Training(steps=12, batch_size=8)
ONE = Plan(devices=1, group=8, width=1, chunk=6)
BOTH = Plan(devices=2, group=8, width=4, chunk=4)  # two devices, and all of each vmapped
NAMES = ("scale", "factor", "table")
WORLD = Squares(n=2, m=3, bins=(0.2, 0.8))
LOSS = {"objective": BetaElbo(likelihood_variance=0.1), "strengths": (0.5, 5.0)}


@pytest.fixture(scope="module")
def studies(shapes3d):
    rest = {"network": Dense((4,)), "training": TRAINING, "seeds": 2}
    factor = FactorVae(discriminator=(8,))
    resample = {"bias": Resample(), "biases": (0.2, 0.8), **LOSS, **rest}
    return {
        "scale": Study(WORLD, Scale(), biases=(0.5, 1.0), strengths=(0.5, 5.0), **rest),
        "factor": Study(WORLD, objective=factor, biases=(0.0, 3.0), strengths=(0.0, 9.0), **rest),
        "table": Study(Table(data=str(shapes3d), test_images=16, noise_variance=0.1), **resample),
    }


def result(study, plan=ONE, only=slice(None), scored=True):
    """Train, and score, a part of a study's models: their states and scores."""
    models, sweep = study.grid.models[only], Sweep(study.recipe, plan)
    state = sweep.init(models)
    for _, state, _ in sweep.train(models, state, 0, study.training.steps):
        pass
    return sweep.gather(state, models), sweep.score(models, state.params) if scored else None


@pytest.fixture(scope="module")
def by_itself(studies):
    return functools.cache(lambda name: result(studies[name]))


@pytest.mark.parametrize("name", NAMES)
def test_two_devices_with_models_vmapped_equal_one_with_a_loop(studies, by_itself, name):
    (state, scores), (expected, expected_scores) = result(studies[name], BOTH), by_itself(name)
    chex.assert_trees_all_close(state, expected, rtol=1e-4, atol=1e-5)
    chex.assert_trees_all_close(scores, expected_scores, rtol=1e-2, atol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_alone_equals_itself_in_the_grid(studies, by_itself, name):
    alone, _ = result(studies[name], only=slice(5, 6), scored=False)
    expected = jax.tree.map(lambda a: a[5:6], by_itself(name)[0])
    chex.assert_trees_all_close(alone, expected, rtol=1e-4, atol=1e-5)


def lowered(file, rows):
    """Return the text of the training program of a table of so many rows."""
    table = Table(data=str(file), rows=rows, test_images=8)
    study = Study(table, Resample(), network=Dense((4,)), training=TRAINING, **LOSS)
    models, sweep = study.grid.models, Sweep(study.recipe, ONE)
    state, axes = sweep.init(models), sweep.put((models.bias, models.strength))
    noise = sweep._noise(6)(sweep._layout.share(np.unique(models.seed)), np.int32(0))
    slot = sweep.put(np.zeros(len(models.seed), np.int32))
    return sweep._chunk(6).lower((noise, sweep._data), state, slot, *axes).as_text()


def test_rows_are_an_argument_of_the_program_and_no_constant_in_it(dsprites):
    few, many = lowered(dsprites, 30), lowered(dsprites, 60)
    assert abs(len(few) - len(many)) < 20  # the numbers of rows in the arguments' types alone
    assert "dense<" not in "".join(line for line in many.splitlines() if "x64xui8" in line)


def test_a_moved_file_traces_nothing_anew(dsprites, tmp_path):
    moved = tmp_path / "moved.npz"
    moved.write_bytes(dsprites.read_bytes())
    worlds = [Table(data=str(file), test_images=16).sealed() for file in (dsprites, moved)]
    assert worlds[0] == worlds[1] and hash(worlds[0]) == hash(worlds[1])


def test_the_total_correlation_of_factor_vae_falls_with_gamma():
    """Two latents for four squares of which a shift of contrast makes a code worth mixing."""
    study = Study(
        dataclasses.replace(WORLD, noise_variance=0.01),
        objective=FactorVae(discriminator=(32,), discriminator_rate=3e-3),
        network=Dense((16,)),
        training=Training(steps=600, batch_size=64, learning_rate=3e-3),
        biases=(0.0,),
        strengths=(0.0, 50.0),
        seeds=2,
    )
    models, sweep = study.grid.models, Sweep(study.recipe, Plan(2, 4, 1, 200))
    for step, state, terms in sweep.train(models, sweep.init(models), 0, 600):
        pass
    tc = terms.total_correlation.mean(1).reshape(2, 2)
    assert (tc[:, 1] < 0.5 * tc[:, 0]).all() and (tc[:, 0] > 0.05).all(), tc
    assert set(state.params) == {"encoder", "decoder", "discriminator"}
