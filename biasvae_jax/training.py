"""Training one β-VAE: a state, a step, and a scan of steps.

Everything here is for one model. `sweep.py` stacks models; a loop over models is as good.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from biasvae_jax.config import Config
from biasvae_jax.convergence import observe, start_watch
from biasvae_jax.networks import MLP, Network, Params
from biasvae_jax.objectives import Losses, beta_elbo, linear_warmup
from biasvae_jax.worlds import Squares, World

Objective = Callable[..., Losses]


@dataclass(frozen=True)
class Recipe:
    """What all models of a sweep have in common; (bias, β, seed) is what they differ in.

    `objective` is called as `beta_elbo` is; swap any field for a variant of your own.
    """

    world: World
    network: Network
    likelihood_variance: float = 0.25
    batch_size: int = 64
    learning_rate: float = 1e-3
    kl_warmup: int = 0
    objective: Objective = beta_elbo
    patience: int = 0
    """Steps of a window of `convergence`'s rule; 0: every model takes all its steps."""
    tolerance: float = 0.1
    """Improvement, in nats from window to window, below which a model is left as it is."""

    @classmethod
    def from_config(cls, config: Config) -> "Recipe":
        """Build the squares world and the MLP that a config describes."""
        world = Squares(
            config.n,
            config.m,
            config.noise_mean,
            config.noise_variance,
            config.bins,
            config.contrast,
        )
        network = MLP(world.pixels, config.latents, config.hidden, config.output, config.activation)
        return cls(
            world=world,
            network=network,
            likelihood_variance=config.sigma2,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            kl_warmup=config.kl_warmup,
            patience=config.patience,
            tolerance=config.tolerance,
        )

    @property
    def optimizer(self) -> optax.GradientTransformation:
        """Adam at a constant rate."""
        return optax.adam(self.learning_rate)


class TrainState(NamedTuple):
    """One model in training."""

    step: jax.Array
    """Steps taken, int32 scalar."""
    params: Params
    opt_state: Any
    watch: Any = ()
    """`convergence.Watch`, with patience."""


class StepNoise(NamedTuple):
    """The random numbers of one training step: those of the world and the posterior's."""

    world: Any
    posterior: jax.Array
    """Standard normal, `[batch, latent_dim]`."""


def init_state(key: jax.Array, recipe: Recipe) -> TrainState:
    """Return an untrained model."""
    params = recipe.network.init(key)
    watch = start_watch() if recipe.patience else ()
    return TrainState(jnp.zeros((), jnp.int32), params, recipe.optimizer.init(params), watch)


def draw_noise(key: jax.Array, step: jax.Array, recipe: Recipe) -> StepNoise:
    """Draw the noise of one step; it depends on `key` and `step` alone."""
    world_key, posterior_key = jax.random.split(jax.random.fold_in(key, step))
    shape = (recipe.batch_size, recipe.network.latent_dim)
    return StepNoise(
        world=recipe.world.draw(world_key, (recipe.batch_size,)),
        posterior=jax.random.normal(posterior_key, shape),
    )


def draw_chunk(key: jax.Array, first_step: jax.Array, steps: int, recipe: Recipe) -> StepNoise:
    """Draw the noise of `steps` steps from `first_step` on, stacked along the first axis."""
    return jax.lax.map(lambda i: draw_noise(key, first_step + i, recipe), jnp.arange(steps))


def noisy_step(
    noise: StepNoise, state: TrainState, bias: jax.Array, beta: jax.Array, recipe: Recipe
) -> tuple[TrainState, Losses]:
    """Take one Adam step on a batch made from `noise` under `bias`.

    Returns the new state and the batch means of the objective and its terms (nats); during a
    warm-up, `loss` is the value minimised, its KL weight still below β.
    """
    x = recipe.world.sample(noise.world, bias).x
    chex.assert_shape(x, (recipe.batch_size, recipe.world.pixels))
    weight = beta * linear_warmup(state.step, recipe.kl_warmup)

    def batch_loss(params):
        losses = recipe.objective(
            recipe.network, params, x, noise.posterior, weight, recipe.likelihood_variance
        )
        means = jax.tree.map(jnp.mean, losses)
        return means.loss, means

    gradient, info = jax.grad(batch_loss, has_aux=True)(state.params)
    updates, opt_state = recipe.optimizer.update(gradient, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    return TrainState(state.step + 1, params, opt_state, state.watch), info


def train_step(
    key: jax.Array, state: TrainState, bias: jax.Array, beta: jax.Array, recipe: Recipe
) -> tuple[TrainState, Losses]:
    """Take one step on fresh data; the key of the whole training is passed, not one a step."""
    return noisy_step(draw_noise(key, state.step, recipe), state, bias, beta, recipe)


def train_chunk(
    noise: StepNoise,
    rows: jax.Array,
    state: TrainState,
    bias: jax.Array,
    beta: jax.Array,
    recipe: Recipe,
) -> tuple[TrainState, Losses]:
    """Scan `noisy_step` over the `rows` of drawn `noise`, in order.

    Naming rows, rather than passing a slice, lets many models read one stack of noise uncopied.
    Returns the new state and the losses of each step, `[rows]`. With patience, a model that has
    converged takes no further step, and its losses stay at the means of its last window.
    """

    def step(state, row):
        here = jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, row, keepdims=False), noise)
        return noisy_step(here, state, bias, beta, recipe)

    return (
        _scan_watched(step, state, rows, recipe)
        if recipe.patience
        else jax.lax.scan(step, state, rows)
    )


def _scan_watched(
    step: Callable, state: TrainState, rows: jax.Array, recipe: Recipe
) -> tuple[TrainState, Losses]:
    """`lax.scan` that ends where the model converges; under vmap, where the last one does."""

    def goes_on(carry):
        i, state, _ = carry
        return (i < len(rows)) & ~state.watch.converged

    def body(carry):
        i, state, infos = carry
        state, info = step(state, rows[i])
        watch = observe(state.watch, info, recipe.patience, recipe.tolerance)
        warm = state.step > recipe.kl_warmup  # before, the loss itself rises with its KL weight
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
    beta: jax.Array,
    recipe: Recipe,
    steps: int,
) -> tuple[TrainState, Losses]:
    """Train one model for `steps` steps: `draw_chunk`, then `train_chunk`; jit it whole.

    The noise of all steps is held at once (114 kB a step in the original study's world).
    """
    noise = draw_chunk(key, state.step, steps, recipe)
    return train_chunk(noise, jnp.arange(steps), state, bias, beta, recipe)
