"""Stacks of models on devices: a function of one model, lifted to all of them.

A stack's first axis is its models, padded to a multiple of the devices and laid along them; what
comes back to the host has no padding, so callers see exactly their models.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from biasvae_jax.sweep.plan import Plan, pad_models

SLICE = 2  # widths of models in turn that a program scores on a device; 1 takes a quarter longer


@dataclass(frozen=True)
class Layout:
    """Where stacks of models lie, as a plan says."""

    plan: Plan

    @functools.cached_property
    def mesh(self) -> jax.sharding.Mesh:
        """The devices, along one axis named `models`."""
        devices = jax.devices()[: self.plan.devices]
        return jax.make_mesh(
            (len(devices),), ("models",), axis_types=(AxisType.Auto,), devices=devices
        )

    def put(self, tree: Any) -> Any:
        """Lay host arrays, stacked over models, on the devices."""
        devices = self.plan.devices
        padded = lambda a: pad_models(a, math.ceil(len(a) / devices) * devices)  # noqa: E731
        return jax.tree.map(lambda a: self._place(padded(np.asarray(a)), "models"), tree)

    def slices(self, models: int) -> list[np.ndarray]:
        """Return the rows of models that are scored together.

        All slices have one length, so that one program scores any number of models; the last
        repeats the last model. Only a stack that is vmapped whole is taken as it is.
        """
        size = self.plan.devices * self.plan.width * SLICE
        if models <= size and self.plan.width > 1:
            return [np.arange(models)]
        return [
            np.minimum(np.arange(start, start + size), models - 1)
            for start in range(0, models, size)
        ]

    def join(self, parts: Sequence[Any], models: int) -> Any:
        """Bring what was made of slices to the host as numpy `[models, …]` (a collective)."""
        size = len(self.slices(models)[0])
        host = [self.gather(part, size) for part in parts]
        return jax.tree.map(lambda *a: np.concatenate(a)[:models], *host)

    def share(self, tree: Any) -> Any:
        """Lay whole host arrays on every device."""
        return jax.tree.map(lambda a: self._place(np.asarray(a)), tree)

    def gather(self, tree: Any, models: int) -> Any:
        """Bring stacks to the host as numpy, without padding (a collective)."""
        if jax.process_count() > 1:
            tree = multihost_utils.process_allgather(tree, tiled=True)
        return jax.tree.map(lambda a: np.asarray(a)[:models], jax.device_get(tree))

    def draw(self, function: Callable) -> Callable:
        """Compile a function of shared arrays whose results every device has whole."""
        return jax.jit(function, out_shardings=NamedSharding(self.mesh, PartitionSpec()))

    def draw_beside(self, function: Callable) -> Callable:
        """Compile as `draw` does, where models are fewer than cores for a core that has none.

        It works while the others train. The arrays are the same, bit for bit.
        """
        idle = [d for d in jax.local_devices() if d not in self.mesh.devices.flat]
        if not idle or idle[0].platform != "cpu" or self.plan.group > self.plan.devices:
            return self.draw(function)
        compiled = jax.jit(function)

        def draw(*arrays):
            with jax.default_device(idle[0]):
                drawn = compiled(*map(np.asarray, arrays))
            return jax.device_put(drawn, NamedSharding(self.mesh, PartitionSpec()))

        return draw

    def lift(self, function: Callable, in_place: bool = False) -> Callable:
        """Turn a function of one model into a compiled function of a stack of models.

        `function(shared, *one_model)` becomes `function(shared, *stacked)`, whose arguments and
        results have an axis of models in front. Each device takes its share of the models,
        `plan.width` of them vmapped at a time; on a CPU that is for training alone, since LAPACK,
        which scores call, must not be vmapped there (`solving`).

        With `in_place` the function must be `function(shared, state, …)` → (state, info). The new
        states are then written over the old ones, and the caller must not use the old ones again.
        """
        on_cpu = self.mesh.devices.flat[0].platform == "cpu"

        def on_device(shared, *stacked):
            local = len(jax.tree.leaves(stacked)[0])
            width = 1 if on_cpu and not in_place else self.plan.width
            one = lambda args: function(shared, *args)  # noqa: E731
            if width >= local > 1:
                return jax.vmap(one)(stacked)
            if in_place and width == 1:
                return _update_in_turn(functools.partial(function, shared), *stacked)
            return jax.lax.map(one, stacked, batch_size=width if width > 1 else None)

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

    def _place(self, array: np.ndarray, *axes: str) -> jax.Array:
        sharding = NamedSharding(self.mesh, PartitionSpec(*axes))
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])


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
