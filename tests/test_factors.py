import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.factors import MOST_CLASSES, Factor, as_columns
from biasvae_jax.worlds.files import kind_of

NUMBERS = Factor("grey"), Factor("lamp", "binary")


def test_numbers_are_heads_columns_as_they_are():
    u = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    assert as_columns(u, NUMBERS) is u


@given(st.lists(st.sampled_from([-1.5, 0.0, 2.0, 7.0]), min_size=1, max_size=20))
def test_a_category_is_a_column_of_0_and_1_for_each_of_its_values_in_its_place(labels):
    u = np.column_stack([np.arange(len(labels)), labels, np.arange(len(labels)) % 2])
    columns = as_columns(u, (NUMBERS[0], Factor("place", "categorical"), NUMBERS[1]))
    values = np.unique(labels)
    np.testing.assert_array_equal(columns[:, [0, -1]], u[:, [0, 2]])
    np.testing.assert_array_equal(columns[:, 1:-1].sum(1), 1)
    np.testing.assert_array_equal(columns[:, 1:-1] @ values, u[:, 1])


def test_of_too_many_values_the_most_frequent_are_told_apart():
    labels = np.append(np.arange(300.0), np.repeat([7.0, 250.0], 5))[:, None]
    columns = as_columns(labels, (Factor("name", "categorical"),))
    assert columns.shape == (310, MOST_CLASSES)
    assert sorted(columns.sum(0))[-3:] == [1, 6, 6]


@pytest.mark.parametrize(
    ("values", "kind"), [(2, "binary"), (100, "categorical"), (101, "continuous")]
)
def test_a_column_of_unknown_name_is_of_the_kind_that_its_values_tell(values, kind):
    assert kind_of("shade", np.arange(400) % values) == kind
    assert kind_of("scale", np.arange(6)) == "continuous"
