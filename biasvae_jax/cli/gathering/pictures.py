"""The pictures of a model, as sprites."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from biasvae_jax.cli.gathering.models import SHOWN, Model, Tested
from biasvae_jax.figures import pictures as folded
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.projection import Head
from biasvae_jax.report import PICTURES, TRAVERSED, Pictures
from biasvae_jax.report.sprites import sprite
from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.scores.recovery import mean_code, test_codes
from biasvae_jax.training import Recipe

PICTURE_BYTES = 3_000_000  # of all runs; the page stays below 10 MB
TRAINING_ROWS = 1_024  # training images behind samples of a prior that is fitted to them


def painter(run: LoadedRun, test: Tested) -> Callable[[Model], Pictures]:
    """Return the function that draws a run's models."""
    recipe, shape = run.recipe, run.recipe.world.image
    draw = jax.jit(lambda *of_model: _images(recipe, test, *of_model))

    def drawn(model: Model) -> Pictures:
        codes = model.codes
        images = draw(model.params, codes.mean, codes.to_code, model.bias, run.data)
        return {kind: sprite(folded(images[kind], shape)) for kind in PICTURES}

    return drawn


def _images(
    recipe: Recipe,
    test: Tested,
    params: Any,
    mean: jax.Array,
    head: Head,
    bias: jax.Array,
    data: Any,
) -> dict[str, jax.Array]:
    """Draw one model's pictures, `[rows, columns, pixels]` each, named as in `PICTURES`."""
    network = recipe.network
    with jax.default_matmul_precision("highest"):
        busiest = jnp.sort(jnp.argsort(-mean.var(0))[:TRAVERSED])
        steps = jnp.linspace(-3, 3, 7)
        codes = jax.nn.one_hot(busiest, network.latent_dim)[:, None, :] * steps[None, :, None]
        key = purpose_key(0, Purpose.FIGURE)
        normals = jax.random.normal(key, (2 * SHOWN, network.latent_dim))
        trained_on = recipe.sample(recipe.world.draw(key, (TRAINING_ROWS,)), bias, data).x
        of_training, _ = test_codes(key, recipe, params, trained_on)
        prior = recipe.objective.prior_sample(params, normals, of_training).reshape(2, SHOWN, -1)
        return {
            "reconstruction": network.decode(params, mean_code(recipe, params, test.shown_x))[None],
            "projection": network.decode(params, head(test.shown_u))[None],
            "traversal": network.decode(params, codes),
            "prior": network.decode(params, prior),
        }
