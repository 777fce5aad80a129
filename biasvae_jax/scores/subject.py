"""What a trained model shows to the scores: its codes of the test set and of fresh data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from threading import Lock
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.costs import over_rows
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Params
from biasvae_jax.scores.diagnosis import encoder_threshold
from biasvae_jax.scores.recovery import test_codes
from biasvae_jax.training import Recipe

FEW = 2_000  # rows of the test set given to scores whose cost grows fast with rows
IMAGES = 8_192  # fresh images of the encoder's threshold
MOST_VALUES = 2**26  # of images drawn at once for interventions, 0.3 GB
JOINT = 20_000  # fresh rows of the Gaussian estimate

Pair = tuple[np.ndarray, np.ndarray]


def joint_sample(
    key: jax.Array,
    rows: int,
    params: Params,
    bias: jax.Array | float,
    recipe: Recipe,
    data: Any = (),
) -> tuple[jax.Array, jax.Array]:
    """Draw (z, z_hat), `[rows, …]` each, as in training under a bias strength: noisy images."""
    sample = _joint_images(recipe, rows, key, bias, data)
    return sample.z, _codes_of_joint(recipe, key, params, sample.x)


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
    data: Any = ()
    """The world's arrays, as `World.load` returns them."""

    @cached_property
    def test(self) -> Pair:
        """All test factors u and one z_hat for each, the draw of the recovery scores."""
        u, x = self._test_set
        key = purpose_key(self.seed, Purpose.TEST)
        return np.asarray(u), np.asarray(_codes(self.recipe, key, self.params, x))

    @cached_property
    def few(self) -> Pair:
        """2,000 rows of `test`, the same for every model; all where there are fewer."""
        u, z_hat = self.test
        rows = np.random.default_rng(0).permutation(len(u))[:FEW]
        return u[rows], z_hat[rows]

    @property
    def kinds(self) -> list[str]:
        """The kind of each factor."""
        return [factor.kind for factor in self.recipe.world.factors]

    def of(self, pair: Pair, *kinds: str) -> Pair:
        """Leave of a pair (factors, z_hat) the factors of some kinds alone."""
        u, z_hat = pair
        kept = [kind in kinds for kind in self.kinds]
        return (u if all(kept) else np.ascontiguousarray(u[:, kept])), z_hat

    @cached_property
    def joint(self) -> Pair:
        """Fresh (z, z_hat) under the model's own training bias and noise, 20,000 rows."""
        sample = _shared_joint(self.recipe, self.seed, self.bias, _Kept(self.data))
        z_hat = _codes_of_joint(self.recipe, score_key(self.seed, 1), self.params, sample.x)
        return np.asarray(sample.z), np.asarray(z_hat)

    @cached_property
    def encoder_threshold(self) -> float:
        """β above which a collapse is stable for the encoder's features, by 8,192 training images.

        Raises ValueError for a network without `features`.
        """
        network: Any = self.recipe.network
        if not hasattr(network, "features"):
            raise ValueError(f"{type(network).__name__} has no features, the last hidden layer")
        x = self.training_images
        h = _features(network, self.params, x)
        return encoder_threshold(np.asarray(x), np.asarray(h), self.recipe.likelihood_variance)

    @property
    def training_images(self) -> jax.Array:
        """8,192 fresh images under the model's own training bias and noise, the same in a seed."""
        return _training_images(self.recipe, self.seed, self.bias, _Kept(self.data))

    @property
    def _test_set(self) -> tuple[jax.Array, jax.Array]:
        return _test_set(self.recipe, _Kept(self.data))

    @property
    def test_images(self) -> jax.Array:
        """All clean images of the test set."""
        return self._test_set[1]

    def sample(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        """Draw factors from the test set's distribution, independently of each other."""
        u = np.asarray(self._test_set[0])
        return np.stack([rng.choice(column, rows) for column in u.T], axis=1)

    def encode(self, u: np.ndarray) -> np.ndarray:
        """Return one z_hat for the clean image of each row of factors; for worlds that render.

        As many images at once as have 64 million values, drawn and encoded part by part.
        """
        world: Any = self.recipe.world
        key = score_key(self.seed, 0)
        parts = -(-len(u) * world.pixels // MOST_VALUES)
        rows = -(-len(u) // parts)  # each part has the same, so that one program serves all
        whole = np.concatenate([u, np.repeat(u[-1:], parts * rows - len(u), axis=0)])
        found = []
        for part, some in enumerate(np.split(whole, parts)):
            own = key if parts == 1 else jax.random.fold_in(key, part)
            x = world.render(jnp.asarray(some))
            found.append(np.asarray(_codes(self.recipe, own, self.params, x)))
        return np.concatenate(found)[: len(u)]


@dataclass(frozen=True, eq=False)
class _Kept:
    """Arrays as a key of a cache: the same object is the same key."""

    data: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept) and self.data is other.data

    def __hash__(self) -> int:
        return id(self.data)


@partial(jax.jit, static_argnums=0)
def _codes(recipe: Recipe, key: jax.Array, params: Params, x: jax.Array) -> jax.Array:
    with jax.default_matmul_precision("highest"):
        return test_codes(key, recipe, params, x)[0]


def _shared(make: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the newest result, which neighbouring models share; who asks meanwhile waits for it."""
    newest, lock = lru_cache(maxsize=1)(make), Lock()

    def get(*arguments: Any) -> Any:
        with lock:
            return newest(*arguments)

    return get


@_shared
def _test_set(recipe: Recipe, kept: _Kept) -> tuple[jax.Array, jax.Array]:
    return jax.jit(recipe.world.test_set)(kept.data)


@_shared
def _training_images(recipe: Recipe, seed: int, bias: float, kept: _Kept) -> jax.Array:
    noise = recipe.world.draw(score_key(seed, 3), (IMAGES,))
    return recipe.sample(noise, bias, kept.data).x


@_shared
def _shared_joint(recipe: Recipe, seed: int, bias: float, kept: _Kept) -> Any:
    return _joint_images(recipe, JOINT, score_key(seed, 1), bias, kept.data)


@partial(jax.jit, static_argnums=(0, 1))
def _joint_images(
    recipe: Recipe, rows: int, key: jax.Array, bias: jax.Array | float, data: Any
) -> Any:
    return recipe.sample(recipe.world.draw(jax.random.split(key)[0], (rows,)), bias, data)


def _codes_of_joint(recipe: Recipe, key: jax.Array, params: Params, x: jax.Array) -> jax.Array:
    return _codes(recipe, jax.random.split(key)[1], params, x)


@partial(jax.jit, static_argnums=0)
def _features(network: Any, params: Params, x: jax.Array) -> jax.Array:
    return over_rows(lambda rows: network.features(params, rows), x)
