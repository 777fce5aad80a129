"""A time course: what a model is like in the middle of its training, measured on few images.

Every measurement of a seed is on the same images and noise, so that its steps are paired.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Params
from biasvae_jax.projection import fit_least_squares, mse
from biasvae_jax.scores.base import Meaning
from biasvae_jax.scores.generalisation import objective
from biasvae_jax.scores.recovery import active_units, r_squared, test_codes
from biasvae_jax.training import Recipe, StepNoise, draw_noise
from biasvae_jax.training.images import image_noise

FRESH, SEEN, TEST = 4_096, 1_024, 1_024  # images under the bias, of the training set, of the test

COURSE = {
    "active_units": Meaning(
        "active latents: Var(posterior mean) > 0.01", "latents", "", "training"
    ),
    "encoder_threshold": Meaning(
        "β from which on the encoder's features hold a collapse", "1", "", "training"
    ),
    "dead_units": Meaning("share of hidden units that no image changes", "1", "", "training"),
    "recovery_r2": Meaning("R² of the least-squares head z_hat → u", "1", "higher"),
    "generation_mse_exact": Meaning(
        "generation_mse with the least-squares head", "intensity²", "lower", "generation"
    ),
    "train_loss": Meaning("objective on training images", "nat", "", "training"),
    "test_loss": Meaning("objective on fresh images", "nat", "lower", "training"),
}
"""What is measured; the encoder's two need `features`, the training loss a training set."""


def measured(recipe: Recipe) -> tuple[str, ...]:
    """Return which of `COURSE`'s numbers a study has."""
    without = set() if recipe.training_images else {"train_loss"}
    if not hasattr(recipe.network, "features"):
        without |= {"encoder_threshold", "dead_units"}
    return tuple(name for name in COURSE if name not in without)


def course_noise(
    seed: jax.Array | int, batch: jax.Array | int, recipe: Recipe
) -> tuple[StepNoise, Any, jax.Array]:
    """Draw what a measurement needs: fresh images, training images, a key of the codes."""
    key = jax.random.fold_in(purpose_key(seed, Purpose.COURSE), batch)
    fresh = dataclasses.replace(recipe, batch_size=FRESH, training_images=None, input_noise=0.0)
    noise, known = draw_noise(key, jnp.asarray(0), fresh), ()
    if recipe.training_images:
        index = jnp.arange(SEEN) % recipe.training_images
        known = image_noise(purpose_key(seed, Purpose.TRAIN), index, recipe.world)
    return noise, known, jax.random.fold_in(key, 1)


def course(
    noise: tuple[StepNoise, Any, jax.Array],
    test: tuple[jax.Array, jax.Array],
    params: Params,
    bias: jax.Array | float,
    strength: jax.Array | float,
    recipe: Recipe,
    data: Any = (),
) -> dict[str, jax.Array]:
    """Measure one model: `COURSE`'s numbers, float32 scalars.

    `test` are factors and clean images of some of the test set.
    """
    fresh, known, key = noise
    network: Any = recipe.network
    with jax.default_matmul_precision("highest"):
        x = recipe.sample(fresh.world, bias, data).x
        u, images = test
        z_hat, _ = test_codes(key, recipe, params, images)
        decoded = network.decode(params, fit_least_squares(u, z_hat)(u))
        few = jax.tree.map(lambda a: a[:SEEN], fresh)
        found = {
            "active_units": active_units(network, params, x).astype(jnp.float32),
            "recovery_r2": r_squared(fit_least_squares(z_hat, u)(z_hat), u),
            "generation_mse_exact": mse(decoded, images),
            "test_loss": objective(few, params, bias, strength, recipe, data),
        }
        if recipe.training_images:
            seen = few._replace(world=known)
            found["train_loss"] = objective(seen, params, bias, strength, recipe, data)
        if hasattr(network, "features"):
            h = network.features(params, x)
            found["dead_units"] = jnp.mean(jnp.ptp(h, axis=0) == 0)
            found["encoder_threshold"] = threshold(x, h) / recipe.likelihood_variance
    return found


def threshold(x: jax.Array, features: jax.Array) -> jax.Array:
    """Return λ_max(Cov(x, h) (Cov(h) + ε)⁻¹ Cov(h, x)), `diagnosis.encoder_threshold` traceably.

    In float32 and to about a hundredth, with ε = 1e-6 of h's variance, which replaces the cut of
    directions that are rounding. 0 if no feature varies. `x` `[images, pixels]`, `features`
    `[images, width]`; scalar.
    """
    x, h = (a - a.mean(0, keepdims=True) for a in (x, features))
    covariance, cross = h.T @ h / len(h), h.T @ x / len(h)
    ridge = 1e-6 * jnp.trace(covariance) + 1e-12
    factor = jnp.linalg.cholesky(covariance + ridge * jnp.eye(len(covariance)))
    white = jax.scipy.linalg.solve_triangular(factor, cross, lower=True)
    return _largest_eigenvalue(white @ white.T)


def _largest_eigenvalue(matrix: jax.Array) -> jax.Array:
    """Return that of a positive semidefinite matrix, by its 256th power; right to about 1/256."""

    def squared(power, _):
        power = power @ power
        return power / jnp.maximum(jnp.trace(power), jnp.finfo(power.dtype).tiny), None

    start = matrix / jnp.maximum(jnp.trace(matrix), jnp.finfo(matrix.dtype).tiny)
    power, _ = jax.lax.scan(squared, start, length=8)
    vector = power[jnp.argmax(jnp.diagonal(power))]
    norm = jnp.maximum(jnp.vdot(vector, vector), jnp.finfo(vector.dtype).tiny)
    return jnp.vdot(vector, matrix @ vector) / norm
