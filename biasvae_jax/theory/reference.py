"""What the theory predicts of a study: computed once a run, stored in its results."""

from typing import Any, NamedTuple

import jax
import numpy as np

from biasvae_jax.axes import Grid
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.theory.base import Reduction
from biasvae_jax.theory.events import predict_events
from biasvae_jax.theory.linear import collapse_threshold
from biasvae_jax.theory.predictions import predict
from biasvae_jax.theory.reduction import reduce_world
from biasvae_jax.training import Recipe
from biasvae_jax.worlds import Generated

NOISE_ALONE = 1e-6  # signal along a direction, of the largest eigenvalue
MOST_PIXELS = 4_096  # the covariance of more takes too much time and memory


class Reference(NamedTuple):
    """The linear optimum of a study with the β-ELBO."""

    reductions: tuple[Reduction, ...]
    """The world's leading directions under each bias, `[bias]`."""
    threshold: np.ndarray
    """β* of the largest direction under each bias, `[bias]`."""
    thresholds: np.ndarray
    """β* of each latent's direction, falling, `[bias, direction]`; NaN for one of noise alone."""
    predictions: dict[str, np.ndarray]
    """Scores of the optimum, named as in the results, `[bias, strength]`; NaN at β = 0."""


def why_none(recipe: Recipe) -> str:
    """Say in a few words why a study has no reference; empty if it has one."""
    if not recipe.objective.optimum_known:
        return f"no closed form is known for the objective {recipe.objective.kind}"
    if recipe.world.pixels > MOST_PIXELS:
        return f"the covariance of {recipe.world.pixels:,} pixels is too large"
    return ""


def reference(recipe: Recipe, grid: Grid, data: Any = ()) -> Reference | None:
    """Compute what the theory predicts of every cell; None where `why_none` says why.

    `data` are the world's arrays (`World.load`). Exact for squares with normal latents, else from
    images sampled under each bias.
    """
    if why_none(recipe):
        return None
    key, latents = purpose_key(0, Purpose.MOMENTS), recipe.network.latent_dim
    # in single precision, as the models have it
    biases = np.asarray(grid.bias.values, np.float32)
    reductions = tuple(
        reduce_world(recipe.world, float(b), latents, key, recipe.bias, data) for b in biases
    )
    variance = recipe.likelihood_variance
    eigenvalues, signal = (
        np.array([getattr(r, name) for r in reductions]) for name in ("eigenvalues", "signal")
    )
    thresholds = collapse_threshold(eigenvalues, variance)
    strengths = np.asarray(grid.strength.values, float)
    positive = strengths > 0
    predictions = {}
    if positive.any():
        found = predict(
            recipe.world, biases.tolist(), strengths[positive].tolist(), variance, latents,
            data=data, reductions=reductions,
        )  # fmt: skip
        scores = found._asdict()
        if isinstance(recipe.world, Generated) and recipe.world.event:
            events = predict_events(
                recipe.world, recipe.bias, biases.tolist(), strengths[positive].tolist(), variance,
                reductions,
            )  # fmt: skip
            known = {n: v for n, v in events._asdict().items() if np.isfinite(v).any()}
            scores |= known
        for name, values in scores.items():
            predictions[name] = np.full((len(biases), len(strengths)), np.nan)
            predictions[name][:, positive] = values
        predictions["pmi_exact"] = predictions["pmi"]
        predictions["gap"] = np.where(np.isnan(predictions["pmi"]), np.nan, 0.0)
    each = np.where(signal > NOISE_ALONE * eigenvalues[:, :1], thresholds, np.nan)
    return Reference(reductions, thresholds[:, 0], each, predictions)


def linear_reductions(found: Reference, rows: np.ndarray) -> Any:
    """Stack the reductions of some biases (row numbers `[models]`) in float32, models first."""
    return jax.tree.map(lambda *a: np.stack(a).astype(np.float32)[rows], *found.reductions)
