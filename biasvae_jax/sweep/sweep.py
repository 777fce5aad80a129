"""The grid: functions for one model (`training`, `scores`) at work on stacks of models.

Nothing is saved here; `layout` says where the stacks lie.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from biasvae_jax.axes import Models
from biasvae_jax.factors import as_columns
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
from biasvae_jax.scores.frames import draw, rows_shown
from biasvae_jax.scores.generalisation import (
    LOSS_BATCHES,
    Losses,
    set_losses,
    set_noise,
)
from biasvae_jax.scores.recovery import (
    RecoveryScores,
    ScoreKeys,
    noisy_scores,
    raw_recovery_mse,
    score_noise,
)
from biasvae_jax.sweep.averages import Average
from biasvae_jax.sweep.trainer import Trainer
from biasvae_jax.theory import linear_params
from biasvae_jax.theory.reduction import reduce_world
from biasvae_jax.theory.reference import why_none
from biasvae_jax.worlds import rare_cases

BASELINES = 3  # random networks the original study averaged over


def grid(config: Any) -> Models:
    """Return the models of a `Study` or `Config`, flat, in the order (seed, bias, strength)."""
    return getattr(config, "study", config).grid.models


@dataclass(frozen=True)
class Sweep(Trainer):
    """Trains and scores stacks of models of one recipe as a plan lays them out."""

    def score(self, models: Models, params: Any) -> RecoveryScores:
        """Score trained models (`params` as in their state): numpy arrays `[models]`."""
        known, params = (self._test, self._data), self.gather(params, models)
        with jax.debug_nans(False):  # an undefined score is NaN, and no error
            return self._score(models, known, params, models.bias)

    def diagnose(self, models: Models, params: Any, reductions: Any = None) -> Diagnosis:
        """Tell why trained models failed (`scores.diagnosis`): numpy arrays `[models]`.

        The linear optimum is that of the world's reduction under each bias, `theory.reduce_world`;
        `reductions` are these, stacked over the models, if they are at hand. A number that has no
        meaning for the recipe is None: the gap of an objective without a known optimum, the share
        of signal in a world without noise.
        """
        gaps, params = None, self.gather(params, models)
        if not why_none(self.recipe):
            each = self._reductions(models) if reductions is None else reductions
            stacked = params, each, models.bias, models.strength
            with jax.debug_nans(False):
                gaps = self._gap(models, self._data, *stacked)
        return Diagnosis(gaps, self._signal_share(models, params))

    def losses(self, models: Models, params: Any) -> Losses | None:
        """Return the objective on training and on fresh images (`scores.generalisation`).

        Numpy arrays `[models]`; None without a training set.
        """
        if not self.recipe.training_images:
            return None
        stacked = self.gather(params, models), models.bias, models.strength
        with jax.debug_nans(False):
            return self._losses(models, self._data, *stacked)

    def course(self, models: Models, params: Any) -> dict[str, np.ndarray]:
        """Measure models in training (`scores.course`): numpy arrays `[models]`."""
        stacked = self.gather(params, models), models.bias, models.strength
        known = self._some_of_test, self._data
        with jax.debug_nans(False):
            return self._course(models, known, *stacked)

    def frames(self, models: Models, params: Any, images: int) -> np.ndarray:
        """Draw what models of seed 0 make of the first of `shown` (`scores.frames`).

        Bytes `[models of seed 0, images, pixels]`.
        """
        first, x = models.seed == 0, self._layout.share(self.shown[:images])
        params = jax.tree.map(lambda a: a[first], self.gather(params, models))
        with jax.debug_nans(False):
            return self._in_slices(self._frames, x, models[first], params)

    @functools.cached_property
    def shown(self) -> np.ndarray:
        """The test images that pictures in the middle of training are of, `[images, pixels]`."""
        rows = rows_shown(len(self._test[1]))
        drawn = self._layout.draw(lambda x, rows: x[rows])
        return np.asarray(drawn(self._test[1], self._layout.share(rows)))

    def events(self, models: Models, params: Any) -> EventScores | None:
        """Tell how trained models treat the world's rare event: numpy arrays `[models]`.

        None where the world states none.
        """
        if "event" in unmet(self.recipe):
            return None
        return self._events(models, self.gather(params, models))

    def _events(self, models: Models, params: Any) -> EventScores:
        world: Any = self.recipe.world
        with jax.debug_nans(False):
            masses = self._mass(models, self._data, params, models.bias)
            reached = self._in_slices(self._reach, self._cases, models, params)
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
        index = np.arange(BASELINES, dtype=np.int32)
        params = self._in_slices(self._random, None, networks, index)
        with jax.debug_nans(False):
            raw = self._in_slices(self._raw, self._test, networks, params)
        scores = self.score(networks, self.put(params))._asdict()
        share = self._signal_share(networks, params)
        found = {**scores, "signal_share": share, "recovery_mse_raw": raw}
        if "event" not in unmet(self.recipe):
            found |= self._events(networks, params)._asdict()
        return {name: value for name, value in found.items() if value is not None}

    @functools.cached_property
    def _test(self) -> Any:
        """The test set, (factors as heads take them, clean images), likewise."""
        u, x = self._layout.draw(self.recipe.world.test_set)(self._data)
        columns = as_columns(u, self.recipe.world.factors)
        return (u if columns is u else self._layout.share(columns)), x

    @functools.cached_property
    def _some_of_test(self) -> Any:
        """Rows of it for time courses, the same for every model."""
        rows = np.random.default_rng(0).permutation(len(self._test[0]))[:TEST]
        return self._layout.draw(lambda test, rows: jax.tree.map(lambda a: a[rows], test))(
            self._test, self._layout.share(np.sort(rows))
        )

    @functools.cached_property
    def _score(self) -> Average:
        images = len(self._test[0])

        def noise(seed, _, recipe):
            return score_noise(_score_keys(seed), images, recipe)

        def one(noise, params, bias, recipe, known):
            return noisy_scores(noise, params, bias, known[0], recipe, known[1])

        return self._average(1, noise, one)

    def _signal_share(self, models: Models, params: Any) -> np.ndarray | None:
        if not self.recipe.world.noise_variance:
            return None
        variance = self._variance(models, self._data, params, models.bias)
        return signal_share(variance).astype(np.float32)

    @functools.cached_property
    def _losses(self) -> Average:
        return self._average(LOSS_BATCHES, set_noise, set_losses)

    @functools.cached_property
    def _course(self) -> Average:
        def one(noise, params, bias, strength, recipe, known):
            return course(noise, known[0], params, bias, strength, recipe, known[1])

        return self._average(1, course_noise, one)

    @functools.cached_property
    def _frames(self) -> Callable:
        return self._layout.lift(lambda x, params: draw(x, params, self.recipe))

    @functools.cached_property
    def _gap(self) -> Average:
        def one(noise, params, reduction, bias, beta, recipe, data):
            linear = linear_params(reduction, beta, recipe.likelihood_variance)
            return gap(noise, params, linear, bias, beta, recipe, data)

        return self._average(GAP_BATCHES, fresh_noise, one)

    @functools.cached_property
    def _variance(self) -> Average:
        return self._average(SHARE_BATCHES, twin_noise, code_variance)

    @functools.cached_property
    def _cases(self) -> Any:
        """The test images that show the rare event, with weights, on every device."""
        world: Any = self.recipe.world
        return self._layout.draw(lambda test: rare_cases(world, test[1]))(self._test)

    @functools.cached_property
    def _mass(self) -> Average:
        return self._average(MASS_BATCHES, event_noise, mass)

    @functools.cached_property
    def _reach(self) -> Callable:
        return self._layout.lift(lambda cases, params: reach(cases, params, self.recipe))

    @functools.cached_property
    def _random(self) -> Callable:
        key = purpose_key(0, Purpose.BASELINE)
        return self._layout.lift(lambda _, index: self.recipe.init(jax.random.fold_in(key, index)))

    @functools.cached_property
    def _raw(self) -> Callable:
        keys = _score_keys(0)
        return self._layout.lift(
            lambda test, params: raw_recovery_mse(keys, params, test, self.recipe)
        )


def _score_keys(seed: jax.Array | int) -> ScoreKeys:
    purposes = (Purpose.TEST, Purpose.HEAD, Purpose.ACTIVE)
    return ScoreKeys(*(purpose_key(seed, purpose) for purpose in purposes))
