"""What a score is: its variables and their meanings, what it needs, how one model gets it.

Scores without `compute` belong to every sweep, which computes them for all models at once; the
others are asked for afterwards. A need that a study does not meet leaves a score out, and `unmet`
says why.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from biasvae_jax.errors import first_line
from biasvae_jax.meaning import Better as Better
from biasvae_jax.meaning import Meaning as Meaning
from biasvae_jax.meaning import Need as Need
from biasvae_jax.theory.reference import why_none
from biasvae_jax.training import Recipe
from biasvae_jax.worlds import Generated

Value = float | str | np.ndarray
"""Of a variable and one model: a number, an array along a dimension, or why there is none."""


@dataclass(frozen=True)
class Score:
    """Variables that are computed together."""

    name: str
    variables: Mapping[str, Meaning]
    """In the order in which `compute` returns them."""
    needs: frozenset[Need] = frozenset()
    compute: Callable[[Any], Sequence[Value]] | None = field(default=None, compare=False)
    """Subject → numbers; a text in place of one says why it is undefined, a ValueError why all
    are. None: computed by the sweep."""

    def of(self, subject: Any) -> Sequence[Value]:
        """Return each variable of one model, or why it is undefined."""
        assert self.compute is not None
        try:
            return self.compute(subject)
        except ValueError as error:  # a world or code that the score is not for
            return [first_line(error)] * len(self.variables)


SCORES: dict[str, Score] = {}
"""Every score, by name, in the order of registration."""
SWEPT = ("recovery", "gap", "signal_share", "event", "generalisation")
"""Names of those that every sweep computes, in the order of its results."""


def register_score(
    name: str,
    variables: Mapping[str, Meaning],
    compute: Callable[[Any], Sequence[Value]] | None = None,
    needs: Sequence[Need] = (),
) -> None:
    """Make a score known."""
    SCORES[name] = Score(name, variables, frozenset(needs), compute)


def unmet(recipe: Recipe) -> dict[Need, str]:
    """Return the needs that a study does not meet, and why."""
    kind = recipe.world.kind
    kinds = {factor.kind for factor in recipe.world.factors}
    reasons: dict[Need, str] = {
        "binary": "" if "binary" in kinds else f"{kind} has no binary factor",
        "continuous": "" if "continuous" in kinds else f"{kind} has no continuous factor",
        "discrete": ""
        if kinds & {"binary", "categorical"}
        else f"{kind} has no binary or categorical factor",
        "event": "" if getattr(recipe.world, "event", "") else f"{kind} states no rare event",
        "features": ""
        if hasattr(recipe.network, "features")
        else f"{type(recipe.network).__name__} has no features, the last hidden layer",
        "latents": "" if isinstance(recipe.world, Generated) else f"{kind} has no latents",
        "noise": "" if recipe.world.noise_variance else "its images have no observation noise",
        "numbers": "" if kinds - {"categorical"} else f"all factors of {kind} are categorical",
        "optimum": why_none(recipe),
        "render": ""
        if recipe.world.renders
        else f"{kind} has no renderer for any combination of factors",
        "training_set": "" if recipe.training_images else "every training image is a fresh one",
    }
    return {need: why for need, why in reasons.items() if why}


def left_out(recipe: Recipe) -> dict[str, str]:
    """Return the scores whose needs a study does not meet, and why; so for single variables."""
    missing = unmet(recipe)
    found = {}
    for name, score in SCORES.items():
        why = [missing[need] for need in sorted(score.needs) if need in missing]
        if why:
            found[name] = why[0]
            continue
        for variable, meaning in score.variables.items():
            if meaning.need in missing:
                found[variable] = missing[meaning.need]
    return found


def left_out_of_sweep(recipe: Recipe) -> dict[str, str]:
    """Return the scores among those of every sweep that a study cannot have, and why.

    Those of a training set are not missed where there is none.
    """
    missed = set(SWEPT) - {"generalisation"}
    return {name: why for name, why in left_out(recipe).items() if name in missed}
