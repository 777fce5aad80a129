"""Means over batches of random numbers that all models of a seed share."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.axes import Models
from biasvae_jax.costs import tree_bytes
from biasvae_jax.sweep.layout import Layout
from biasvae_jax.training import Recipe

NOISE_BYTES = 16 * 2**20  # of a seed's noise on a device, if one batch is not more


@dataclass(frozen=True)
class Average:
    """A function of one model and a batch's noise, averaged over batches, for stacks of models.

    `function(noise, *one_model, recipe, known)`; `draw(seed, batch, recipe)` makes the noise, once
    for all models of a seed.
    """

    layout: Layout
    recipe: Recipe
    batches: int
    draw: Callable
    function: Callable

    def __call__(self, models: Models, known: Any, *stacked: Any) -> Any:
        """Return the means, numpy arrays `[models, …]`; `known` is the same for all models."""
        slices = self.layout.slices(len(models.seed))
        seeds, laid = [], []
        for rows in slices:
            each, slot = np.unique(models.seed[rows], return_inverse=True)
            of_slice = jax.tree.map(lambda a: np.asarray(a)[rows], stacked)  # noqa: B023
            seeds.append(each.tolist())
            laid.append(self.layout.put((slot.astype(np.int32), *of_slice)))
        most = max(map(len, seeds))  # seeds of a slice: of the others too, so that one program does
        totals: list[Any] = [None] * len(slices)
        for first in range(0, self.batches, self._together):
            noise_of = self._remembered(first, most)
            for place, each in enumerate(seeds):
                noise = noise_of(*each, *each[-1:] * (most - len(each)))
                part, total = self._lifted((noise, known), *laid[place]), totals[place]
                totals[place] = part if total is None else self._add(total, part)
        found = self.layout.join(totals, len(models.seed))
        return found if self.batches == 1 else jax.tree.map(lambda a: a / self.batches, found)

    def _remembered(self, first: int, most: int) -> Callable:
        """Return the function from `most` seeds to their noise, of the batches from `first` on.

        Slices follow each other by seed: what the last one had is at hand.
        """
        one = functools.lru_cache(most)(lambda seed: self._drawn(np.int32(seed), np.int32(first)))
        join = lambda *seeds: self._joined([one(seed) for seed in seeds])  # noqa: E731
        return functools.lru_cache(1)(join if most > 1 else one)

    @functools.cached_property
    def _together(self) -> int:
        """Batches of a seed that a program is given at once: a divisor of their number."""
        number = jax.ShapeDtypeStruct((), np.int32)
        one = jax.eval_shape(lambda *a: self.draw(*a, self.recipe), number, number)
        fits = max(1, NOISE_BYTES // max(1, tree_bytes(one)))
        return next(n for n in range(min(fits, self.batches), 0, -1) if self.batches % n == 0)

    @functools.cached_property
    def _drawn(self) -> Callable:
        """(seed, first batch) → the noise of the batches from there, `[batches, …]`."""

        def draw(seed, first):
            batches = first + jnp.arange(self._together)
            return jax.lax.map(lambda batch: self.draw(seed, batch, self.recipe), batches)

        return self.layout.draw(draw)

    @functools.cached_property
    def _joined(self) -> Callable:
        return self.layout.draw(lambda each: jax.tree.map(lambda *a: jnp.concatenate(a), *each))

    @functools.cached_property
    def _lifted(self) -> Callable:
        def total(shared, slot, *model):
            noise, known = shared

            def of(row: jax.Array) -> Any:
                at = lambda a: jax.lax.dynamic_index_in_dim(a, row, keepdims=False)  # noqa: E731
                return self.function(jax.tree.map(at, noise), *model, self.recipe, known)

            rows = slot * self._together + jnp.arange(self._together)
            if len(rows) == 1:
                return of(rows[0])
            add = lambda so_far, row: (jax.tree.map(jnp.add, so_far, of(row)), None)  # noqa: E731
            nothing = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(of, slot))
            return jax.lax.scan(add, nothing, rows)[0]

        return self.layout.lift(total)

    @functools.cached_property
    def _add(self) -> Callable:
        return jax.jit(functools.partial(jax.tree.map, jnp.add))
