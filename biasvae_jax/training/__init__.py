"""Training one model: what it shares with others, one step, a scan of steps, its curves."""

from biasvae_jax.training.recipe import Recipe
from biasvae_jax.training.step import (
    StepNoise,
    TrainState,
    draw_chunk,
    draw_noise,
    init_state,
    noisy_step,
    train,
    train_chunk,
    train_step,
)

__all__ = [
    "Recipe",
    "StepNoise",
    "TrainState",
    "draw_chunk",
    "draw_noise",
    "init_state",
    "noisy_step",
    "train",
    "train_chunk",
    "train_step",
]
