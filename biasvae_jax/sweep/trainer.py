"""Stacks of models in training: noise drawn once a seed, chunks of steps."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.axes import Models
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.scores.diagnosis import fresh_noise
from biasvae_jax.scores.generalisation import objective
from biasvae_jax.sweep.averages import Average
from biasvae_jax.sweep.layout import Layout
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.training import Recipe, TrainState, draw_chunk, init_state, train_chunk


@dataclass(frozen=True)
class Trainer:
    """Trains stacks of models of one recipe as a plan lays them out."""

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
        seeds, slot = self._seeds(models)
        bias, strength = self.put(models.bias), self.put(models.strength)
        chunks = self._chunks(first_step, last_step, stops)
        draw = lambda step, steps: self._noise(steps)(seeds, np.int32(step))  # noqa: E731
        noise = draw(*chunks[0]) if chunks else None
        for (step, steps), following in zip(chunks, (*chunks[1:], None), strict=False):
            shared = noise, self._data
            state, info = self._chunk(steps)(shared, state, slot, bias, strength)
            noise = draw(*following) if following else None  # while this chunk is trained
            yield step + steps, state, self.gather(info, models)

    def _chunks(self, step: int, last_step: int, stops: Sequence[int]) -> list[tuple[int, int]]:
        """List the chunks as (first step, steps)."""
        found, unit = [], min(stops, default=self.plan.chunk)
        while step < last_step:
            left = min(end for end in (*stops, last_step) if end > step) - step
            found.append((step, next(n for n in (self.plan.chunk, unit, left) if n <= left)))
            step += found[-1][1]
        return found

    def finite(self, models: Models, state: TrainState) -> np.ndarray:
        """Tell which models are finite in parameters, optimiser and last loss, `[models]` booleans.

        Adam hides an overflow of its second moment: the step becomes 0 and the loss stays finite.
        The last loss, on fresh images, is that of the parameters after the last step.
        """
        with jax.debug_nans(False):
            params = self.gather(state.params, models)
            last = self._last_loss(models, self._data, params, models.bias, models.beta)
            return self.gather(self._finite(None, state), models) & np.isfinite(last)

    def lift(self, function: Callable) -> Callable:
        """Lift your own `function(data, model, params)`, for one model, to (models, params).

        `data` are the world's arrays, () if it is generated; `model` holds a model's coordinates,
        three scalars. `params` are stacked numpy arrays, and so is the result, any tree.
        """
        lifted = self._layout.lift(function)
        return lambda models, params: self._in_slices(lifted, self._data, models, models, params)

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

        return self._layout.draw_beside(draw)

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

    def _seeds(self, models: Models) -> tuple[Any, Any]:
        """Return the seeds, on every device, and which of them each model has, with its model."""
        seeds = np.unique(models.seed).astype(np.int32)
        slot = np.searchsorted(seeds, models.seed).astype(np.int32)
        return self._layout.share(seeds), self.put(slot)

    def _in_slices(self, lifted: Callable, shared: Any, models: Models, *stacked: Any) -> Any:
        """Apply a lifted function to host arrays, stacked over models: numpy arrays `[models]`."""
        parts = [
            lifted(shared, *self.put(jax.tree.map(lambda a: np.asarray(a)[rows], stacked)))  # noqa: B023
            for rows in self._layout.slices(len(models.seed))
        ]
        return self._layout.join(parts, len(models.seed))

    def _average(self, batches: int, draw: Callable, function: Callable) -> Average:
        return Average(self._layout, self.recipe, batches, draw, function)

    @functools.cached_property
    def _last_loss(self) -> Average:
        return self._average(1, fresh_noise, objective)
