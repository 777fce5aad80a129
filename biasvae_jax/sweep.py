"""The grid: the one place where models are stacked, vmapped and laid on devices.

Nothing is saved here. Functions for one model (`training`, `scores`) are lifted to a stack of
models by `Sweep._lift`; padding and gathering stay inside, so callers see exactly their models.
"""

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from biasvae_jax.config import Config
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.objectives import Losses
from biasvae_jax.plan import Plan, pad_models
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

BASELINES = 3  # random networks the seed averaged over


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

    @functools.cached_property
    def mesh(self) -> jax.sharding.Mesh:
        """The devices, along one axis named `models`."""
        devices = jax.devices()[: self.plan.devices]
        return jax.make_mesh(
            (len(devices),), ("models",), axis_types=(AxisType.Auto,), devices=devices
        )

    def init(self, models: Models) -> TrainState:
        """Return untrained models, stacked and laid on the devices."""
        return self._init(None, self._lay(models.seed))

    def train(
        self, models: Models, state: TrainState, first_step: int, last_step: int
    ) -> Iterator[tuple[int, TrainState, Losses]]:
        """Train from `first_step` to `last_step`, a chunk at a time.

        Yields (steps done, state, the losses of the chunk's steps `[models, steps]` as numpy).
        The state yielded is given up to the next chunk: read it (`gather`) before going on.
        """
        seeds = np.unique(models.seed)
        slot = self._lay(np.searchsorted(seeds, models.seed).astype(np.int32))
        bias, beta = self._lay(models.bias), self._lay(models.beta)
        step = first_step
        while step < last_step:
            steps = min(self.plan.chunk, last_step - step)
            noise = self._noise(steps)(self._replicate(seeds), np.int32(step))
            state, info = self._chunk(steps)(noise, state, slot, bias, beta)
            step += steps
            yield step, state, self.gather(info, models)

    def finite(self, models: Models, state: TrainState) -> np.ndarray:
        """Tell which models are finite in parameters and optimiser, `[models]` booleans.

        Adam hides an overflow of its second moment: the step becomes 0 and the loss stays finite.
        """
        return self.gather(self._finite(None, state), models)

    def score(self, models: Models, params: Any) -> RecoveryScores:
        """Score trained models (`params` as in their state): numpy arrays `[models]`."""
        u = self._replicate(self.recipe.world.test_factors())
        scores = self._score(u, params, self._lay(models.seed), self._lay(models.bias))
        return self.gather(scores, models)

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
        gaps = self._over_batches(GAP_BATCHES, fresh_noise, self._gap, models, *stacked)
        return Diagnosis(gaps, self._signal_share(models, params))

    def baselines(self) -> dict[str, np.ndarray]:
        """Score randomly initialised networks, with the plainest head too: `[BASELINES]` each.

        They are scored at bias 0, which only `active_units` and `signal_share` depend on; `gap`
        has no meaning without a β.
        """
        networks = Models(*np.zeros((3, BASELINES), np.float32))
        index = self._lay(np.arange(BASELINES, dtype=np.int32))
        u = self._replicate(self.recipe.world.test_factors())
        params, scores, raw = self._baseline(u, index)
        scores, raw = self.gather((scores, raw), networks)
        share = self._signal_share(networks, params)
        return {**scores._asdict(), "signal_share": share, "recovery_mse_raw": raw}

    def lift(self, function: Callable) -> Callable:
        """Lift your own `function(model, params)`, for one model, to (models, params) of a stack.

        `model` holds its coordinates, three scalars; the result, any tree, comes back as numpy
        with the models first. Compiled at first use for each number of models.
        """
        lifted = self._lift(lambda _, model, params: function(model, params))
        return lambda models, params: self.gather(
            lifted(None, self.put(models), self.put(params)), models
        )

    def gather(self, tree: Any, models: Models) -> Any:
        """Bring stacked arrays to the host as numpy, without padding (a collective)."""
        if jax.process_count() > 1:
            tree = multihost_utils.process_allgather(tree, tiled=True)
        return jax.tree.map(lambda a: np.asarray(a)[: len(models.seed)], jax.device_get(tree))

    def put(self, tree: Any) -> Any:
        """Lay host arrays, stacked over models (as `gather` returns them), on the devices."""
        return jax.tree.map(self._lay, tree)

    # Laying out ---------------------------------------------------------------------------------

    def _lay(self, array: np.ndarray) -> jax.Array:
        devices = self.plan.devices
        array = pad_models(np.asarray(array), math.ceil(len(array) / devices) * devices)
        return self._place(array, PartitionSpec("models"))

    def _replicate(self, array: Any) -> jax.Array:
        return self._place(np.asarray(array), PartitionSpec())

    def _place(self, array: np.ndarray, spec: PartitionSpec) -> jax.Array:
        sharding = NamedSharding(self.mesh, spec)
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    def _lift(self, function: Callable, in_place: bool = False) -> Callable:
        """Lift `function(shared, *one_model)` to `(shared, *stacked)`.

        Each device takes its share of the models, `plan.width` vmapped at a time. In place,
        `function(shared, state, …)` → (state, info), and the stack of states is given up.
        """

        def on_device(shared, *stacked):
            local = len(jax.tree.leaves(stacked)[0])
            one = lambda args: function(shared, *args)  # noqa: E731
            if self.plan.width >= local > 1:
                return jax.vmap(one)(stacked)
            if in_place and self.plan.width == 1:
                return _update_in_turn(functools.partial(function, shared), *stacked)
            return jax.lax.map(one, stacked, batch_size=_more_than_one(self.plan.width))

        def lifted(shared, *stacked):
            specs = (PartitionSpec(), *(PartitionSpec("models") for _ in stacked))
            return jax.shard_map(
                on_device,
                mesh=self.mesh,
                in_specs=specs,
                out_specs=PartitionSpec("models"),
                check_vma=False,
            )(shared, *stacked)

        return jax.jit(lifted, donate_argnums=1 if in_place else ())

    # Compiled functions -------------------------------------------------------------------------

    @functools.cached_property
    def _init(self) -> Callable:
        return self._lift(lambda _, seed: init_state(purpose_key(seed, Purpose.INIT), self.recipe))

    @functools.cache  # noqa: B019 - a sweep lives as long as its process
    def _noise(self, steps: int) -> Callable:
        """(seeds, first step) → one stack of noise, `[seeds × steps, …]`, on every device."""

        def draw(seeds, first_step):
            one = lambda seed: draw_chunk(  # noqa: E731
                purpose_key(seed, Purpose.TRAIN), first_step, steps, self.recipe
            )
            noise = jax.lax.map(one, seeds)
            return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), noise)

        return jax.jit(draw, out_shardings=NamedSharding(self.mesh, PartitionSpec()))

    @functools.cache  # noqa: B019
    def _chunk(self, steps: int) -> Callable:
        def chunk(noise, state, slot, bias, beta):
            rows = slot * steps + jnp.arange(steps)
            return train_chunk(noise, rows, state, bias, beta, self.recipe)

        return self._lift(chunk, in_place=True)

    @functools.cached_property
    def _finite(self) -> Callable:
        def finite(_, state):
            trained = (state.params, state.opt_state)
            leaves = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(trained)]
            return jnp.stack(leaves).all()

        return self._lift(finite)

    @functools.cached_property
    def _score(self) -> Callable:
        def score(u, params, seed, bias):
            keys = _score_keys(seed)
            return recovery_scores(keys, params, bias, u, self.recipe.network, self.recipe.world)

        return self._lift(score)

    def _signal_share(self, models: Models, params: Any) -> Any:
        stacked = params, self._lay(models.bias)
        batches = SHARE_BATCHES, twin_noise
        variance = self._over_batches(*batches, self._variance, models, *stacked)
        return np.asarray(jax.vmap(signal_share)(variance))

    def _over_batches(
        self, batches: int, draw: Callable, lifted: Callable, models: Models, *stacked: Any
    ) -> Any:
        """Average what a lifted function makes of batches of noise, each shared by its seed."""
        seeds = np.unique(models.seed).astype(np.int32)
        slot = self._lay(np.searchsorted(seeds, models.seed).astype(np.int32))
        total = None
        for batch in range(batches):
            noise = self._drawn(draw)(self._replicate(seeds), np.int32(batch))
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

        return jax.jit(stack, out_shardings=NamedSharding(self.mesh, PartitionSpec()))

    @functools.cached_property
    def _gap(self) -> Callable:
        def one(noise, slot, params, reduction, bias, beta):
            linear = linear_params(reduction, beta, self.recipe.likelihood_variance)
            return gap(_row(noise, slot), params, linear, bias, beta, self.recipe)

        return self._lift(one)

    @functools.cached_property
    def _variance(self) -> Callable:
        def one(noise, slot, params, bias):
            network, world = self.recipe.network, self.recipe.world
            return code_variance(_row(noise, slot), params, bias, network, world)

        return self._lift(one)

    @functools.cached_property
    def _baseline(self) -> Callable:
        def baseline(u, index):
            key = purpose_key(0, Purpose.BASELINE)
            params = self.recipe.network.init(jax.random.fold_in(key, index))
            keys = _score_keys(0)
            network, world = self.recipe.network, self.recipe.world
            scores = recovery_scores(keys, params, jnp.zeros(()), u, network, world)
            return params, scores, raw_recovery_mse(keys, params, u, network, world)

        return self._lift(baseline)


def _row(noise: Any, slot: jax.Array) -> Any:
    return jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, slot, keepdims=False), noise)


def _update_in_turn(function: Callable, state: Any, *others: Any) -> Any:
    """Map `function(state, …)` → (state, info) over stacks, each new state over its old one.

    `lax.map` would write a second stack of states and copy it back.
    """
    at = lambda tree, i: jax.tree.map(lambda a: a[i], tree)  # noqa: E731
    put = lambda tree, i, one: jax.tree.map(lambda a, b: a.at[i].set(b), tree, one)  # noqa: E731

    def body(i, carry):
        states, infos = carry
        new, info = function(at(states, i), *at(others, i))
        return put(states, i, new), put(infos, i, info)

    models = len(jax.tree.leaves(state)[0])
    _, info = jax.eval_shape(function, at(state, 0), *at(others, 0))
    infos = jax.tree.map(lambda a: jnp.zeros((models, *a.shape), a.dtype), info)
    return jax.lax.fori_loop(0, models, body, (state, infos))


def _score_keys(seed: jax.Array | int) -> ScoreKeys:
    purposes = (Purpose.TEST, Purpose.HEAD, Purpose.ACTIVE)
    return ScoreKeys(*(purpose_key(seed, purpose) for purpose in purposes))


def _more_than_one(width: int) -> int | None:
    return width if width > 1 else None
