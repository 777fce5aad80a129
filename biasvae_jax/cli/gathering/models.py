"""Seed 0's models one after another, each with its codes of the same test images."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from biasvae_jax.factors import as_columns
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.projection import Head, fit_least_squares
from biasvae_jax.runs.files import StorageError
from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.scores.recovery import test_codes
from biasvae_jax.training import Recipe

SHOWN = 8  # test images in pictures
HEAD_ROWS = 4_000  # test images behind codes and heads


class Tested(NamedTuple):
    """Test images: those that are encoded, and those shown; host arrays."""

    factors: Any
    """`[rows, factors]`"""
    u: Any
    """The same as the columns that a head takes, `[rows, columns]`."""
    x: Any
    shown_factors: Any
    shown_u: Any
    shown_x: Any


class Codes(NamedTuple):
    """What a model's encoder makes of the test images, and the heads that join it to the truth.

    On the host.
    """

    z_hat: Any
    """A draw from the posterior, `[rows, latents]`."""
    mean: Any
    to_code: Head
    to_factors: Head


class Model(NamedTuple):
    """One trained model."""

    cell: tuple[int, int]
    """Its place on the page."""
    bias: float
    params: Any
    codes: Codes


def tested(run: LoadedRun) -> Tested:
    """Choose the test images of a run's report, the same for all its models."""
    world = run.recipe.world
    factors, x = (np.asarray(part) for part in world.test_set(run.data))
    u = as_columns(factors, world.factors)
    rng = np.random.default_rng(0)
    shown, known = (rng.choice(len(x), min(len(x), k), replace=False) for k in (SHOWN, HEAD_ROWS))
    return Tested(
        *(each[known] for each in (factors, u, x)), *(each[shown] for each in (factors, u, x))
    )


def models(
    run: LoadedRun,
    rows: Sequence[int],
    columns: Sequence[int],
    test: Tested,
    start: tuple[int, int],
) -> Iterator[Model]:
    """Yield the models of the page's cells in the order of `spread_first`.

    Those that have not begun are left out.
    """
    recipe, (bias, strength, _) = run.recipe, run.grid.dims
    encode = jax.jit(lambda *given: _codes(recipe, *given))
    x, u = jax.device_put((test.x, test.u))
    for i, j in spread_first(len(rows), len(columns), start):
        cell = {bias: run.grid.bias[rows[i]], strength: run.grid.strength[columns[j]]}
        try:
            params = run.params(**cell, seed=0)
        except StorageError:
            if run.finished:
                raise
            continue
        yield Model((i, j), cell[bias], params, jax.device_get(encode(params, x, u)))


def _codes(recipe: Recipe, params: Any, x: jax.Array, u: jax.Array) -> Codes:
    with jax.default_matmul_precision("highest"):
        z_hat, mean = test_codes(purpose_key(0, Purpose.TEST), recipe, params, x)
        return Codes(z_hat, mean, fit_least_squares(u, z_hat), fit_least_squares(z_hat, u))


def spread_first(rows: int, columns: int, start: tuple[int, int]) -> list[tuple[int, int]]:
    """Order the cells of a grid so that of the first, however many, as much as can be is seen.

    The start, its row, along which the regularisation can be followed, and all others; always
    the cell that is farthest from those before.

    >>> spread_first(2, 5, (0, 0))[:6]
    [(0, 0), (0, 4), (0, 2), (0, 1), (0, 3), (1, 0)]
    """
    cells = np.argwhere(np.ones((rows, columns)))
    places = cells / np.maximum(1, np.array([rows, columns]) - 1)
    order, distance = [start[0] * columns + start[1]], np.full(len(cells), np.inf)
    first = 9.0 * (cells[:, 0] == start[0])
    for _ in range(len(cells) - 1):
        distance = np.minimum(distance, np.linalg.norm(places - places[order[-1]], axis=1))
        left = distance + first
        left[order] = -1
        order.append(int(np.argmax(left)))
    return [(int(i), int(j)) for i, j in cells[order]]
