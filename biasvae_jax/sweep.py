"""The grid: functions for one model (`training`, `scores`) at work on stacks of models.

Nothing is saved here; `layout` says where the stacks lie.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.config import Config
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.layout import Layout
from biasvae_jax.objectives import Losses
from biasvae_jax.plan import Plan
from biasvae_jax.scores.diagnosis import (
    GAP_BATCHES,
    SHARE_BATCHES,
    Diagnosis,
    code_variance,
    fresh_noise,
    gap,
    signal_share,
    twin_noise,
)
from biasvae_jax.scores.recovery import (
    RecoveryScores,
    ScoreKeys,
    raw_recovery_mse,
    recovery_scores,
)
from biasvae_jax.theory import linear_params, reduce_world
from biasvae_jax.training import Recipe, TrainState, draw_chunk, init_state, train_chunk

BASELINES = 3  # random networks the original study averaged over


class Models(NamedTuple):
    """The coordinates of a stack of models, each `[models]`."""

    seed: np.ndarray
    bias: np.ndarray
    beta: np.ndarray

    def __getitem__(self, index):  # type: ignore[override]
        """Select models, as an array is indexed."""
        return Models(*(np.asarray(axis)[index] for axis in tuple(self)))


def grid(config: Config) -> Models:
    """Return the models of a config, flat, in the order (seed, mu, beta)."""
    axes = (
        np.arange(config.seeds, dtype=np.int32),
        np.asarray(config.mu, np.float32),
        np.asarray(config.beta, np.float32),
    )
    return Models(*(a.reshape(-1) for a in np.meshgrid(*axes, indexing="ij")))


@dataclass(frozen=True)
class Sweep:
    """Trains and scores stacks of models of one recipe as a plan lays them out."""

    recipe: Recipe
    plan: Plan

    def init(self, models: Models) -> TrainState:
        """Return untrained models, stacked and laid on the devices."""
        return self._init(None, self.put(models.seed))

    def train(
        self, models: Models, state: TrainState, first_step: int, last_step: int
    ) -> Iterator[tuple[int, TrainState, Losses]]:
        """Train from `first_step` to `last_step`, a chunk at a time.

        Yields (steps done, state, the losses of the chunk's steps `[models, steps]` as numpy).
        The next chunk overwrites the state yielded: read it (`gather`) before going on.
        """
        seeds = np.unique(models.seed)
        slot = self.put(np.searchsorted(seeds, models.seed).astype(np.int32))
        bias, beta = self.put(models.bias), self.put(models.beta)
        step = first_step
        while step < last_step:
            steps = min(self.plan.chunk, last_step - step)
            noise = self._noise(steps)(self._layout.share(seeds), np.int32(step))
            state, info = self._chunk(steps)(noise, state, slot, bias, beta)
            step += steps
            yield step, state, self.gather(info, models)

    def finite(self, models: Models, state: TrainState) -> np.ndarray:
        """Tell which models are finite in parameters, optimiser and last loss, `[models]` booleans.

        Adam hides an overflow of its second moment: the step becomes 0 and the loss stays finite.
        The last loss, on fresh images, is that of the parameters after the last step.
        """
        with jax.debug_nans(False):
            stacked = state.params, *self.put((models.bias, models.beta))
            last = self._over_batches(1, fresh_noise, self._last_loss, models, *stacked)
            return self.gather(self._finite(None, state), models) & np.isfinite(last)

    def score(self, models: Models, params: Any) -> RecoveryScores:
        """Score trained models (`params` as in their state): numpy arrays `[models]`."""
        u = self._layout.share(self.recipe.world.test_factors())
        seed, bias = self.put((models.seed, models.bias))
        with jax.debug_nans(False):  # an undefined score is NaN, and no error
            return self.gather(self._score(u, params, seed, bias), models)

    def diagnose(self, models: Models, params: Any) -> Diagnosis:
        """Tell why trained models failed (`scores.diagnosis`): numpy arrays `[models]`.

        The linear optimum is that of the world's reduction under each bias, `theory.reduce_world`.
        """
        biases, row = np.unique(models.bias, return_inverse=True)
        key = purpose_key(0, Purpose.MOMENTS)
        latents = self.recipe.network.latent_dim
        reductions = [reduce_world(self.recipe.world, float(b), latents, key) for b in biases]
        each = jax.tree.map(lambda *a: np.stack(a).astype(np.float32)[row], *reductions)
        stacked = params, *self.put((each, models.bias, models.beta))
        with jax.debug_nans(False):
            gaps = self._over_batches(GAP_BATCHES, fresh_noise, self._gap, models, *stacked)
            return Diagnosis(gaps, self._signal_share(models, params))

    def baselines(self) -> dict[str, np.ndarray]:
        """Score randomly initialised networks, with the plainest head too: `[BASELINES]` each.

        They are scored at bias 0, which only `active_units` and `signal_share` depend on; `gap`
        has no meaning without a β.
        """
        networks = Models(*np.zeros((3, BASELINES), np.float32))
        index = self.put(np.arange(BASELINES, dtype=np.int32))
        u = self._layout.share(self.recipe.world.test_factors())
        with jax.debug_nans(False):
            params, scores, raw = self._baseline(u, index)
            scores, raw = self.gather((scores, raw), networks)
            share = self._signal_share(networks, params)
        return {**scores._asdict(), "signal_share": share, "recovery_mse_raw": raw}

    def lift(self, function: Callable) -> Callable:
        """Lift your own `function(model, params)`, for one model, to (models, params) of a stack.

        `model` holds its coordinates, three scalars; the result, any tree, comes back as numpy
        with the models first. Compiled at first use for each number of models.
        """
        lifted = self._layout.lift(lambda _, model, params: function(model, params))
        return lambda models, params: self.gather(
            lifted(None, self.put(models), self.put(params)), models
        )

    def put(self, tree: Any) -> Any:
        """Lay host arrays, stacked over models (as `gather` returns them), on the devices."""
        return self._layout.put(tree)

    def gather(self, tree: Any, models: Models) -> Any:
        """Bring stacked arrays to the host as numpy, without padding (a collective)."""
        return self._layout.gather(tree, len(models.seed))

    @functools.cached_property
    def _layout(self) -> Layout:
        return Layout(self.plan)

    # Compiled functions -------------------------------------------------------------------------

    @functools.cached_property
    def _init(self) -> Callable:
        def init(_, seed):
            return init_state(purpose_key(seed, Purpose.INIT), self.recipe)

        return self._layout.lift(init)

    @functools.cache  # noqa: B019 - a sweep lives as long as its process
    def _noise(self, steps: int) -> Callable:
        """(seeds, first step) → one stack of noise, `[seeds × steps, …]`, on every device."""

        def draw(seeds, first_step):
            one = lambda seed: draw_chunk(  # noqa: E731
                purpose_key(seed, Purpose.TRAIN), first_step, steps, self.recipe
            )
            noise = jax.lax.map(one, seeds)
            return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), noise)

        return self._layout.draw(draw)

    @functools.cache  # noqa: B019
    def _chunk(self, steps: int) -> Callable:
        def chunk(noise, state, slot, bias, beta):
            rows = slot * steps + jnp.arange(steps)
            return train_chunk(noise, rows, state, bias, beta, self.recipe)

        return self._layout.lift(chunk, in_place=True)

    @functools.cached_property
    def _finite(self) -> Callable:
        def finite(_, state):
            trained = (state.params, state.opt_state)
            leaves = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(trained)]
            return jnp.stack(leaves).all()

        return self._layout.lift(finite)

    @functools.cached_property
    def _score(self) -> Callable:
        def score(u, params, seed, bias):
            keys = _score_keys(seed)
            return recovery_scores(keys, params, bias, u, self.recipe.network, self.recipe.world)

        return self._layout.lift(score)

    def _signal_share(self, models: Models, params: Any) -> np.ndarray:
        stacked = params, self.put(models.bias)
        batches = SHARE_BATCHES, twin_noise
        variance = self._over_batches(*batches, self._variance, models, *stacked)
        return signal_share(variance).astype(np.float32)

    def _over_batches(
        self, batches: int, draw: Callable, lifted: Callable, models: Models, *stacked: Any
    ) -> Any:
        """Average what a lifted function makes of batches of noise, each shared by its seed."""
        seeds = np.unique(models.seed).astype(np.int32)
        slot = self.put(np.searchsorted(seeds, models.seed).astype(np.int32))
        total = None
        for batch in range(batches):
            noise = self._drawn(draw)(self._layout.share(seeds), np.int32(batch))
            part = lifted(noise, slot, *stacked)
            total = part if total is None else self._add(total, part)
        return jax.tree.map(lambda a: a / batches, self.gather(total, models))

    @functools.cached_property
    def _add(self) -> Callable:
        return jax.jit(functools.partial(jax.tree.map, jnp.add))

    @functools.cache  # noqa: B019
    def _drawn(self, draw: Callable) -> Callable:
        """(seeds, batch) → the noise that `draw` makes of each seed, stacked, on every device."""

        def stack(seeds, batch):
            return jax.lax.map(lambda seed: draw(seed, batch, self.recipe), seeds)

        return self._layout.draw(stack)

    @functools.cached_property
    def _last_loss(self) -> Callable:
        def one(noise, slot, params, bias, beta):
            here = _row(noise, slot)
            x = self.recipe.world.sample(here.world, bias).x
            rest = here.posterior, beta, self.recipe.likelihood_variance
            return jnp.mean(self.recipe.objective(self.recipe.network, params, x, *rest).loss)

        return self._layout.lift(one)

    @functools.cached_property
    def _gap(self) -> Callable:
        def one(noise, slot, params, reduction, bias, beta):
            linear = linear_params(reduction, beta, self.recipe.likelihood_variance)
            return gap(_row(noise, slot), params, linear, bias, beta, self.recipe)

        return self._layout.lift(one)

    @functools.cached_property
    def _variance(self) -> Callable:
        def one(noise, slot, params, bias):
            network, world = self.recipe.network, self.recipe.world
            return code_variance(_row(noise, slot), params, bias, network, world)

        return self._layout.lift(one)

    @functools.cached_property
    def _baseline(self) -> Callable:
        def baseline(u, index):
            key = purpose_key(0, Purpose.BASELINE)
            params = self.recipe.network.init(jax.random.fold_in(key, index))
            keys = _score_keys(0)
            network, world = self.recipe.network, self.recipe.world
            scores = recovery_scores(keys, params, jnp.zeros(()), u, network, world)
            return params, scores, raw_recovery_mse(keys, params, u, network, world)

        return self._layout.lift(baseline)


def _row(noise: Any, slot: jax.Array) -> Any:
    """Select the noise of one model's seed, the `slot`-th of the stack."""
    return jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, slot, keepdims=False), noise)


def _score_keys(seed: jax.Array | int) -> ScoreKeys:
    purposes = (Purpose.TEST, Purpose.HEAD, Purpose.ACTIVE)
    return ScoreKeys(*(purpose_key(seed, purpose) for purpose in purposes))
