"""When a model has stopped improving: a rule on its own losses, seen one step after another.

Training is cut into windows of `patience` steps, from the end of the KL warm-up on. A model has
converged at the end of a window whose mean loss is not lower than that of the window before by more
than `tolerance` nats. The rule sees no further: a model that rests at a collapsed start counts as
converged, whether or not it would have left it later.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Watch(NamedTuple):
    """What the rule remembers of one model's losses; part of its training state."""

    steps: jax.Array
    """Steps seen of the present window, int32."""
    present: Any
    """Mean losses over the steps seen of the present window, nats."""
    before: Any
    """Mean losses over the window before, nats; infinite when there is none."""
    converged: jax.Array
    """Whether the model has converged, boolean."""


def start_watch(terms: Any) -> Watch:
    """Return the watch of a model that has taken no step; `terms` is the objective's `Terms`."""
    zero, infinite = jnp.zeros(()), jnp.full((), jnp.inf)
    count = len(terms._fields)
    return Watch(
        jnp.zeros((), jnp.int32), terms(*[zero] * count), terms(*[infinite] * count), zero > 0
    )


def observe(watch: Watch, losses: Any, patience: int, tolerance: float) -> Watch:
    """See the losses of one more step (scalars, nats); a loss that is not finite converges too."""
    steps = watch.steps + 1
    present = _map(lambda mean, loss: mean + (loss - mean) / steps, watch.present, losses)
    whole = steps == patience
    improved = present[0] < watch.before[0] - tolerance
    return Watch(
        steps=jnp.where(whole, 0, steps),
        present=_map(lambda a: jnp.where(whole, 0.0, a), present),
        before=_map(lambda a, b: jnp.where(whole, a, b), present, watch.before),
        converged=watch.converged | (whole & ~improved),
    )


def converged_step(
    loss: np.ndarray, steps: int, warmup: int, patience: int, tolerance: float
) -> np.ndarray:
    """Apply the rule to curves of models that took all their steps: the steps it would have left.

    `loss` `[..., bins]` holds means over equal bins of the `steps` (as `history.nc` does), nats →
    `[...]`; `steps` where a model never converges. Raises ValueError if warm-up or patience do not
    end with a bin.
    """
    bins = loss.shape[-1]
    if steps % bins or any(n * bins % steps for n in (warmup, patience)) or patience < 1:
        raise ValueError(
            f"warm-up {warmup} and patience {patience} must be multiples of a bin's "
            f"{steps / bins:g} steps"
        )
    skip, size = (n * bins // steps for n in (warmup, patience))
    windows = (bins - skip) // size
    if windows < 2:
        return np.full(loss.shape[:-1], steps)
    whole = loss[..., skip : skip + windows * size]
    means = whole.reshape(*loss.shape[:-1], windows, size).mean(-1)
    stopped = ~(means[..., 1:] < means[..., :-1] - tolerance)
    return np.where(stopped.any(-1), warmup + (stopped.argmax(-1) + 2) * patience, steps)


def _map(function: Any, *losses: Any) -> Any:
    return jax.tree.map(function, *losses)
