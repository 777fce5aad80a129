"""What a trained model shows to the scores: its codes of the test set and of fresh data."""

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import jax
import numpy as np

from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Params
from biasvae_jax.scores.diagnosis import encoder_threshold
from biasvae_jax.scores.recovery import test_codes
from biasvae_jax.training import Recipe

FEW = 2_000  # rows of the test set given to scores whose cost grows fast with rows
IMAGES = 8_192  # fresh images of the encoder's threshold
JOINT = 20_000  # fresh rows of the Gaussian estimate

Pair = tuple[np.ndarray, np.ndarray]


def joint_sample(
    key: jax.Array, rows: int, params: Params, bias: jax.Array | float, recipe: Recipe
) -> tuple[jax.Array, jax.Array]:
    """Draw (z, z_hat), `[rows, …]` each, as in training: z ~ N(bias, I), noisy images."""
    world_key, posterior_key = jax.random.split(key)
    sample = recipe.world.sample(recipe.world.draw(world_key, (rows,)), bias)
    with jax.default_matmul_precision("highest"):
        z_hat, _ = test_codes(posterior_key, recipe.network, params, sample.x)
    return sample.z, z_hat


def score_key(seed: jax.Array | int, use: int) -> jax.Array:
    """Return the key of one use of the scores: 0 interventions, 1 joint, 2 neural, 3 images."""
    return jax.random.fold_in(purpose_key(seed, Purpose.SCORE), use)


@dataclass(frozen=True)
class Subject:
    """One trained model under examination; its codes are made when first asked for."""

    recipe: Recipe
    params: Params
    seed: int
    bias: float

    @cached_property
    def test(self) -> Pair:
        """All test factors u and one z_hat for each, the draw of the recovery scores."""
        u = _test_factors(self.recipe)
        key = purpose_key(self.seed, Purpose.TEST)
        return u, np.asarray(_codes(self.recipe, key, self.params, u))

    @cached_property
    def few(self) -> Pair:
        """2,000 rows of `test`, the same for every model; all where there are fewer."""
        u, z_hat = self.test
        rows = np.random.default_rng(0).permutation(len(u))[:FEW]
        return u[rows], z_hat[rows]

    @cached_property
    def joint(self) -> Pair:
        """Fresh (z, z_hat) under the model's own training bias and noise, 20,000 rows."""
        pair = _joint(self.recipe, score_key(self.seed, 1), self.params, self.bias)
        return np.asarray(pair[0]), np.asarray(pair[1])

    @cached_property
    def encoder_threshold(self) -> float:
        """β below which the encoder's features could leave a collapse, by 8,192 training images.

        Raises ValueError for a network without `features`.
        """
        x = _training_images(self.recipe, self.seed, self.bias)
        network: Any = self.recipe.network
        if not hasattr(network, "features"):
            raise ValueError(f"{type(network).__name__} has no features, the last hidden layer")
        h = _features(network, self.params, x)
        return encoder_threshold(np.asarray(x), np.asarray(h), self.recipe.likelihood_variance)

    def sample(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        """Draw factors from the test set's distribution, independently of each other."""
        u = _test_factors(self.recipe)
        return np.stack([rng.choice(column, rows) for column in u.T], axis=1)

    def encode(self, u: np.ndarray) -> np.ndarray:
        """Return one z_hat for the clean image of each row of factors."""
        return np.asarray(_codes(self.recipe, score_key(self.seed, 0), self.params, u))


@partial(jax.jit, static_argnums=0)
def _codes(recipe: Recipe, key: jax.Array, params: Params, u: jax.Array) -> jax.Array:
    with jax.default_matmul_precision("highest"):
        return test_codes(key, recipe.network, params, recipe.world.render(u))[0]


@partial(jax.jit, static_argnums=0)
def _joint(recipe: Recipe, key: jax.Array, params: Params, bias: jax.Array):
    return joint_sample(key, JOINT, params, bias, recipe)


@lru_cache(maxsize=1)  # neighbouring models differ in β alone
def _training_images(recipe: Recipe, seed: int, bias: float) -> jax.Array:
    noise = recipe.world.draw(score_key(seed, 3), (IMAGES,))
    return recipe.world.sample(noise, bias).x


@partial(jax.jit, static_argnums=0)
def _features(network: Any, params: Params, x: jax.Array) -> jax.Array:
    return network.features(params, x)


def _test_factors(recipe: Recipe) -> np.ndarray:
    return np.asarray(recipe.world.test_factors())
