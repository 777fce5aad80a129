"""The objective on the training images and on fresh ones: what a model has learned by heart."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Params
from biasvae_jax.scores.base import Meaning, register_score
from biasvae_jax.scores.diagnosis import GAP_BATCHES, fresh_noise
from biasvae_jax.training import Recipe, StepNoise
from biasvae_jax.training.images import image_noise

LOSS_BATCHES = GAP_BATCHES  # 32,768 images, those of `gap`

GENERALISATION = {
    "train_loss": Meaning(
        "objective without warm-up on the training images, trained model", "nat", "", "training",
        title="Loss on training images",
    ),
    "test_loss": Meaning(
        "objective without warm-up on 32,768 fresh images under the same bias", "nat", "lower",
        "training", title="Loss on fresh images",
    ),
    "generalisation_gap": Meaning(
        "test_loss − train_loss", "nat", "lower", "training", title="Generalisation gap of the loss"
    ),
}  # fmt: skip
register_score("generalisation", GENERALISATION, needs=["training_set"])


class Losses(NamedTuple):
    """The objective of one model on two kinds of images; each a scalar, nats an image."""

    train: jax.Array
    test: jax.Array


def set_noise(
    seed: jax.Array | int, batch: jax.Array | int, recipe: Recipe
) -> tuple[StepNoise, StepNoise]:
    """Return the noise of 512 training images, and of as many fresh ones.

    The training images come one after another, the first again after the last; the posterior's
    noise is the same for both kinds.
    """
    assert recipe.training_images, "a training set is needed"
    fresh = fresh_noise(seed, batch, recipe)
    rows = len(jax.tree.leaves(fresh.posterior)[0])
    index = (jnp.asarray(batch) * rows + jnp.arange(rows)) % recipe.training_images
    known = image_noise(purpose_key(seed, Purpose.TRAIN), index, recipe.world)
    return fresh._replace(world=known), fresh


def objective(
    noise: StepNoise,
    params: Params,
    bias: jax.Array | float,
    strength: jax.Array | float,
    recipe: Recipe,
    data: Any = (),
) -> jax.Array:
    """Return the mean objective of a batch made from `noise`, without its warm-up; nats, scalar."""
    x = recipe.sample(noise.world, bias, data).x
    step = jnp.asarray(recipe.objective.kl_warmup)  # the full weight
    terms = recipe.objective.losses(
        recipe.network, params, x, noise.posterior, strength, step, recipe.likelihood_variance
    )
    return jnp.mean(terms[0])


def set_losses(
    noise: tuple[StepNoise, StepNoise],
    params: Params,
    bias: jax.Array | float,
    strength: jax.Array | float,
    recipe: Recipe,
    data: Any = (),
) -> Losses:
    """Return the objective on a batch of training images and on one of fresh images."""
    with jax.default_matmul_precision("highest"):
        return Losses(*(objective(n, params, bias, strength, recipe, data) for n in noise))
