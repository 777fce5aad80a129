"""Training one β-VAE: a state, a step, and a scan of steps.

Everything here is for one model. `sweep.py` stacks models; a loop over models is as good.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from biasvae_jax.keys import Purpose, beside
from biasvae_jax.networks import NoisyInput, Params
from biasvae_jax.training.convergence import observe, start_watch
from biasvae_jax.training.images import image_noise, shown
from biasvae_jax.training.recipe import Recipe

Terms = Any
"""The objective's `Terms`: its loss and its parts, nats."""


class TrainState(NamedTuple):
    """One model in training."""

    step: jax.Array
    """Steps taken, int32 scalar."""
    params: Params
    opt_state: Any
    watch: Any = ()
    """`convergence.Watch`, with patience."""


class StepNoise(NamedTuple):
    """The random numbers of one training step: those of the world and the objective's."""

    world: Any
    posterior: Any
    """What `Objective.draw` returns: mostly standard normals `[batch, latent_dim]`."""
    input: Any = ()
    """Standard normals `[batch, pixels]` with `input_noise`."""


def init_state(key: jax.Array, recipe: Recipe) -> TrainState:
    """Return an untrained model."""
    params = recipe.init(key)
    watch = start_watch(recipe.objective.Terms) if recipe.patience else ()
    return TrainState(jnp.zeros((), jnp.int32), params, recipe.optimizer.init(params), watch)


def draw_noise(key: jax.Array, step: jax.Array, recipe: Recipe) -> StepNoise:
    """Draw the noise of one step; it depends on `key` and `step` alone."""
    images = None
    if recipe.training_images:
        images = shown(key, step, 1, recipe.batch_size, recipe.training_images)[0]
    return _draw(key, step, images, recipe)


def _draw(key: jax.Array, step: jax.Array, images: jax.Array | None, recipe: Recipe) -> StepNoise:
    """Draw the noise of a step; of a training set, `images` says which it shows."""
    world_key, posterior_key = jax.random.split(jax.random.fold_in(key, step))
    latents, batch = recipe.network.latent_dim, recipe.batch_size
    inputs: Any = ()
    if recipe.input_noise:
        input_key = jax.random.fold_in(beside(key, Purpose.TRAIN), step)
        inputs = jax.random.normal(input_key, (batch, recipe.world.pixels))
    return StepNoise(
        world=recipe.world.draw(world_key, (batch,))
        if images is None
        else image_noise(key, images, recipe.world),
        posterior=recipe.objective.draw(posterior_key, batch, latents),
        input=inputs,
    )


def draw_chunk(key: jax.Array, first_step: jax.Array, steps: int, recipe: Recipe) -> StepNoise:
    """Draw the noise of `steps` steps from `first_step` on, stacked along the first axis."""
    if not recipe.training_images:
        return jax.lax.map(lambda i: draw_noise(key, first_step + i, recipe), jnp.arange(steps))
    images = shown(key, first_step, steps, recipe.batch_size, recipe.training_images)
    return jax.lax.map(
        lambda each: _draw(key, first_step + each[0], each[1], recipe), (jnp.arange(steps), images)
    )


def noisy_step(
    noise: StepNoise,
    state: TrainState,
    bias: jax.Array,
    strength: jax.Array,
    recipe: Recipe,
    data: Any = (),
    prepared: Any = None,
) -> tuple[TrainState, Terms]:
    """Take one step of the optimiser on a batch made from `noise` under the bias strength `bias`.

    Returns the new state and the batch means of the objective and its terms (nats); during a
    warm-up, `loss` is the value minimised, its KL weight still below the full one. `data` are the
    world's arrays, () if it is generated; `prepared` is what `Recipe.prepare` makes of them.
    """
    x = recipe.sample(noise.world, bias, data, prepared).x
    chex.assert_shape(x, (recipe.batch_size, recipe.world.pixels))

    network = recipe.network
    if recipe.input_noise:
        network = NoisyInput(network, recipe.input_noise * noise.input)

    def batch_loss(params):
        losses = recipe.objective.losses(
            network, params, x, noise.posterior, strength, state.step,
            recipe.likelihood_variance,
        )  # fmt: skip
        means = jax.tree.map(jnp.mean, losses)
        return means[0], means

    gradient, info = jax.grad(batch_loss, has_aux=True)(state.params)
    updates, opt_state = recipe.optimizer.update(gradient, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    return TrainState(state.step + 1, params, opt_state, state.watch), info


def train_step(
    key: jax.Array,
    state: TrainState,
    bias: jax.Array,
    strength: jax.Array,
    recipe: Recipe,
    data: Any = (),
) -> tuple[TrainState, Terms]:
    """Take one step on fresh data; the key of the whole training is passed, not one a step."""
    return noisy_step(draw_noise(key, state.step, recipe), state, bias, strength, recipe, data)


def train_chunk(
    noise: StepNoise,
    rows: jax.Array,
    state: TrainState,
    bias: jax.Array,
    strength: jax.Array,
    recipe: Recipe,
    data: Any = (),
) -> tuple[TrainState, Terms]:
    """Scan `noisy_step` over the `rows` of drawn `noise`, in order.

    Naming rows, rather than passing a slice, lets many models read one stack of noise uncopied.
    Returns the new state and the losses of each step, `[rows]`. With patience, a model that has
    converged takes no further step, and its losses stay at the means of its last window.
    """
    prepared = recipe.prepare(data, bias)

    def step(state, row):
        here = jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, row, keepdims=False), noise)
        return noisy_step(here, state, bias, strength, recipe, data, prepared)

    return (
        _scan_watched(step, state, rows, recipe)
        if recipe.patience
        else jax.lax.scan(step, state, rows)
    )


def _scan_watched(
    step: Callable, state: TrainState, rows: jax.Array, recipe: Recipe
) -> tuple[TrainState, Terms]:
    """`lax.scan` that ends where the model converges; under vmap, where the last one does."""

    def goes_on(carry):
        i, state, _ = carry
        return (i < len(rows)) & ~state.watch.converged

    def body(carry):
        i, state, infos = carry
        state, info = step(state, rows[i])
        watch = observe(state.watch, info, recipe.patience, recipe.tolerance)
        # before, the loss itself rises with its KL weight
        warm = state.step > recipe.objective.kl_warmup
        watch = jax.tree.map(lambda new, old: jnp.where(warm, new, old), watch, state.watch)
        infos = jax.tree.map(lambda a, b: a.at[i].set(b), infos, info)
        return i + 1, state._replace(watch=watch), infos

    infos = jax.tree.map(lambda _: jnp.zeros(len(rows)), state.watch.present)
    taken, state, infos = jax.lax.while_loop(goes_on, body, (0, state, infos))
    after = jnp.arange(len(rows)) >= taken
    return state, jax.tree.map(
        lambda losses, last: jnp.where(after, last, losses), infos, state.watch.before
    )


def train(
    key: jax.Array,
    state: TrainState,
    bias: jax.Array,
    strength: jax.Array,
    recipe: Recipe,
    steps: int,
    data: Any = (),
) -> tuple[TrainState, Terms]:
    """Train one model for `steps` steps: `draw_chunk`, then `train_chunk`; jit it whole.

    The noise of all steps is held at once (114 kB a step in the original study's world).
    """
    noise = draw_chunk(key, state.step, steps, recipe)
    return train_chunk(noise, jnp.arange(steps), state, bias, strength, recipe, data)
