"""Systems of equations in compiled programs: solved right, and never so that a CPU stands still."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax.config import Config
from biasvae_jax.scores.events import reach
from biasvae_jax.solving import SHARED, most_at_once, solve_positive
from biasvae_jax.sweep.layout import Layout
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.training import Recipe

FACTORISATIONS = ("cholesky", "lu", "svd", "eigh", "qr", "triangular_solve")


def batches(jaxpr):
    """The shapes of all matrices that a program hands to LAPACK."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in FACTORISATIONS:
            yield equation.invars[0].aval.shape
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")
        ):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from batches(inner)


@pytest.mark.parametrize("size", [2, 9, 18, 50])
def test_systems_are_solved_as_numpy_does(size):
    rng = np.random.default_rng(size)
    half = rng.normal(size=(7, size, size))
    matrix, right = half @ half.swapaxes(1, 2) + np.eye(size), rng.normal(size=(7, size))
    many = jax.vmap(lambda a, b: solve_positive(a, b, 10**6))
    found = many(jnp.asarray(matrix, jnp.float32), jnp.asarray(right, jnp.float32))
    expected = np.linalg.solve(matrix, right[..., None])[..., 0]
    np.testing.assert_allclose(found, expected, rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize("latents", [4, 9, 18, 64])
def test_no_program_hands_lapack_a_batch_that_its_threads_would_share(latents):
    config = dataclasses.replace(Config(n=2, m=3, hidden=(8,)), latent_dim=latents)
    recipe = Recipe.from_config(config)
    params = recipe.init(jax.random.key(0))
    cases = jnp.zeros((64, 36)), jnp.ones(64)
    found = list(batches(jax.make_jaxpr(lambda c, p: reach(c, p, recipe))(cases, params).jaxpr))
    assert found
    for *batch, rows, _ in found:
        many = int(np.prod(batch, initial=1))
        assert many == 1 or many * rows**3 // 3 < SHARED


def test_where_one_batch_may_hold_all_systems_they_are_one_batch():
    """So that scores of up to nine latents keep their bits, and their speed."""
    most = most_at_once(9)
    assert most is not None and most >= 64 * 8


@pytest.mark.parametrize("width", [1, 3])
def test_a_cpu_scores_one_model_after_another_whatever_the_width_of_training(width):
    score = Layout(Plan(1, 3, width, 1)).lift(lambda _, x: jnp.linalg.cholesky(jnp.eye(90) * x))
    found = list(batches(jax.make_jaxpr(score)((), jnp.ones(3)).jaxpr))
    assert found == [(90, 90)]
