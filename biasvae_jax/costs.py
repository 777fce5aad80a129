"""What a function costs, from the shapes of its arguments alone: operations and live bytes."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

BATCH_BYTES = 256 * 2**20  # what a network may keep of all rows at once
CACHE_BYTES = 16 * 2**20  # of each batch of more than that on a CPU, whose caches are small


def operations(function: Callable, *arguments: Any) -> float:
    """Return the floating-point operations of a call, by XLA's own analysis of the program.

    `arguments` are arrays or their shapes (`jax.ShapeDtypeStruct`); nothing is computed.
    """
    found = jax.jit(function).lower(*arguments).cost_analysis()
    values = found[0] if isinstance(found, list) else found
    return float((values or {}).get("flops", 0.0))


def live_bytes(function: Callable, *arguments: Any) -> int:
    """Return the largest number of bytes of intermediate arrays alive at once, unfused.

    Each array lives from the operation that makes it to the last that reads it; of a loop, one
    turn counts. An upper bound: XLA merges operations. Arguments are not counted.
    """
    return _live(jax.make_jaxpr(function)(*arguments).jaxpr)


def _live(jaxpr: Any) -> int:
    last: dict[Any, int] = {}
    for place, equation in enumerate(jaxpr.eqns):
        for variable in equation.invars:
            if not hasattr(variable, "val"):  # a literal
                last[variable] = place
    for variable in jaxpr.outvars:
        if not hasattr(variable, "val"):
            last[variable] = len(jaxpr.eqns)
    own = {v for e in jaxpr.eqns for v in e.outvars}
    alive = peak = 0
    for place, equation in enumerate(jaxpr.eqns):
        inside = max((_live(inner) for inner in _inner(equation)), default=0)
        alive += sum(map(_bytes, equation.outvars))
        peak = max(peak, alive + inside)
        ended = {v for v in (*equation.invars, *equation.outvars) if not hasattr(v, "val")}
        alive -= sum(_bytes(v) for v in ended if v in own and last.get(v, -1) <= place)
    return peak


def _inner(equation: Any) -> list[Any]:
    """Return the programs that an operation calls: the body of a loop, of a jitted function."""
    found = []
    for value in equation.params.values():
        for each in value if isinstance(value, tuple | list) else (value,):
            each = getattr(each, "jaxpr", each)
            if hasattr(each, "eqns"):
                found.append(each)
    return found


def _bytes(variable: Any) -> int:
    shape, dtype = getattr(variable.aval, "shape", ()), getattr(variable.aval, "dtype", None)
    try:
        return math.prod(shape) * np.dtype(dtype).itemsize
    except TypeError:  # a random key
        return math.prod(shape) * 8


def tree_bytes(tree: Any) -> int:
    """Return the bytes of all arrays of a tree, or of their shapes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def over_rows(function: Callable, rows: Any) -> Any:
    """Apply a function of rows `[rows, …]`, in batches where all at once take over 256 MiB.

    It must treat each row by itself, as a network does. A batch is what takes 256 MiB, or 16 MiB on
    a CPU, where a convolution of 512 images takes twice as long at once (`docs/performance.md`).
    """
    live = live_bytes(function, rows)
    if live <= BATCH_BYTES:
        return function(rows)
    many = _at_once(live, rows)
    blocks, rest = divmod(_length(rows), many)
    stacked = lambda a: a[: blocks * many].reshape(blocks, many, *a.shape[1:])  # noqa: E731
    parts = jax.lax.map(function, jax.tree.map(stacked, rows))
    found = jax.tree.map(lambda a: a.reshape(blocks * many, *a.shape[2:]), parts)
    if not rest:
        return found
    last = function(jax.tree.map(lambda a: a[-rest:], rows))
    return jax.tree.map(lambda *a: jnp.concatenate(a), found, last)


def sum_over_rows(function: Callable, rows: Any) -> Any:
    """Add up `function(rows)`, itself a sum over rows `[rows, …]`, over batches of them.

    A batch is what takes 256 MiB, or 16 MiB on a CPU: what is only summed need not leave the cache.
    """
    many = _at_once(live_bytes(function, rows), rows)
    blocks, rest = divmod(_length(rows), many)

    def add(block: jax.Array, total: Any) -> Any:
        here = lambda a: jax.lax.dynamic_slice_in_dim(a, block * many, many)  # noqa: E731
        return jax.tree.map(jnp.add, total, function(jax.tree.map(here, rows)))

    if blocks == 1 and not rest:
        return function(rows)
    first = function(jax.tree.map(lambda a: a[blocks * many :], rows))  # of no row: zeros
    return jax.lax.fori_loop(0, blocks, add, first)


def _at_once(live: int, rows: Any) -> int:
    size = CACHE_BYTES if jax.default_backend() == "cpu" else BATCH_BYTES
    whole = _length(rows)
    return max(1, min(whole, whole * size // max(1, live)))


def _length(rows: Any) -> int:
    return len(jax.tree.leaves(rows)[0])
