"""Linear projection heads between ground-truth and learned latents."""

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax


class Head(NamedTuple):
    """An affine map, y = x·weight + bias."""

    weight: jax.Array
    """`[inputs, targets]`"""
    bias: jax.Array
    """`[targets]`"""

    def __call__(self, x: jax.Array) -> jax.Array:
        """Map `[rows, inputs]` to `[rows, targets]`."""
        return x @ self.weight + self.bias[None]


def mse(prediction: jax.Array, target: jax.Array) -> jax.Array:
    """Mean squared error over rows and dimensions, in the target's unit squared."""
    return jnp.mean(jnp.square(prediction - target))


class _Standard(NamedTuple):
    """Centre and scale of the columns of an array, each `[1, columns]`."""

    mean: jax.Array
    scale: jax.Array

    @classmethod
    def of(cls, x: jax.Array) -> "_Standard":
        mean, scale = x.mean(0, keepdims=True), x.std(0, keepdims=True)
        # a constant column varies by rounding alone: leave it, do not blow its rounding up
        rounding = 8 * jnp.finfo(x.dtype).eps * jnp.abs(mean)
        return cls(mean, jnp.where(scale > rounding, scale, 1.0))

    def __call__(self, x: jax.Array) -> jax.Array:
        return (x - self.mean) / self.scale


def _on_raw(head: Head, inputs: _Standard, targets: _Standard) -> Head:
    """Undo centring and scaling: the same map, from raw inputs to raw targets."""
    weight = head.weight / inputs.scale.T * targets.scale
    bias = targets.mean[0] + targets.scale[0] * head.bias - (inputs.mean @ weight)[0]
    return Head(weight, bias)


def fit_least_squares(x: jax.Array, y: jax.Array) -> Head:
    """Fit the affine map of least squared error, by SVD; a constant input gets weight 0.

    Shapes: `x` `[rows, inputs]`, `y` `[rows, targets]`.
    """
    chex.assert_rank([x, y], 2)
    chex.assert_equal_shape_prefix([x, y], 1)
    inputs, targets = _Standard.of(x), _Standard.of(y)
    weight = jnp.linalg.lstsq(inputs(x), targets(y), rcond=1e-6)[0]
    return _on_raw(Head(weight, jnp.zeros(y.shape[1])), inputs, targets)


def fit_adam(
    key: jax.Array, x: jax.Array, y: jax.Array, epochs: int = 3, batch_size: int = 64
) -> Head:
    """Fit a head as the original study did: Adam, 3 epochs, the rate a cosine from 0.02 to 0.

    Inputs and targets are centred and scaled first and this is undone afterwards: on raw inputs,
    at a fixed rate, 3 epochs end far from the optimum (`fit_adam_raw`). Shapes as
    `fit_least_squares`; each epoch is a new permutation, its last incomplete batch left out.
    """
    chex.assert_rank([x, y], 2)
    chex.assert_equal_shape_prefix([x, y], 1)
    inputs, targets = _Standard.of(x), _Standard.of(y)
    zero = Head(jnp.zeros((x.shape[1], y.shape[1])), jnp.zeros(y.shape[1]))
    steps = epochs * max(1, len(x) // batch_size)
    rate = optax.cosine_decay_schedule(0.02, steps)
    head = _descend(key, zero, inputs(x), targets(y), optax.adam(rate), epochs, batch_size)
    return _on_raw(head, inputs, targets)


def fit_adam_raw(
    key: jax.Array, x: jax.Array, y: jax.Array, epochs: int = 3, batch_size: int = 64
) -> Head:
    """Fit the plainest head: Adam at 1e-3 on raw inputs, weights from U(±1/√inputs).

    Not converged after 3 epochs. Kept because the original study's baseline, 0.1121, looks like
    this head's.
    """
    init_key, order_key = jax.random.split(key)
    limit = x.shape[1] ** -0.5
    shape = (x.shape[1] + 1, y.shape[1])
    *weight, bias = jax.random.uniform(init_key, shape, minval=-limit, maxval=limit)
    start = Head(jnp.stack(weight), bias)
    return _descend(order_key, start, x, y, optax.adam(1e-3), epochs, batch_size)


def _descend(
    key: jax.Array,
    head: Head,
    x: jax.Array,
    y: jax.Array,
    optimizer: optax.GradientTransformation,
    epochs: int,
    batch_size: int,
) -> Head:
    """Minimise the MSE over shuffled minibatches."""
    batch_size = min(batch_size, len(x))
    batches = len(x) // batch_size
    orders = jax.vmap(lambda k: jax.random.permutation(k, len(x)))(jax.random.split(key, epochs))
    rows = orders[:, : batches * batch_size].reshape(epochs * batches, batch_size)

    def body(carry, batch):
        head, opt_state = carry
        gradient = jax.grad(lambda head: mse(head(x[batch]), y[batch]))(head)
        updates, opt_state = optimizer.update(gradient, opt_state)
        stepped: Any = optax.apply_updates(head, updates)
        return (stepped, opt_state), None

    (head, _), _ = jax.lax.scan(body, (head, optimizer.init(head)), rows)
    return head
