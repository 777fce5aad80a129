"""Our own way, through the public API: `make_plan` and `Sweep.train`."""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from biasvae_jax import Recipe, Sweep, make_plan
from biasvae_jax.biases import Resample, Shift
from biasvae_jax.components import find_kind
from biasvae_jax.networks import Dense
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.study import Study, Training
from biasvae_jax.worlds import Squares, Table
from experiments.benchmark.contestant import STEPS, Contestant
from experiments.benchmark.reference import as_tree, faces
from experiments.benchmark.settings import Setting

ROWS = 73_728  # of the table: a tenth of dSprites, 302 MB of its 64×64 pixels


def mlp_params(given: dict[str, np.ndarray]) -> Any:
    """Return the reference's parameters as our MLP has them."""
    layer = lambda name: {"kernel": given[name], "bias": given[name + "b"]}  # noqa: E731
    return {
        "encoder": {"Dense_0": layer("e1"), "Dense_1": layer("e2")},
        "decoder": {"Dense_0": layer("d1"), "Dense_1": layer("d2")},
    }


def loss_of(recipe: Any, params: Callable = mlp_params) -> Callable:
    """Return the function from a reference to our mean loss at β = 2."""

    def loss(given):
        batch = params(given), given["x"], given["eps"]
        losses = recipe.objective.losses(
            recipe.network, *batch, 2.0, np.int32(2**30), recipe.likelihood_variance
        )
        return float(losses.loss.mean())

    return loss


def swept(study: Any, recipe: Any, params: Callable = mlp_params, chunk: int | None = None):
    """Train a grid, a chunk a repetition."""
    grid = study.grid
    plan = make_plan(recipe, grid.cells, grid.seeds, chunk=chunk)
    sweep, models = Sweep(recipe, plan), grid.models
    groups = [models[part] for part in plan.groups(grid.size)]
    states = [sweep.init(group) for group in groups]  # all kept: only training is timed

    def run():
        for index, group in enumerate(groups):
            _, states[index], _ = next(sweep.train(group, states[index], 0, plan.chunk))
            jax.block_until_ready(states[index])

    return Contestant(run, loss_of(recipe, params), grid.size * plan.chunk)


def ours(setting: Setting, images: int | None = None, kind: str = "beta_elbo") -> Contestant:
    """The original study's grid, of so many images a seed, and with the objective of a kind."""
    objective: Any = find_kind("objective", kind)()
    study, recipe = setting.config.study, Recipe.from_config(setting.config)
    recipe = dataclasses.replace(recipe, training_images=images, objective=objective)
    return swept(study, recipe)


def ours_few(setting: Setting) -> Contestant:
    """With a training set of 500 images."""
    return ours(setting, 500)


def ours_many(setting: Setting) -> Contestant:
    """With a training set of 30,000 images."""
    return ours(setting, 30_000)


def ours_objective(setting: Setting, kind: str) -> Contestant:
    """With the objective of a kind, at its strength in the place of β."""
    return ours(setting, kind=kind)


def ours_faces(setting: Setting) -> Contestant:
    """On drawn faces with the convolution: the preset `faces`, whatever the setting."""
    return swept(faces(), faces().recipe, as_tree, chunk=STEPS)


def ours_table(setting: Setting) -> Contestant:
    """On rows of 64×64 pixels from a file in dSprites' layout."""
    rng = np.random.default_rng(0)
    factors = np.stack([np.arange(ROWS) % 2, rng.integers(0, 3, ROWS)], 1).astype(float)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npz"
        images = rng.integers(0, 2, (ROWS, 64, 64), np.uint8)
        np.savez(file, allow_pickle=False, imgs=images, latents_values=factors)
        world = Table(data=str(file), test_images=64)
        contestant = _large(setting, world, Resample(), (0.1, 0.9))
        contestant.run()  # reads the file
        return contestant


def ours_generated(setting: Setting) -> Contestant:
    """On squares of 64×64 pixels, each image a fresh one: the same network as `ours_table`."""
    return _large(setting, Squares(8, 8, bins=(0.5,)), Shift(), (0.0, 3.0))


def _large(setting: Setting, world: Any, bias: Any, ends: tuple[float, float]) -> Contestant:
    study = Study(
        world,
        bias,
        BetaElbo(likelihood_variance=0.1),
        Dense((setting.hidden,)),
        Training(batch_size=setting.batch_size),
        biases=tuple(np.linspace(*ends, 4).tolist()),
        strengths=(0.1, 0.5, 1.0, 2.0),
        latent_dim=setting.latents,
    ).sealed()
    return swept(study, study.recipe, chunk=STEPS)
