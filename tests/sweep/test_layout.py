import chex
import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.sweep.layout import Layout
from biasvae_jax.sweep.plan import Plan


@given(st.integers(1, 40), st.sampled_from([1, 2, 3]), st.integers(1, 4))
def test_slices_hold_every_model_in_order_and_have_one_length(models, devices, width):
    slices = Layout(Plan(devices, models, width, 1)).slices(models)
    assert len({len(rows) for rows in slices}) == 1
    rows = np.concatenate(slices)
    np.testing.assert_array_equal(rows[:models], np.arange(models))
    assert (rows[models:] == models - 1).all()


@pytest.mark.parametrize("models", [1, 4, 5, 11])
def test_what_is_made_of_slices_is_joined_to_one_result_a_model(models):
    layout = Layout(Plan(2, 12, 1, 1))
    double = layout.lift(lambda shared, x: {"sum": shared + x.sum(), "twice": 2 * x})
    x = np.arange(3.0 * models, dtype=np.float32).reshape(models, 3)
    parts = [double(layout.share(np.float32(1)), layout.put(x[r])) for r in layout.slices(models)]
    chex.assert_trees_all_equal(layout.join(parts, models), {"sum": 1 + x.sum(1), "twice": 2 * x})


@pytest.mark.parametrize(
    ("devices", "group", "beside"), [(1, 1, True), (2, 2, True), (2, 3, False)]
)
def test_an_idle_device_draws_the_same_bits_where_there_are_fewer_models(devices, group, beside):
    layout, where = Layout(Plan(devices, group, 1, 1)), []

    def draw(seeds, step):
        return jax.vmap(lambda seed: jax.random.normal(jax.random.key(seed + step), (64,)))(seeds)

    real = jax.default_device
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "default_device", lambda d: where.append(d) or real(d))
        seeds = layout.share(np.arange(3))
        found = layout.draw_beside(draw)(seeds, np.int32(5))
    assert np.array_equal(found, layout.draw(draw)(seeds, np.int32(5)))
    assert found.sharding.device_set == set(layout.mesh.devices.flat)
    assert bool(where) == beside and not set(where) & set(layout.mesh.devices.flat)
