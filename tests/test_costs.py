import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax import costs
from biasvae_jax.costs import live_bytes, operations, over_rows, sum_over_rows

X = jax.ShapeDtypeStruct((64, 32), np.float32)


def test_a_product_costs_two_operations_a_multiplication():
    assert operations(lambda x: x @ jnp.ones((32, 16)), X) == 2 * 64 * 32 * 16


def test_live_bytes_are_those_of_the_widest_moment():
    wide = lambda x: (x @ jnp.ones((32, 100))).sum(1)  # noqa: E731
    assert 4 * 64 * 100 <= live_bytes(wide, X) <= 4 * (64 * 100 + 32 * 100 + 2 * 64 + 2)
    in_turn = lambda x: jnp.tanh(jnp.tanh(jnp.tanh(x)))  # noqa: E731
    assert live_bytes(in_turn, X) == 2 * 4 * 64 * 32  # each is gone when the next is made
    kept = lambda x: sum(jnp.tanh(x * i) for i in range(1, 9))  # noqa: E731
    assert live_bytes(kept, X) < 5 * 4 * 64 * 32


def test_a_loop_costs_one_turn_and_a_jitted_function_what_is_in_it():
    body = lambda x: jnp.tanh(x @ jnp.ones((32, 32)))  # noqa: E731
    once = live_bytes(body, X)
    looped = live_bytes(
        lambda x: jax.lax.scan(lambda c, _: (body(c), None), x, None, length=50)[0], X
    )
    assert once <= looped <= 3 * once
    assert live_bytes(jax.jit(body), X) >= once


def test_rows_in_batches_are_the_rows_at_once(monkeypatch):
    rows = jax.random.normal(jax.random.key(0), (1_300, 7))
    function = lambda x: (jnp.tanh(x @ jnp.ones((7, 3))), x.sum(-1))  # noqa: E731
    whole, live = over_rows(function, rows), live_bytes(function, rows)
    for size in ("BATCH_BYTES", "CACHE_BYTES"):
        monkeypatch.setattr(costs, size, live // 3)
    in_batches = lambda rows: over_rows(function, rows)  # noqa: E731
    for a, b in zip(in_batches(rows), whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    program = str(jax.make_jaxpr(in_batches)(rows))
    assert "scan" in program and "f32[433,3]" in program  # a third of the rows, rounded down
    assert "f32[1,3]" in program  # and what is left


@pytest.mark.parametrize("share", [1, 3, 64])
def test_sums_of_rows_in_batches_are_those_of_all_rows(monkeypatch, share):
    rows = jax.random.normal(jax.random.key(0), (1_300, 7)), jnp.arange(1_300.0)
    function = lambda x: (jnp.tanh(x[0]).sum(0), (x[0].sum(1) * x[1]).sum())  # noqa: E731
    for size in ("BATCH_BYTES", "CACHE_BYTES"):
        monkeypatch.setattr(costs, size, live_bytes(function, rows) // share)
    found = jax.jit(lambda rows: sum_over_rows(function, rows))(rows)
    a, b = (np.asarray(part, float) for part in rows)
    expected = np.tanh(a).sum(0), (a.sum(1) * b).sum()
    for one, known in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, known, rtol=1e-4)
