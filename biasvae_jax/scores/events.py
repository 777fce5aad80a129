"""Generation outside the training distribution: how a model treats its world's rare event.

Of a world that states one (`Generated.event`): how often the model's own samples show it, how well
its decoder can draw the test images that do, how far from the prior's centre that takes the code,
and how far the encoder is from there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.costs import over_rows
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Params
from biasvae_jax.objectives import reparameterise
from biasvae_jax.scores.base import Meaning, register_score
from biasvae_jax.scores.recovery import mean_code
from biasvae_jax.solving import most_at_once, solve_positive
from biasvae_jax.training import Recipe
from biasvae_jax.worlds.events import NEARNESS

BATCH, MASS_BATCHES = 512, 16  # 8,192 samples
ITERATIONS = 12
DAMPINGS = (1e-4, 0.1, 1.0, 10.0)
STARTS = 2  # from the prior's mean, and from the posterior's
SYSTEMS = STARTS * len(DAMPINGS)  # of equations, for one image

EVENT = {
    "prior_mass": Meaning(
        "how often decoded samples of the prior show the rare event, over how often training "
        "images do (1: as often)",
        "1", "", "generation", title="Rare event in samples, against training images",
    ),
    "posterior_mass": Meaning(
        "the same of decoded codes of noisy training images (1: as often)", "1", "", "generation",
        title="Rare event in decoded codes, against training images",
    ),
    "reach": Meaning(
        "squared error a pixel with which the best code is decoded to a test image that shows the "
        "rare event",
        "intensity²", "lower", "generation", title="Error of the best drawing of the rare event",
    ),
    "price": Meaning(
        "squared distance of that code from the prior's mean, ‖z‖²", "1", "lower", "generation",
        title="Distance of its code from the prior's mean",
    ),
    "encoder_error": Meaning(
        "squared distance of that code from the image's posterior mean", "1", "lower", "generation",
        title="Distance of its code from the posterior mean",
    ),
}  # fmt: skip
register_score("event", EVENT, needs=["event"])


class EventScores(NamedTuple):
    """How models treat the rare event; each `[...]`."""

    prior_mass: np.ndarray
    """P(event) over decoded z ~ N(0, I), over that of training images."""
    posterior_mass: np.ndarray
    """The same over decoded z_hat of noisy training images, the aggregated posterior."""
    reach: np.ndarray
    """Mean over rare test images of ‖decode(z) − G(u)‖²/pixels, z the `nearest` code."""
    price: np.ndarray
    """Mean of ‖z‖², of which the prior has `latent_dim`."""
    encoder_error: np.ndarray
    """Mean of ‖z − mean(G(u))‖², its distance from where the encoder puts the image."""


class Mass(NamedTuple):
    """Probabilities of the event at a place, each a scalar."""

    prior: Any
    posterior: Any
    training: Any


class Reach(NamedTuple):
    """Means over the rare test images, each a scalar."""

    reach: Any
    price: Any
    encoder_error: Any


def event_noise(seed: jax.Array | int, batch: jax.Array | int, recipe: Recipe) -> tuple[Any, Any]:
    """Draw the world's noise of a batch of 512 images, and standard normals `[512, latent_dim]`."""
    key = jax.random.fold_in(purpose_key(seed, Purpose.EVENT), batch)
    world_key, code_key = jax.random.split(key)
    noise = recipe.world.draw(world_key, (BATCH,))
    return noise, jax.random.normal(code_key, (BATCH, recipe.network.latent_dim))


def mass(
    noise: tuple[Any, Any],
    params: Params,
    bias: jax.Array | float,
    recipe: Recipe,
    data: Any = (),
) -> Mass:
    """Estimate the event's probabilities from one batch of `event_noise`.

    The prior's samples are the normals that the posterior's are made of: a posterior that is the
    prior has the prior's mass to the last image.
    """
    world, normals = noise
    network, rare = recipe.network, recipe.world.rare  # type: ignore[attr-defined]
    with jax.default_matmul_precision("highest"):
        sample = recipe.sample(world, bias, data)
        objective = recipe.objective
        posterior = over_rows(lambda x: objective.posterior(network, params, x), sample.x)
        z_hat = reparameterise(normals, *posterior)
        z_hat = objective.code(params, z_hat)
        drawn = objective.prior_sample(params, normals, z_hat)
        shows = lambda codes: over_rows(lambda z: rare(network.decode(params, z)), codes).mean()  # noqa: E731
        return Mass(shows(drawn), shows(z_hat), rare(sample.x_clean).mean())


def nearest(
    decode: Callable[[jax.Array], jax.Array], x: jax.Array, start: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Minimise ‖decode(z) − x‖²/pixels + 1e-6·‖z‖² over z from a start; return (z, its value).

    Levenberg–Marquardt with 12 iterations. Each tries four dampings, of which the least suits a
    linear decoder, and takes the best if it is an improvement: the value never rises. Without the
    second term a minimum may lie at infinity. `x` `[pixels]`, `start` `[latents]`. Source:
    Marquardt 1963, "An Algorithm for Least-Squares Estimation of Nonlinear Parameters".
    """
    weight = x.size * NEARNESS
    dampings = jnp.asarray(DAMPINGS, x.dtype)

    def value(z: jax.Array) -> jax.Array:
        return jnp.mean(jnp.square(decode(z) - x)) + NEARNESS * jnp.square(z).sum()

    def iterate(_, carry):
        z, best = carry
        jacobian = jax.jacfwd(decode)(z)
        gram = jacobian.T @ jacobian + weight * jnp.eye(len(z), dtype=x.dtype)
        slope = jacobian.T @ (decode(z) - x) + weight * z

        def damped(damping: jax.Array) -> jax.Array:
            matrix = gram + damping * jnp.diag(jnp.diagonal(gram))
            return z - solve_positive(matrix, slope, SYSTEMS)

        tried = jax.vmap(damped)(dampings)
        values = jax.vmap(value)(tried)
        values = jnp.where(jnp.isnan(values), jnp.inf, values)
        chosen = jnp.argmin(values)
        better = values[chosen] < best
        return jnp.where(better, tried[chosen], z), jnp.where(better, values[chosen], best)

    return jax.lax.fori_loop(0, ITERATIONS, iterate, (start, value(start)))


def best_code(x: jax.Array, params: Params, recipe: Recipe) -> tuple[jax.Array, jax.Array]:
    """Return the `nearest` code of an image `[pixels]` and its posterior mean, `[latents]` each.

    The better of the minima from 0 and from the posterior mean.
    """
    mean = mean_code(recipe, params, x)
    starts = jnp.stack([jnp.zeros_like(mean), mean])
    decode = lambda z: recipe.network.decode(params, z)  # noqa: E731
    codes, values = jax.vmap(lambda start: nearest(decode, x, start))(starts)
    return codes[jnp.argmin(values)], mean


def over_images(function: Callable, images: jax.Array, recipe: Recipe) -> Any:
    """Apply a function of one image that calls `best_code` to `[images, pixels]`.

    In batches that LAPACK can be given on a CPU (`solving`), and that the memory holds.
    """
    most = most_at_once(recipe.network.latent_dim)
    if most is None or len(images) * SYSTEMS <= most:
        return over_rows(jax.vmap(function), images)
    return jax.lax.map(function, images, batch_size=max(1, most // SYSTEMS))


def reach(cases: tuple[jax.Array, jax.Array], params: Params, recipe: Recipe) -> Reach:
    """Measure the `best_code` of rare test images, given with weights as by `rare_cases`."""

    def of_one(x: jax.Array) -> Reach:
        z, mean = best_code(x, params, recipe)
        error = jnp.mean(jnp.square(recipe.network.decode(params, z) - x))
        return Reach(error, jnp.square(z).sum(), jnp.square(z - mean).sum())

    images, weights = cases
    with jax.default_matmul_precision("highest"):
        each = over_images(of_one, images, recipe)
    return jax.tree.map(lambda a: (a * weights).sum() / weights.sum(), each)


def event_scores(mass: Mass, reach: Reach, known: np.ndarray) -> EventScores:
    """Put together the scores of models `[...]`, from the mean of their batches' masses.

    `known` is the event's probability in training images, NaN where it is to be estimated from the
    images drawn. Where it is 0, both masses are NaN.
    """
    prior, posterior, drawn = (np.asarray(each, float) for each in mass)
    training = np.where(np.isnan(known), drawn, known)
    over = np.where(training > 0, training, np.nan)
    found = (prior / over, posterior / over, *reach)
    return EventScores(*(np.asarray(each, np.float32) for each in found))
