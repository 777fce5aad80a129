"""Linear projection heads between ground-truth and learned latents."""

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

LEAST_STEPS = 192  # of Adam: 3 epochs of 4,096 rows, which end within 0.2 % of least squares


class Head(NamedTuple):
    """An affine map, y = (x − centre)·weight + bias."""

    weight: jax.Array
    """`[inputs, targets]`"""
    bias: jax.Array
    """`[targets]`"""
    centre: jax.Array | None = None
    """`[inputs]`, None for 0; it keeps digits where inputs are far from 0."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """Map `[rows, inputs]` to `[rows, targets]`."""
        return (x if self.centre is None else x - self.centre[None]) @ self.weight + self.bias[None]


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

    Shapes: `x` `[rows, inputs]`, `y` `[rows, targets]`. Inputs are centred twice, as the first mean
    carries the rounding of its sum, and the head keeps the centre.
    """
    chex.assert_rank([x, y], 2)
    chex.assert_equal_shape_prefix([x, y], 1)
    first, targets = x.mean(0), _Standard.of(y)
    varies = jnp.ptp(x, axis=0) > 0
    near = jnp.where(varies, x - first[None], 0.0)
    rest = near.mean(0)
    inputs = _Standard(rest[None], _Standard.of(x).scale)
    weight = jnp.linalg.lstsq(inputs(near), targets(y), rcond=1e-6)[0]
    weight = jnp.where(varies[:, None], weight, 0.0)  # lstsq leaves rounding
    head = _on_raw(Head(weight, jnp.zeros(y.shape[1])), inputs, targets)
    return head._replace(centre=first)


def fit_adam(
    key: jax.Array, x: jax.Array, y: jax.Array, epochs: int | None = None, batch_size: int = 64
) -> Head:
    """Fit a head as the original study did: Adam, 3 epochs, the rate a cosine from 0.02 to 0.

    Few rows have more epochs, as many as make 192 steps: 3 from 4,096 rows at batches of 64, 6 for
    2,000, 64 for 200. `epochs` asks for a number of them. Inputs and targets are centred and scaled
    first and this is undone afterwards: on raw inputs, at a fixed rate, 3 epochs end far from the
    optimum (`fit_adam_raw`). A batch of all rows has no use for a bias, whose gradient is rounding
    that Adam would scale up. Shapes as `fit_least_squares`; each epoch is a new permutation, its
    last incomplete batch left out.
    """
    return fit_adam_on(minibatches(key, len(x), epochs, batch_size), x, y)


def minibatches(
    key: jax.Array, rows: int, epochs: int | None = None, batch_size: int = 64
) -> jax.Array:
    """Draw the rows of each of `fit_adam`'s steps, `[steps, batch]`: the same for many heads."""
    batch_size = min(batch_size, rows)
    batches = rows // batch_size
    if epochs is None:
        epochs = max(3, -(-LEAST_STEPS // batches))
    orders = jax.vmap(lambda k: jax.random.permutation(k, rows))(jax.random.split(key, epochs))
    return orders[:, : batches * batch_size].reshape(epochs * batches, batch_size)


def fit_adam_on(batches: jax.Array, x: jax.Array, y: jax.Array) -> Head:
    """Fit `fit_adam`'s head on `minibatches` that are drawn already."""
    chex.assert_rank([x, y], 2)
    chex.assert_equal_shape_prefix([x, y], 1)
    inputs, targets = _Standard.of(x), _Standard.of(y)
    zero = Head(jnp.zeros((x.shape[1], y.shape[1])), jnp.zeros(y.shape[1]))
    optimizer = optax.adam(optax.cosine_decay_schedule(0.02, len(batches)))
    if batches.shape[1] == len(x):
        hold: Any = Head(weight=False, bias=True)  # type: ignore[arg-type]
        optimizer = optax.chain(optax.masked(optax.set_to_zero(), hold), optimizer)
    return _on_raw(_descend(batches, zero, inputs(x), targets(y), optimizer), inputs, targets)


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
    batches = minibatches(order_key, len(x), epochs, batch_size)
    return _descend(batches, start, x, y, optax.adam(1e-3))


def _descend(
    batches: jax.Array,
    head: Head,
    x: jax.Array,
    y: jax.Array,
    optimizer: optax.GradientTransformation,
) -> Head:
    """Minimise the MSE over minibatches, given as rows."""

    def body(carry, batch):
        head, opt_state = carry
        gradient = jax.grad(lambda head: mse(head(x[batch]), y[batch]))(head)
        updates, opt_state = optimizer.update(gradient, opt_state)
        stepped: Any = optax.apply_updates(head, updates)
        return (stepped, opt_state), None

    start: Any = head  # optax's types know no None
    (head, _), _ = jax.lax.scan(body, (start, optimizer.init(start)), batches)
    return head
