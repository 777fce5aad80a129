"""A small grid, trained in one group as a plan says."""

import chex
import numpy as np

from biasvae_jax.config import Config
from biasvae_jax.sweep import Sweep, grid
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.training import Recipe

SMALL = Config(
    mu=(0.0, 1.0, 3.0), beta=(0.5, 4.0), seeds=2, steps=50, n=2, m=3, hidden=(16,), batch_size=8
)
PLAN = Plan(devices=1, group=12, width=1, chunk=20)


def trained(config=SMALL, plan=PLAN, only=None, score=False):
    """Train a grid (or one model of it) in one group; return state, losses, scores and finite."""
    models = grid(config)[slice(None) if only is None else slice(only, only + 1)]
    sweep = Sweep(Recipe.from_config(config), plan)
    state, losses = sweep.init(models), []
    for _, state, info in sweep.train(models, state, 0, config.steps):
        losses.append(info.loss)
    scores = sweep.score(models, state.params) if score else None
    finite = sweep.finite(models, state)
    return sweep.gather(state, models), np.concatenate(losses, 1), scores, finite


def close(a, b):
    chex.assert_trees_all_close(a, b, rtol=1e-4, atol=1e-5)
