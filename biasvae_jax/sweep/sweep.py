"""The grid: functions for one model (`training`, `scores`) at work on stacks of models.

Nothing is saved here; `layout` says where the stacks lie.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.axes import Models
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.scores.base import unmet
from biasvae_jax.scores.course import TEST, course, course_noise
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
from biasvae_jax.scores.events import (
    MASS_BATCHES,
    EventScores,
    event_noise,
    event_scores,
    mass,
    reach,
)
from biasvae_jax.scores.generalisation import (
    LOSS_BATCHES,
    Losses,
    objective,
    set_losses,
    set_noise,
)
from biasvae_jax.scores.recovery import (
    RecoveryScores,
    ScoreKeys,
    raw_recovery_mse,
    recovery_scores,
)
from biasvae_jax.sweep.layout import Layout
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.theory import linear_params
from biasvae_jax.theory.reduction import reduce_world
from biasvae_jax.theory.reference import why_none
from biasvae_jax.training import Recipe, TrainState, draw_chunk, init_state, train_chunk
from biasvae_jax.worlds import rare_cases

BASELINES = 3  # random networks the original study averaged over


def grid(config: Any) -> Models:
    """Return the models of a `Study` or `Config`, flat, in the order (seed, bias, strength)."""
    return getattr(config, "study", config).grid.models


@dataclass(frozen=True)
class Sweep:
    """Trains and scores stacks of models of one recipe as a plan lays them out."""

    recipe: Recipe
    plan: Plan

    def init(self, models: Models) -> TrainState:
        """Return untrained models, stacked and laid on the devices."""
        return self._init(None, self.put(models.seed))

    def train(
        self,
        models: Models,
        state: TrainState,
        first_step: int,
        last_step: int,
        stops: Sequence[int] = (),
    ) -> Iterator[tuple[int, TrainState, Any]]:
        """Train from `first_step` to `last_step`, a chunk at a time.

        Yields (steps done, state, the losses of the chunk's steps `[models, steps]` as numpy).
        The next chunk overwrites the state yielded: read it (`gather`) before going on. Chunks end
        at the `stops` too, which are best multiples of one number of steps: each length of a chunk
        is a program.
        """
        seeds = np.unique(models.seed)
        slot = self.put(np.searchsorted(seeds, models.seed).astype(np.int32))
        bias, strength = self.put(models.bias), self.put(models.strength)
        step, unit = first_step, min(stops, default=self.plan.chunk)
        while step < last_step:
            left = min(end for end in (*stops, last_step) if end > step) - step
            steps = next(n for n in (self.plan.chunk, unit, left) if n <= left)
            noise = self._noise(steps)(self._layout.share(seeds), np.int32(step))
            shared = noise, self._data
            state, info = self._chunk(steps)(shared, state, slot, bias, strength)
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
        seed, bias = self.put((models.seed, models.bias))
        with jax.debug_nans(False):  # an undefined score is NaN, and no error
            scores = self._score((self._test, self._data), params, seed, bias)
            return self.gather(scores, models)

    def diagnose(self, models: Models, params: Any, reductions: Any = None) -> Diagnosis:
        """Tell why trained models failed (`scores.diagnosis`): numpy arrays `[models]`.

        The linear optimum is that of the world's reduction under each bias, `theory.reduce_world`;
        `reductions` are these, stacked over the models, if they are at hand. A number that has no
        meaning for the recipe is None: the gap of an objective without a known optimum, the share
        of signal in a world without noise.
        """
        gaps = None
        if not why_none(self.recipe):
            each = self._reductions(models) if reductions is None else reductions
            stacked = params, *self.put((each, models.bias, models.strength))
            with jax.debug_nans(False):
                gaps = self._over_batches(GAP_BATCHES, fresh_noise, self._gap, models, *stacked)
        return Diagnosis(gaps, self._signal_share(models, params))

    def losses(self, models: Models, params: Any) -> Losses | None:
        """Return the objective on training and on fresh images (`scores.generalisation`).

        Numpy arrays `[models]`; None without a training set.
        """
        if not self.recipe.training_images:
            return None
        stacked = params, *self.put((models.bias, models.strength))
        with jax.debug_nans(False):
            return self._over_batches(LOSS_BATCHES, set_noise, self._losses, models, *stacked)

    def course(self, models: Models, params: Any) -> dict[str, np.ndarray]:
        """Measure models in training (`scores.course`): numpy arrays `[models]`."""
        seeds = np.unique(models.seed).astype(np.int32)
        slot, bias, strength = self.put(
            (np.searchsorted(seeds, models.seed).astype(np.int32), models.bias, models.strength)
        )
        noise = self._drawn(course_noise)(self._layout.share(seeds), np.int32(0))
        with jax.debug_nans(False):
            shared = noise, self._some_of_test, self._data
            return self.gather(self._course(shared, slot, params, bias, strength), models)

    def events(self, models: Models, params: Any) -> EventScores | None:
        """Tell how trained models treat the world's rare event: numpy arrays `[models]`.

        None where the world states none.
        """
        if "event" in unmet(self.recipe):
            return None
        world: Any = self.recipe.world
        stacked = params, self.put(models.bias)
        with jax.debug_nans(False):
            masses = self._over_batches(MASS_BATCHES, event_noise, self._mass, models, *stacked)
            reached = self.gather(self._reach(self._cases, params), models)
        known = [world.event_probability(self.recipe.bias, float(b)) for b in models.bias]
        return event_scores(masses, reached, np.array(known, float))  # None becomes NaN

    def _reductions(self, models: Models) -> Any:
        biases, row = np.unique(models.bias, return_inverse=True)
        recipe, key = self.recipe, purpose_key(0, Purpose.MOMENTS)
        each = [
            reduce_world(
                recipe.world, float(b), recipe.network.latent_dim, key, recipe.bias, self.data
            )
            for b in biases
        ]
        return jax.tree.map(lambda *a: np.stack(a).astype(np.float32)[row], *each)

    def baselines(self) -> dict[str, np.ndarray]:
        """Score randomly initialised networks, with the plainest head too: `[BASELINES]` each.

        They are scored at the neutral bias, which only `active_units`, `signal_share` and the
        masses of a rare event depend on; `gap` has no meaning without a strength of the
        regularisation.
        """
        neutral = np.full(BASELINES, self.recipe.bias.axis.neutral, np.float32)
        networks = Models(np.zeros(BASELINES, np.int32), neutral, np.zeros(BASELINES, np.float32))
        index, bias = self.put((np.arange(BASELINES, dtype=np.int32), neutral))
        with jax.debug_nans(False):
            params, scores, raw = self._baseline((self._test, self._data), index, bias)
            scores, raw = self.gather((scores, raw), networks)
        share = self._signal_share(networks, params)
        events = self.events(networks, params)
        found = {**scores._asdict(), "signal_share": share, "recovery_mse_raw": raw}
        found |= events._asdict() if events else {}
        return {name: value for name, value in found.items() if value is not None}

    def lift(self, function: Callable) -> Callable:
        """Lift your own `function(data, model, params)`, for one model, to (models, params).

        `data` are the world's arrays, () if it is generated; `model` holds a model's coordinates,
        three scalars. The result, any tree, comes back as numpy with the models first. Compiled at
        first use for each number of models.
        """
        lifted = self._layout.lift(function)
        return lambda models, params: self.gather(
            lifted(self._data, self.put(models), self.put(params)), models
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

    @functools.cached_property
    def data(self) -> Any:
        """The world's arrays on the host, () if it is generated."""
        return self.recipe.world.load(self.recipe.bias)

    @functools.cached_property
    def _data(self) -> Any:
        """The same, whole on every device and shared by all models."""
        return self._layout.share(self.data)

    @functools.cached_property
    def _test(self) -> Any:
        """The test set, (factors, clean images), likewise."""
        return self._layout.draw(self.recipe.world.test_set)(self._data)

    @functools.cached_property
    def _some_of_test(self) -> Any:
        """Rows of it for time courses, the same for every model."""
        rows = np.random.default_rng(0).permutation(len(self._test[0]))[:TEST]
        return self._layout.draw(lambda test, rows: jax.tree.map(lambda a: a[rows], test))(
            self._test, self._layout.share(np.sort(rows))
        )

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
        def chunk(shared, state, slot, bias, strength):
            noise, data = shared
            # the noise of seed `slot` is these rows of the stack of all seeds' noise
            rows = slot * steps + jnp.arange(steps)
            return train_chunk(noise, rows, state, bias, strength, self.recipe, data)

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
        def score(shared, params, seed, bias):
            test, data = shared
            return recovery_scores(_score_keys(seed), params, bias, test, self.recipe, data)

        return self._layout.lift(score)

    def _signal_share(self, models: Models, params: Any) -> np.ndarray | None:
        if not self.recipe.world.noise_variance:
            return None
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
            part = lifted((noise, self._data), slot, *stacked)
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
        def one(shared, slot, params, bias, strength):
            noise, data = shared
            return objective(_row(noise, slot), params, bias, strength, self.recipe, data)

        return self._layout.lift(one)

    @functools.cached_property
    def _losses(self) -> Callable:
        def one(shared, slot, params, bias, strength):
            noise, data = shared
            return set_losses(_row(noise, slot), params, bias, strength, self.recipe, data)

        return self._layout.lift(one)

    @functools.cached_property
    def _course(self) -> Callable:
        def one(shared, slot, params, bias, strength):
            noise, test, data = shared
            here = _row(noise, slot)
            return course(here, test, params, bias, strength, self.recipe, data)

        return self._layout.lift(one)

    @functools.cached_property
    def _gap(self) -> Callable:
        def one(shared, slot, params, reduction, bias, beta):
            noise, data = shared
            linear = linear_params(reduction, beta, self.recipe.likelihood_variance)
            return gap(_row(noise, slot), params, linear, bias, beta, self.recipe, data)

        return self._layout.lift(one)

    @functools.cached_property
    def _variance(self) -> Callable:
        def one(shared, slot, params, bias):
            noise, data = shared
            return code_variance(_row(noise, slot), params, bias, self.recipe, data)

        return self._layout.lift(one)

    @functools.cached_property
    def _cases(self) -> Any:
        """The test images that show the rare event, with weights, on every device."""
        world: Any = self.recipe.world
        return self._layout.draw(lambda test: rare_cases(world, test[1]))(self._test)

    @functools.cached_property
    def _mass(self) -> Callable:
        def one(shared, slot, params, bias):
            noise, data = shared
            return mass(_row(noise, slot), params, bias, self.recipe, data)

        return self._layout.lift(one)

    @functools.cached_property
    def _reach(self) -> Callable:
        return self._layout.lift(lambda cases, params: reach(cases, params, self.recipe))

    @functools.cached_property
    def _baseline(self) -> Callable:
        def baseline(shared, index, bias):
            test, data = shared
            key = purpose_key(0, Purpose.BASELINE)
            params = self.recipe.init(jax.random.fold_in(key, index))
            keys = _score_keys(0)
            scores = recovery_scores(keys, params, bias, test, self.recipe, data)
            return params, scores, raw_recovery_mse(keys, params, test, self.recipe.network)

        return self._layout.lift(baseline)


def _row(noise: Any, slot: jax.Array) -> Any:
    """Select the noise of one model's seed, the `slot`-th of the stack."""
    return jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, slot, keepdims=False), noise)


def _score_keys(seed: jax.Array | int) -> ScoreKeys:
    purposes = (Purpose.TEST, Purpose.HEAD, Purpose.ACTIVE)
    return ScoreKeys(*(purpose_key(seed, purpose) for purpose in purposes))
