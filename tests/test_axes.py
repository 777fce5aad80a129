import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.axes import Axis, Grid
from biasvae_jax.components import ConfigError

values = st.lists(st.integers(-50, 50), min_size=1, max_size=5, unique=True).map(
    lambda v: tuple(float(x) for x in v)
)
grids = st.builds(
    lambda a, b, seeds: Grid(Axis("mu", "μ", "bias", a), Axis("beta", "β", "weight", b), seeds),
    values,
    values,
    st.integers(1, 4),
)


@given(grids)
def test_the_models_are_every_combination_once_in_the_order_seed_bias_strength(grid):
    rows = list(zip(*grid.models, strict=True))
    assert len(set(rows)) == grid.size == len(rows)
    place = {v: i for i, v in enumerate(grid.bias.values)}
    column = {v: i for i, v in enumerate(grid.strength.values)}
    assert rows == sorted(rows, key=lambda r: (r[0], place[r[1]], column[r[2]]))


@given(grids)
def test_flat_stacks_and_labelled_arrays_are_one_to_one(grid):
    flat = np.arange(grid.size)
    laid = grid.unflatten(flat)
    assert laid.shape == grid.shape
    np.testing.assert_array_equal(grid.flatten(laid), flat)
    for (i, j, seed), index in np.ndenumerate(laid):
        cell = {"mu": grid.bias.values[i], "beta": grid.strength.values[j]}
        assert grid.index(seed=seed, **cell) == index
        assert grid.models[index].bias == np.float32(cell["mu"])
    more = grid.unflatten(np.stack([flat, -flat], axis=1))
    assert more.shape == (*grid.shape, 2)


@given(grids, st.data())
def test_a_selection_of_a_grid_is_a_grid_of_its_cells(grid, data):
    rows = data.draw(st.lists(st.sampled_from(range(grid.shape[0])), min_size=1, unique=True))
    cut = grid.select(rows, range(grid.shape[1]))
    assert cut.bias.values == tuple(grid.bias.values[i] for i in rows)
    assert cut.bias.name == grid.bias.name and cut.seeds == grid.seeds


def test_a_value_is_found_if_it_is_the_same_in_single_precision():
    axis = Axis("beta", "β", "weight", (0.0, 1e-10, 0.3, 1.0))
    assert axis.find(0.1 + 0.2) == 2 and axis.find(np.float32(0.3)) == 2
    assert axis.find(1e-10) == 1 and axis.find(0) == 0
    with pytest.raises(KeyError, match=r"no beta 1.00001 .*nearest: 0.3 and 1.0"):
        axis.find(1.00001)


def test_a_cell_is_named_by_the_axes_of_the_grid():
    grid = Grid(Axis("scale", "s", "", (1.0,)), Axis("gamma", "γ", "", (0.0, 2.0)), 2)
    assert grid.dims == ("scale", "gamma", "seed") and grid.index(scale=1, gamma=2, seed=1) == 3
    assert grid.name(scale=1.0, gamma=2.0) == "s = 1, γ = 2"
    with pytest.raises(KeyError, match="scale=…, gamma=…"):
        grid.index(mu=0, beta=1)
    with pytest.raises(KeyError, match="no seed 2"):
        grid.index(scale=1, gamma=0, seed=2)


@pytest.mark.parametrize(
    "wrong", [(), (1.0, 1.0), (float("nan"),), (-1.0,), (5.0,), (0.1, 0.1 + 1e-12)]
)
def test_an_axis_refuses_values_that_cannot_be_run(wrong):
    axis = Axis("beta", "β", "weight", (1.0,), least=0.0, most=4.0)
    axis.check()
    with pytest.raises(ConfigError, match="--beta"):
        dataclasses.replace(axis, values=wrong).check()
