"""The pictures of a run's models, as sprites."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.factors import as_columns
from biasvae_jax.figures import pictures as folded
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.projection import fit_least_squares
from biasvae_jax.report import PICTURES, Pictures
from biasvae_jax.report.sprites import sprite
from biasvae_jax.runs.files import StorageError
from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.scores.recovery import mean_code, test_codes
from biasvae_jax.training import Recipe

SHOWN = 8  # test images, and prior samples in a row
TRAVERSED = 12  # latents at most
PICTURE_BYTES = 4_000_000  # of one run; with plotly's 5 MB the page stays below 10
HEAD_ROWS = 4_000  # test images behind the drawn projection
TRAINING_ROWS = 1_024  # training images behind samples of a prior that is fitted to them


def draw_pictures(
    run: LoadedRun, rows: Sequence[int], columns: Sequence[int]
) -> tuple[str, dict[tuple[int, int], Pictures]]:
    """Draw seed 0's models as sprites: (the test images, pictures of each cell).

    Cells are taken in a scattered order until the page's room for pictures is spent.
    """
    recipe, (bias, strength, _) = run.recipe, run.grid.dims
    shape = recipe.world.image
    u, x = (np.asarray(part) for part in recipe.world.test_set(run.data))
    u = as_columns(u, recipe.world.factors)
    rng = np.random.default_rng(0)
    shown = rng.choice(len(u), min(len(u), SHOWN), replace=False)
    known = rng.choice(len(u), min(len(u), HEAD_ROWS), replace=False)
    test = _Test(u[known], x[known], u[shown], x[shown])
    draw = jax.jit(lambda params, test, *where: _images(recipe, params, test, *where))
    pictures, room = {}, PICTURE_BYTES
    cells = [(i, j) for i in range(len(rows)) for j in range(len(columns))]
    for i, j in (cells[k] for k in rng.permutation(len(cells))):
        cell = {bias: run.grid.bias[rows[i]], strength: run.grid.strength[columns[j]]}
        try:
            params = run.params(**cell, seed=0)
        except StorageError:
            if run.finished:
                raise
            continue  # it has not begun
        images = draw(params, test, cell[bias], run.data)
        drawn = {kind: sprite(folded(images[kind], shape)) for kind in PICTURES}
        room -= sum(map(len, drawn.values()))
        if room < 0:
            break
        pictures[i, j] = drawn
    return sprite(folded(x[shown], shape)[None]) if pictures else "", pictures


class _Test(NamedTuple):
    """Test images: those that the drawn projection is fitted to, and those shown."""

    u: Any
    x: Any
    shown_u: Any
    shown_x: Any


def _images(
    recipe: Recipe, params: Any, test: _Test, bias: jax.Array, data: Any
) -> dict[str, jax.Array]:
    """Draw one model's pictures, `[rows, columns, pixels]` each, named as in `PICTURES`."""
    network = recipe.network
    with jax.default_matmul_precision("highest"):
        z_hat, mean = test_codes(purpose_key(0, Purpose.TEST), recipe, params, test.x)
        head = fit_least_squares(test.u, z_hat)
        busiest = jnp.argsort(-mean.var(0))[:TRAVERSED]
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
