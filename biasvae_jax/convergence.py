"""When a model has stopped improving: a rule on its own losses, seen one step after another.

Training is cut into windows of `patience` steps, from the end of the KL warm-up on. A model has
converged at the end of a window whose mean loss is not lower than that of the window before by more
than `tolerance` nats. The rule sees no further: a model that rests at a collapsed start counts as
converged, whether or not it would have left it later.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from biasvae_jax.objectives import Losses


class Watch(NamedTuple):
    """What the rule has seen of one model."""

    steps: jax.Array
    """Steps seen of the present window, int32."""
    present: Losses
    """Means over them, nats."""
    before: Losses
    """Means over the window before, nats; infinite when there is none."""
    converged: jax.Array
    """Whether the model has converged, boolean."""


def start_watch() -> Watch:
    """Return the watch of a model that has taken no step."""
    zero, infinite = jnp.zeros(()), jnp.full((), jnp.inf)
    return Watch(
        jnp.zeros((), jnp.int32), Losses(zero, zero, zero), Losses(*[infinite] * 3), zero > 0
    )


def observe(watch: Watch, losses: Losses, patience: int, tolerance: float) -> Watch:
    """See the losses of one more step (scalars, nats); a loss that is not finite converges too."""
    steps = watch.steps + 1
    present = _map(lambda mean, loss: mean + (loss - mean) / steps, watch.present, losses)
    whole = steps == patience
    improved = present.loss < watch.before.loss - tolerance
    return Watch(
        steps=jnp.where(whole, 0, steps),
        present=_map(lambda a: jnp.where(whole, 0.0, a), present),
        before=_map(lambda a, b: jnp.where(whole, a, b), present, watch.before),
        converged=watch.converged | (whole & ~improved),
    )


def _map(function: Any, *losses: Losses) -> Losses:
    return jax.tree.map(function, *losses)
