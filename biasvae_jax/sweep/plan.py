"""How a grid of models is laid on memory and devices.

A plan never changes a result beyond float rounding: keys know nothing of it.
"""

import dataclasses
import functools
import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax import host
from biasvae_jax.axes import portion
from biasvae_jax.costs import live_bytes, operations, tree_bytes
from biasvae_jax.errors import BadInput
from biasvae_jax.scores.recovery import ScoreKeys, recovery_scores
from biasvae_jax.training import Recipe, draw_noise, init_state, noisy_step

CHUNK_SECONDS = 2.5
CPU_GROUP = 256  # models on a CPU run one after another, so a larger group gains nothing
NOISE_BYTES = 256 * 2**20  # of two chunks: the next one's is drawn while one is trained
SHARE = 0.75  # of the free memory, that a plan may use
# Rough float32 rates of a step, multiply-adds counted twice: they only size a chunk.
CPU_FLOPS, ACCELERATOR_FLOPS = 5e10, 5e12
ACCELERATOR_STEP_SECONDS = 3e-4  # launching a step's kernels, however small they are


class PlanError(BadInput):
    """A plan that cannot be carried out; one line says what is short and what to do."""


@dataclass(frozen=True)
class Plan:
    """Where and in what portions the models are trained."""

    devices: int
    """Devices the models axis is laid on."""
    group: int
    """Models in memory together; each group is finished, scored and stored before the next."""
    width: int
    """Models vmapped together on a device; the others of the group wait their turn."""
    chunk: int
    """Steps between two returns to Python, where progress is shown and checkpoints are made."""

    def groups(self, models: int) -> list[slice]:
        """Split `models` into as few groups as fit, their sizes differing by at most one."""
        count = math.ceil(models / self.group)
        return [portion(models, self.group, number) for number in range(count)]

    def padded(self, models: int) -> int:
        """Number of models after padding the largest group to a multiple of the devices."""
        largest = math.ceil(models / math.ceil(models / self.group))
        return math.ceil(largest / self.devices) * self.devices


@dataclass(frozen=True)
class Costs:
    """Estimates behind a plan: bytes and floating-point operations."""

    resident: int
    """Bytes a model holds while its group is trained: parameters and the optimiser's moments."""
    working: int
    """Bytes a model needs beside them during its own step: gradient and activations."""
    scoring: int
    """Bytes scoring a model takes: test images, their reconstructions, hidden layers."""
    noise: int
    """Bytes of one seed's noise for one step."""
    data: int
    """Bytes of the world's arrays and its test set, once a device."""
    flops: float
    """Operations of one training step of one model."""

    @classmethod
    def of(cls, recipe: Recipe) -> "Costs":
        """Estimate from shapes and XLA's analysis of one step; nothing is computed."""
        return _costs(recipe)


@functools.lru_cache(maxsize=8)
def _costs(recipe: Recipe) -> Costs:
    key = jax.eval_shape(lambda: jax.random.key(0))
    number = jax.ShapeDtypeStruct((), np.float32)
    data = jax.eval_shape(lambda: recipe.world.load(recipe.bias))
    state = jax.eval_shape(lambda k: init_state(k, recipe), key)
    noise = jax.eval_shape(lambda k: draw_noise(k, jnp.asarray(0), recipe), key)
    test = jax.eval_shape(recipe.world.test_set, data)

    def step(noise, state, bias, strength, data):
        prepared = jax.tree.map(jnp.zeros_like, jax.eval_shape(recipe.prepare, data, bias))
        return noisy_step(noise, state, bias, strength, recipe, data, prepared)

    def score(key, params, bias, test, data):
        keys = ScoreKeys(key, key, key)
        return recovery_scores(keys, params, bias, test, recipe, data)

    one = noise, state, number, number, data
    return Costs(
        resident=tree_bytes((state.params, state.opt_state)),
        working=live_bytes(step, *one),
        scoring=live_bytes(score, key, state.params, number, test, data),
        noise=tree_bytes(noise),
        data=tree_bytes(data) + tree_bytes(test),
        flops=operations(step, *one),
    )


def make_plan(
    recipe: Recipe,
    cells: int,
    seeds: int,
    *,
    devices: int | None = None,
    group: int | None = None,
    width: int | None = None,
    chunk: int | None = None,
    first: Plan | None = None,
    memory: int | None = None,
) -> Plan:
    """Choose a plan for `cells` × `seeds` models on the devices jax sees; arguments override it.

    On a CPU (one XLA device a core) models run one after another on each device, where their
    optimiser state stays in cache; on an accelerator they are vmapped in the largest group that
    fits into `memory` (bytes, as `free_bytes` finds them). Of a run's `first` plan the group is
    kept, and the others as far as the devices and the memory allow. Raises PlanError when a single
    model or the first plan's group does not fit, or an override is impossible.
    """
    models = cells * seeds
    available = jax.devices()
    for name, value in (("devices", devices), ("group", group), ("width", width), ("chunk", chunk)):
        if value is not None and value < 1:
            raise PlanError(f"the plan's {name} must be ≥ 1; got {value}")
    if devices is not None and devices > len(available):
        raise PlanError(f"the plan wants {devices} devices, but there are {len(available)}")
    if jax.process_count() > models:
        raise PlanError(
            f"{jax.process_count()} processes are more than the {models} models; start fewer"
        )
    if jax.process_count() > 1 and devices not in (None, len(available)):
        raise PlanError("several processes use all their devices; leave --devices out")
    costs = Costs.of(recipe)
    on_cpu = available[0].platform == "cpu"
    memory = max(0, (free_bytes() if memory is None else memory) - costs.data)
    one_step = max(costs.working, costs.scoring)
    one_model = costs.resident + costs.noise + one_step
    if devices is None and jax.process_count() > 1:
        devices = len(available)
    if devices is None:
        devices = min(len(available), first.devices if first else models)
        if on_cpu:
            devices = max(1, min(devices, memory // one_model))
    memory = memory // (devices if on_cpu else 1)  # for each device
    if one_model > memory:
        raise PlanError(
            f"one model needs about {gib(one_model)} and a device has {gib(memory)}; "
            "use a smaller --hidden, --batch-size or world"
        )
    noise_budget = min(NOISE_BYTES, memory // 4)
    room = memory - noise_budget
    # a finished group's parameters are held once more while they are stored
    held = costs.resident * 2
    if first is not None:
        group = first.group
    elif group is None:
        fits = max(1, int((room - one_step) // (held + (0 if on_cpu else costs.working)))) * devices
        group = min(models, fits, CPU_GROUP if on_cpu else models)
        if group > cells:
            group -= group % cells  # whole seeds: fewer draws of noise in a group
    group = min(group, models)
    local = math.ceil(group / devices)
    slots = min(seeds, math.ceil(group / cells) + 1)
    need = local * held + min(width or 1, local) * one_step + slots * costs.noise
    if need > memory / SHARE:  # not only more than the share a plan may use
        raise PlanError(
            f"{group} models together need about {gib(need)} on a device, which has "
            f"{gib(memory / SHARE)}; "
            + (
                "this run's plan has groups of so many: go on where there is more memory, or "
                "start anew in another --out"
                if first
                else "use a smaller --group or --width"
            )
        )
    widest = max(1, (room - local * held) // one_step)
    width = width or min(first.width if first else 1 if on_cpu else local, widest)
    width = min(width, local)
    chunk = chunk or (first.chunk if first else None)
    longest = (memory // 2 if chunk else noise_budget) // (2 * costs.noise * slots)
    chunk = max(1, min(chunk or _chunk_steps(costs, group, devices, on_cpu), longest))
    return Plan(devices=devices, group=group, width=width, chunk=chunk)


def _chunk_steps(costs: Costs, group: int, devices: int, on_cpu: bool) -> int:
    rate = CPU_FLOPS if on_cpu else ACCELERATOR_FLOPS
    latency = 0.0 if on_cpu else ACCELERATOR_STEP_SECONDS
    step_seconds = max(latency, math.ceil(group / devices) * costs.flops / rate)
    # a 1-2-5 number, so that chunks divide the usual numbers of steps
    choices = [k * 10**e for e in range(3) for k in (1, 2, 5)] + [1000]
    return int(max(c for c in choices if c == 1 or c * step_seconds <= CHUNK_SECONDS))


def estimate(plan: Plan, recipe: Recipe, models: int, seeds: int, steps: int) -> tuple[int, float]:
    """Estimate a plan's peak memory (bytes, all devices together) and training time (seconds)."""
    costs = Costs.of(recipe)
    on_cpu = jax.devices()[0].platform == "cpu"
    slots = min(seeds, math.ceil(plan.group * seeds / models) + 1)
    memory = 2 * plan.padded(models) * costs.resident + plan.devices * (
        costs.data
        + plan.width * max(costs.working, costs.scoring)
        + 2 * plan.chunk * slots * costs.noise  # of a chunk, and of the next one
    )
    rate, latency = (CPU_FLOPS, 0.0) if on_cpu else (ACCELERATOR_FLOPS, ACCELERATOR_STEP_SECONDS)
    per_group = max(latency, plan.padded(models) / plan.devices * costs.flops / rate)
    return memory, len(plan.groups(models)) * steps * per_group


def free_bytes() -> int:
    """Memory for a plan, bytes: a share of what is free on the host, or the accelerator."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return int(SHARE * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)))
    return int(SHARE * host.free_memory())


def gib(size: float) -> str:
    """Write a number of bytes for people."""
    return f"{size / 2**30:.2f} GiB" if size >= 2**27 else f"{size / 2**20:.1f} MiB"


def plan_from_dict(values: dict) -> Plan:
    """Read a stored plan; raises PlanError on anything but its four positive whole numbers."""
    names = {field.name for field in dataclasses.fields(Plan)}
    if set(values) != names or not all(type(v) is int and v >= 1 for v in values.values()):
        raise PlanError(f"the stored plan is not one of this version: {values}")
    return Plan(**values)


def pad_models(array: np.ndarray, size: int) -> np.ndarray:
    """Repeat the last model until the first axis has `size`; `sweep` cuts the padding off."""
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])
