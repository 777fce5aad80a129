"""Our reading of netCDF files, beside xarray's own."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.runs import hdf5
from biasvae_jax.runs.datasets import write_dataset

MOST = 2**20
SIZES = {"a": 1, "b": 2, "c": 3}
numbers = st.floats(-1e3, 1e3) | st.just(np.nan)
attributes = st.dictionaries(
    st.sampled_from(["long_name", "units", "chance", "worst"]),
    st.text("aβ ²", max_size=3)
    | numbers.map(np.float64)
    | st.lists(numbers, min_size=2, max_size=3).map(np.array)
    | st.integers(0, 5).map(np.int64),
)


@st.composite
def datasets(draw):
    """Draw variables on some dimensions, of which some have coordinates."""

    packed = {"dtype": "uint8", "scale_factor": 1 / 254, "_FillValue": 255}  # as pictures are

    def variable(dims):
        kind = draw(st.sampled_from([np.float32, np.float64, np.int8, np.int32, np.uint8]))
        if draw(st.booleans()) and dims:
            shares = draw(st.lists(st.floats(0, 1) | st.just(np.nan), min_size=6, max_size=6))
            shares = np.resize(np.array(shares), [SIZES[name] for name in dims])
            return xr.Variable(dims, shares, draw(attributes), packed)
        shape = [SIZES[name] for name in dims]
        values = draw(st.lists(numbers, min_size=6, max_size=6))
        values = np.resize(np.array(values), shape)
        values = values if np.issubdtype(kind, np.floating) else np.nan_to_num(values) % 100
        return xr.Variable(dims, values.astype(kind), draw(attributes))

    orders = st.lists(st.sampled_from(list(SIZES)), unique=True)
    names = draw(st.lists(st.sampled_from(["r2", "Größe", "x y", "z"]), unique=True))
    found = {name: variable(draw(orders)) for name in names}
    used = sorted({dim for each in found.values() for dim in each.dims})
    coordinates = draw(st.lists(st.sampled_from(used), unique=True)) if used else []
    axes = {n: xr.Variable(n, np.arange(SIZES[n]) / 2, draw(attributes)) for n in coordinates}
    return xr.Dataset(found, axes, draw(attributes))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("netcdf") / "a.nc"


@given(dataset=datasets(), only=st.none() | st.sets(st.sampled_from(["r2", "z", "gone"])))
def test_what_xarray_has_written_is_read_as_xarray_reads_it(file, dataset, only):
    write_dataset(file, dataset)
    theirs = xr.load_dataset(file, engine="h5netcdf")
    ours = hdf5.read_plain(file, MOST, only)
    others = [name for name in theirs.data_vars if only is not None and name not in only]
    xr.testing.assert_identical(ours, theirs.drop_vars(others))
    for name, variable in ours.variables.items():
        assert variable.dtype == theirs[name].dtype
        assert {k: type(v) for k, v in variable.attrs.items()} == {
            k: type(v) for k, v in theirs[name].attrs.items()
        }


@pytest.mark.parametrize("name", ["results.nc", "history.nc"])
def test_a_runs_files_are_read_as_xarray_reads_them(tiny_run, name):
    theirs = xr.load_dataset(tiny_run / name, engine="h5netcdf")
    ours = hdf5.read_plain(tiny_run / name, MOST)
    xr.testing.assert_identical(ours, theirs)
    assert list(ours.data_vars) == list(theirs.data_vars) and list(ours.dims) == list(theirs.dims)
