"""Mutual information between truth and code, in nats: what the original study's proxy stands for.

Estimates on arrays (`gaussian_information`, and `ksg_information` from `neighbours`), the closed
form of the linear world (`linear_information`), and neural lower bounds in JAX, `info_nce` or
`mine`, for one model that can be sampled (`neural_information`) or arrays (`held_out_information`).
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import ArrayLike

from biasvae_jax.scores.alignment import standardised
from biasvae_jax.scores.neighbours import ksg_error as ksg_error
from biasvae_jax.scores.neighbours import ksg_information as ksg_information

# Closed form and classical estimates ------------------------------------------------------------


def linear_information(
    eigenvalue: np.ndarray | float,
    noise_variance: np.ndarray | float,
    threshold: np.ndarray | float,
) -> np.ndarray:
    """Information a latent of the optimal linear β-VAE has about its factor: −½ ln(1 − ρ²), nats.

    ρ² = (1 − t/λ)(λ − σ_noise²)/λ for λ > t, else 0: with `eigenvalue` λ of the data covariance,
    which holds the noise, and `threshold` t = β·likelihood_variance, as in `theory`. Arrays
    broadcast. A sum over latents is I(z; z_hat) where factor and image are Gaussian. Raises
    ValueError outside λ > 0, t > 0, 0 ≤ σ_noise² ≤ λ. Source: `theory.linear_optimum`.
    """
    lam, noise, t = (np.asarray(a, float) for a in (eigenvalue, noise_variance, threshold))
    for name, valid in {
        "eigenvalue": lam > 0,
        "noise_variance": (noise >= 0) & (noise <= lam),
        "threshold": t > 0,
    }.items():
        if not np.all(valid):
            raise ValueError(f"{name} is out of range: λ > 0, t > 0, 0 ≤ σ_noise² ≤ λ")
    return -0.5 * np.log1p(-np.maximum(0, 1 - t / lam) * (1 - noise / lam))


class Canonical(NamedTuple):
    """Matched directions of truth and code, most correlated first."""

    truth: np.ndarray
    """`[rows, directions]`, uncorrelated columns of mean 0 and equal variance."""
    code: np.ndarray
    """`[rows, directions]`, likewise."""
    correlation: np.ndarray
    """`[directions]`, in 0 … 1."""


def canonical_directions(truth: ArrayLike, code: ArrayLike) -> Canonical:
    """Canonical correlation analysis, by SVD of the product of orthonormal bases.

    Directions: the smaller rank of truth and code, constant and duplicate columns adding none.
    Raises ValueError as `standardised`. Source: Björck & Golub 1973.
    """
    left, right = (_basis(a) for a in standardised(truth=truth, code=code))
    a, correlation, b = np.linalg.svd(left.T @ right, full_matrices=False)
    return Canonical(left @ a, right @ b.T, np.minimum(correlation, 1))


def _basis(x: np.ndarray) -> np.ndarray:
    """Orthonormal basis of the column space, `[rows, rank]`."""
    basis, scale, _ = np.linalg.svd(x, full_matrices=False)
    return basis[:, scale > 1e-7 * max(scale[0], 1)]


def gaussian_information(truth: ArrayLike, code: ArrayLike) -> float:
    """Mutual information if truth and code were jointly Gaussian: −½ Σ ln(1 − ρᵢ²), nats.

    ρᵢ are the canonical correlations. About factors·latents/(2·rows) too high by chance. Infinite
    where a direction of the code equals one of the truth (ρ = 1 to rounding); constant columns
    add 0. Raises ValueError as `standardised`. Source: Gelfand & Yaglom 1957.
    """
    unexplained = 1 - canonical_directions(truth, code).correlation ** 2
    if np.any(unexplained < 1e-12):
        return np.inf
    return float(0.5 * np.log(1 / unexplained).sum())


# Neural lower bounds ----------------------------------------------------------------------------

JointSample = Callable[[jax.Array, int], tuple[jax.Array, jax.Array]]
EVALUATIONS = 4


class Bound(NamedTuple):
    """A lower bound of mutual information, nats; scalars."""

    nats: jax.Array
    cap: jax.Array
    """The largest value the bound can take, whatever the truth; infinite if there is none."""


def info_nce(scores: jax.Array) -> Bound:
    """Contrastive bound: mean over i of sᵢᵢ − ln meanⱼ exp(sᵢⱼ), at most ln(rows).

    Shapes: critic scores `[rows, rows]` of truth i with code j. Source: van den Oord, Li & Vinyals
    2018, "Representation Learning with Contrastive Predictive Coding"; Poole et al. 2019.
    """
    cap = jnp.log(jnp.asarray(len(scores), scores.dtype))
    return Bound(jnp.mean(jnp.diagonal(scores) - nn.logsumexp(scores, axis=1)) + cap, cap)


def mine(scores: jax.Array) -> Bound:
    """Donsker–Varadhan bound: mean of sᵢᵢ − ln mean over i ≠ j of exp(sᵢⱼ); it has no cap.

    Shapes as `info_nce`. The logarithm of a mean over finitely many rows makes it lie high, and
    vary much, once the information nears ln(rows²). The marginal is all unmatched pairs of the
    batch in place of the paper's shuffled copy. Source: Belghazi et al. 2018, "Mutual Information
    Neural Estimation".
    """
    rows = len(scores)
    unmatched = jnp.where(jnp.eye(rows, dtype=bool), -jnp.inf, scores)
    marginal = nn.logsumexp(unmatched) - jnp.log(rows * (rows - 1.0))
    return Bound(jnp.mean(jnp.diagonal(scores)) - marginal, jnp.asarray(jnp.inf, scores.dtype))


class _Scale(NamedTuple):
    """Puts columns on one scale; clipped, lest rare extremes rule a mean of exponentials."""

    mean: jax.Array
    deviation: jax.Array

    def __call__(self, x: jax.Array) -> jax.Array:
        mean = jnp.broadcast_to(self.mean, x.shape)
        return jnp.clip((x - mean) / jnp.where(self.deviation > 1e-6, self.deviation, 1), -4, 4)


class _Embedding(nn.Module):
    """One side of the critic; the input is passed on, so that a bilinear critic is at hand."""

    hidden: int
    features: int

    @nn.compact
    def __call__(self, x):
        h = nn.gelu(nn.Dense(self.hidden)(x))
        h = nn.gelu(nn.Dense(self.hidden)(h))
        return nn.Dense(self.features)(jnp.concatenate([x, h], axis=-1))


def neural_information(
    key: jax.Array,
    sample: JointSample,
    bound: Callable[[jax.Array], Bound] = info_nce,
    steps: int = 1_000,
    batch_size: int = 256,
    evaluation_size: int = 2_048,
    hidden: int = 64,
    learning_rate: float = 3e-3,
) -> Bound:
    """Train a critic on fresh samples by Adam and return its bound on other fresh samples.

    `sample(key, rows)` draws (truth `[rows, factors]`, code `[rows, latents]`) jointly. The critic
    is s(z, c) = f(z)·g(c) + a(z) + b(c), so that a batch scores all its pairs; the rate falls to 0
    along a cosine. Samples of a fixed array would be learnt by heart: `held_out_information` is for
    those. The bound is the mean over 4 batches of `evaluation_size` rows, which sets its
    cap. Pure, for one model: jit it, vmap it over keys and whatever `sample` closes over. A
    constant column is no harm. Bounds as `info_nce` or `mine`; sources there.
    """
    init_key, scale_key, train_key, evaluation_key = jax.random.split(key, 4)
    first = sample(scale_key, evaluation_size)
    chex.assert_rank(first, 2)
    scores = _train_critic(
        init_key, train_key, first, sample, bound, steps, batch_size, hidden, learning_rate
    )
    bounds = jax.lax.map(
        lambda k: bound(scores(sample(k, evaluation_size))),
        jax.random.split(evaluation_key, EVALUATIONS),
    )
    return Bound(bounds.nats.mean(), bounds.cap[0])


def held_out_information(
    key: jax.Array,
    truth: ArrayLike,
    code: ArrayLike,
    bound: Callable[[jax.Array], Bound] = info_nce,
    held_out: float = 0.5,
    passes: int = 20,
    batch_size: int = 256,
    evaluation_size: int = 2_048,
    hidden: int = 64,
    learning_rate: float = 3e-3,
) -> Bound:
    """Train a critic on one part of the rows and return its bound on the part held out.

    `truth` `[rows, factors]` and `code` `[rows, latents]`; the parts are chosen by `key`, and no
    row is in both, nor twice in a batch. The critic sees about `passes` times as many rows as its
    part has, in at most 1,000 batches: with more it learns few rows by heart, and the bound falls.
    The bound is the mean over equal batches of the held-out rows, each of at most
    `evaluation_size`, whose size sets its cap. Raises ValueError as `standardised`, or where a part
    would have fewer than 2 rows. Critic and sources as `neural_information`.
    """
    z, c = (jnp.asarray(a, jnp.float32) for a in standardised(truth=truth, code=code))
    rows = len(z)
    tests = round(held_out * rows)
    if not 2 <= tests <= rows - 2:
        raise ValueError(
            f"held_out = {held_out} of {rows} rows leaves a part with fewer than 2 rows"
        )
    bounds = _held_out(
        key, z, c, bound, tests, passes, batch_size, evaluation_size, hidden, learning_rate
    )
    return Bound(bounds.nats.mean(), bounds.cap[0])


@functools.partial(jax.jit, static_argnums=range(3, 10))
def _held_out(key, z, c, bound, tests, passes, batch_size, evaluation_size, hidden, learning_rate):
    """Return the bounds of all batches of `tests` held-out rows."""
    order_key, init_key, train_key = jax.random.split(key, 3)
    order = jax.random.permutation(order_key, len(z))
    train = z[order[tests:]], c[order[tests:]]
    trained = len(z) - tests
    batch_size = min(batch_size, trained)
    steps = min(1_000, math.ceil(passes * trained / batch_size))
    batches = math.ceil(tests / evaluation_size)
    test = order[: tests - tests % batches].reshape(batches, -1)

    def sample(key, count):
        chosen = jax.random.choice(key, trained, (count,), replace=False)
        return train[0][chosen], train[1][chosen]

    scores = _train_critic(
        init_key, train_key, train, sample, bound, steps, batch_size, hidden, learning_rate
    )
    return jax.lax.map(lambda batch: bound(scores((z[batch], c[batch]))), test)


def _train_critic(
    init_key: jax.Array,
    train_key: jax.Array,
    first: tuple[jax.Array, jax.Array],
    sample: JointSample,
    bound: Callable[[jax.Array], Bound],
    steps: int,
    batch_size: int,
    hidden: int,
    learning_rate: float,
) -> Callable[[tuple[jax.Array, jax.Array]], jax.Array]:
    """Return the trained critic: scores `[rows, rows]` of a pair; `first` sets its scales."""
    scales = [_Scale(a.mean(0, keepdims=True), a.std(0, keepdims=True)) for a in first]
    critic = _Embedding(hidden, hidden // 2)

    def scores(params, pair):
        inputs = (scale(a) for scale, a in zip(scales, pair, strict=True))
        z, c = (jnp.asarray(critic.apply(p, x)) for p, x in zip(params, inputs, strict=True))
        # the first feature of each side is its own term, a(z) or b(c)
        product = z[:, 1:] @ c[:, 1:].T / math.sqrt(hidden // 2)
        return product + z[:, :1] + c[:, :1].T

    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))

    def step(carry, i):
        params, opt_state = carry
        pair = sample(jax.random.fold_in(train_key, i), batch_size)
        gradient = jax.grad(lambda p: -bound(scores(p, pair)).nats)(params)
        updates, opt_state = optimizer.update(gradient, opt_state)
        return (optax.apply_updates(params, updates), opt_state), None

    params = tuple(
        critic.init(k, a[:1]) for k, a in zip(jax.random.split(init_key), first, strict=True)
    )
    (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), jnp.arange(steps))
    return functools.partial(scores, params)
