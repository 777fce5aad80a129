"""What the KL is made of, and a bound on the likelihood: for every objective with a posterior.

The aggregated posterior is estimated from 4,096 images, by itself a sum of as many Gaussians.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.costs import over_rows
from biasvae_jax.networks import Params
from biasvae_jax.objectives import (
    Objective,
    gaussian_reconstruction,
    log_normal,
    reparameterise,
)
from biasvae_jax.objectives.terms import aggregated_posterior
from biasvae_jax.scores.base import Better, Meaning, Value, register_score
from biasvae_jax.scores.subject import Subject, score_key
from biasvae_jax.training import Recipe

ROWS = 4_096
IMAGES, SAMPLES = 512, 64  # of the importance-weighted bound


class KlParts(NamedTuple):
    """Means over images, nats; the first three add up to the mean single-sample KL."""

    index_code_information: Any
    """E log q(z|x) − log q(z): what the code says about which image it is of."""
    total_correlation: Any
    """E log q(z) − Σ log q(z_j)."""
    dimension_kl: Any
    """E Σ log q(z_j) − log p(z)."""


def kl_parts(
    eps: jax.Array, mean: jax.Array, logvar: jax.Array, objective: Objective, params: Params
) -> KlParts:
    """Split the KL of codes z = mean + exp(½ logvar)·eps, `[rows, latents]` each.

    q(z) and q(z_j) are means over the posteriors of all rows. Of M rows the information is at most
    ln M; what a longer code has beyond that is counted as total correlation instead. Source: Chen
    et al. 2018, "Isolating Sources of Disentanglement in VAEs", equation 2.
    """
    z = reparameterise(eps, mean, logvar)
    joint, product = over_rows(lambda rows: aggregated_posterior(rows, mean, logvar), z)
    own = log_normal(z, mean, logvar).sum(-1)
    parts = own - joint, joint - product, product - objective.log_prior(params, z)
    return KlParts(*(part.mean() for part in parts))


def importance_bound(eps: jax.Array, x: jax.Array, params: Params, recipe: Recipe) -> jax.Array:
    """Return the mean over images of ln 1/K Σ_k p(x|z_k)p(z_k)/q(z_k|x), a bound on ln p(x).

    Nats an image, without the likelihood's constant −½·pixels·ln 2πσ². `eps`
    `[K, images, latents]`, `x` `[images, pixels]`. Source: Burda et al. 2016.
    """
    network, objective = recipe.network, recipe.objective
    mean, logvar = objective.posterior(network, params, x)

    def log_weight(eps: jax.Array) -> jax.Array:
        z = reparameterise(eps, mean, logvar)
        x_hat = network.decode(params, objective.code(params, z))
        likelihood = -gaussian_reconstruction(x, x_hat, recipe.likelihood_variance)
        own = log_normal(z, mean, logvar).sum(-1)
        return likelihood + objective.log_prior(params, z) - own

    weights = jax.lax.map(log_weight, eps)
    return (jax.nn.logsumexp(weights, axis=0) - jnp.log(float(len(eps)))).mean()


@partial(jax.jit, static_argnums=0)
def _scores(
    recipe: Recipe, key: jax.Array, params: Params, x: jax.Array
) -> tuple[jax.Array, jax.Array]:
    with jax.default_matmul_precision("highest"):
        mean, logvar = over_rows(lambda r: recipe.objective.posterior(recipe.network, params, r), x)
        eps_key, bound_key = jax.random.split(key)
        eps = jax.random.normal(eps_key, mean.shape)
        parts = kl_parts(eps, mean, logvar, recipe.objective, params)
        latents = mean.shape[-1]
        many = jax.random.normal(bound_key, (SAMPLES, min(IMAGES, len(x)), latents))
        bound = importance_bound(many, x[:IMAGES], params, recipe)
        each = 0.5 * (jnp.square(mean) + jnp.exp(logvar) - 1 - logvar).mean(0)
        return jnp.stack([*parts, each.max(), bound]), jnp.sort(each, descending=True)


def _of(subject: Subject, x: jax.Array, use: int) -> Sequence[Value]:
    # a posterior without width has no density
    _, logvar = subject.recipe.objective.posterior(subject.recipe.network, subject.params, x[:1])
    if bool(jnp.isneginf(logvar).any()):
        raise ValueError("the code is not drawn: its posterior has no density")
    key = score_key(subject.seed, use)
    parts, of_latents = map(np.asarray, _scores(subject.recipe, key, subject.params, x))
    return [*map(float, parts), of_latents]


def _decomposition(subject: Subject) -> Sequence[Value]:
    """Score a model on noisy training images, and on clean images of the test set."""
    training = subject.training_images[:ROWS]
    rows = np.random.default_rng(0).permutation(len(subject.test_images))[:ROWS]
    return [*_of(subject, training, 4), *_of(subject, subject.test_images[np.sort(rows)], 5)]


PARTS = {
    "index_code_information": (
        "Information about the image's index",
        "information of the code about the image's index, at most 8.32",
    ),
    "total_correlation": ("Total correlation of the code", "total correlation of the code"),
    "dimension_kl": ("KL summed over latents", "sum over latents of KL(q(z_j) ‖ p)"),
    "largest_kl": ("KL of the latent that has most", "analytic KL of the latent that has most"),
    "importance_bound": (
        "Importance-weighted bound",
        "importance-weighted bound of ln p(x), 64 samples, without the constant",
    ),
    "latent_kl": ("KL of each latent", "analytic KL of each latent, largest first"),
}
"""Plain name and meaning of each."""
ALONG = {"latent_kl": "latent"}
BETTER: dict[str, Better] = {"importance_bound": "higher"}
register_score(
    "decomposition",
    {
        f"{name}{suffix}": Meaning(
            f"{text}; {images}",
            "nat",
            BETTER.get(name, ""),
            "information",
            along=ALONG.get(name, ""),
            title=f"{title}, {images.split()[1]} images",
        )
        for suffix, images in (("", "4,096 training images"), ("_test", "4,096 test images"))
        for name, (title, text) in PARTS.items()
    },
    _decomposition,
)
