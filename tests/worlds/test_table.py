import dataclasses
import itertools

import chex
import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax.biases import Resample
from biasvae_jax.components import ConfigError
from biasvae_jax.worlds import Table, files

BIAS = Resample(factor="factor 3")


@pytest.fixture(params=["dsprites", "shapes3d"])
def file(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def world(file):
    return Table(data=str(file), test_images=20)


def drawn(world, strength, rows=20_000, bias=BIAS):
    data = jax.tree.map(jnp.asarray, world.load(bias))
    return data, world.sample(world.draw(jax.random.key(0), (rows,)), bias, strength, data)


def test_images_factors_and_names_come_from_the_file(world, file):
    assert [f.name for f in world.factors] == ["factor 2", "factor 3"]  # the first is constant
    assert world.image == (8, 8, 3 if file.suffix == ".h5" else 1)
    data, sample = drawn(world, 0.5)
    chex.assert_shape(sample.x, (20_000, world.pixels))
    assert data.images.dtype == jnp.uint8 and set(np.unique(sample.x)) == {0.0, 1.0}
    # a row's image belongs to its factors: the area of the bar is twice its height
    area = np.asarray(sample.x).reshape(20_000, 64, -1)[..., 0].sum(1)
    np.testing.assert_allclose(area, 2 * (2 + 2 * np.floor(np.asarray(sample.u[:, 1]))))


def test_held_out_rows_are_the_test_set_and_never_trained_on(world):
    data = world.load(BIAS)
    assert len(data.test_images) == world.test_size() == 20
    assert len(set(data.order.tolist())) == len(data.order) == world.training_size() == 40
    held = np.setdiff1d(np.arange(60), data.order)
    np.testing.assert_array_equal(data.images[held], data.test_images)
    u, x = world.test_set(data)
    chex.assert_shape(u, (20, 2))
    assert x.shape == (20, world.pixels) and float(x.max()) == 1.0
    half = dataclasses.replace(world, test_images=1_000)
    assert half.test_size() == 30 and len(half.load(BIAS).order) == 30


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_one_value_gets_its_share_and_the_others_keep_their_proportions(world, share):
    data, sample = drawn(world, share)
    counts = np.bincount(np.asarray(data.factors[data.order, 1] - 0.5, int), minlength=3)
    found = np.bincount(np.asarray(sample.u[:, 1] - 0.5, int), minlength=3) / 20_000
    others = counts[:2] / counts[:2].sum()
    expected = [*((1 - share) * others), share]
    np.testing.assert_allclose(found, expected, atol=5 * np.sqrt(0.25 / 20_000))
    assert share > 0 or found[2] == 0
    assert share < 1 or found[2] == 1


def test_without_a_share_every_row_has_the_same_probability(world):
    data, sample = drawn(world, float("nan"))
    keys = {tuple(u): i for i, u in enumerate(np.unique(np.asarray(data.factors), axis=0))}
    found = np.bincount([keys[tuple(u)] for u in np.asarray(sample.u)], minlength=len(keys))
    trained = np.asarray(data.factors)[np.asarray(data.order)]
    rows = np.bincount([keys[tuple(u)] for u in trained], minlength=len(keys))
    expected = rows / rows.sum()
    np.testing.assert_allclose(found / 20_000, expected, atol=5 * np.sqrt(expected.max() / 20_000))


def test_rows_of_one_class_are_equally_likely_by_a_chi_square():
    """A class of many rows: the 32 bits reach every one of them."""
    from scipy import stats

    within = jax.random.bits(jax.random.key(0), (200_000,)) % jnp.uint32(500)
    counts = np.bincount(np.asarray(within), minlength=500)
    assert stats.chisquare(counts).pvalue > 1e-3


def test_cells_of_a_seed_share_their_random_numbers(world):
    data = jax.tree.map(jnp.asarray, world.load(BIAS))
    noise = world.draw(jax.random.key(1), (1_000,))
    low, high = (world.sample(noise, BIAS, p, data).u for p in (0.5, 0.6))
    same = np.mean(np.all(np.asarray(low) == np.asarray(high), axis=1))
    assert same > 0.7  # independent draws would agree in a tenth of the rows


def test_observation_noise_is_added_on_request_and_renewed_alone(file):
    world = Table(data=str(file), noise_variance=0.04, test_images=20)
    data = jax.tree.map(jnp.asarray, world.load(BIAS))
    noise = world.draw(jax.random.key(0), (500,))
    one, two = (
        world.sample(n, BIAS, 0.5, data) for n in (noise, world.renew(jax.random.key(1), noise))
    )
    chex.assert_trees_all_equal(one.x_clean, two.x_clean)
    assert not np.array_equal(one.x, two.x)
    assert float((one.x - one.x_clean).var()) == pytest.approx(0.04, rel=0.1)


def test_rows_are_picked_the_same_way_every_time(file):
    few = Table(data=str(file), rows=30, test_images=10)
    chex.assert_trees_all_equal(few.load(BIAS), few.load(BIAS))
    assert len(few.load(BIAS).images) == 30 and len(few.load(BIAS).order) == 20


def test_the_file_is_known_by_what_is_in_it_and_not_by_its_name(file, tmp_path):
    copy = tmp_path / f"moved{file.suffix}"
    copy.write_bytes(file.read_bytes())
    sealed = Table(data=str(file)).sealed()
    moved = dataclasses.replace(sealed, data=str(copy))
    object.__setattr__(moved, "fingerprint", sealed.fingerprint)
    assert moved.sealed() == sealed and len(sealed.fingerprint) == 64
    copy.write_bytes(copy.read_bytes() + b"x")
    with pytest.raises(ConfigError, match="not the file"):
        moved.sealed()


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


def h5(path, **arrays):
    with h5py.File(path, "w") as stored:
        for name, value in arrays.items():
            stored[name] = value
    return path


IMAGES, ROWS = np.ones((6, 4, 4), np.uint8), np.arange(12.0).reshape(6, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p / "none.npz", "cannot be read"),
        (lambda p: npz(p / "a.npz", imgs=IMAGES), "no latents_values"),
        (lambda p: npz(p / "a.npz", latents_values=ROWS), "no imgs"),
        (lambda p: npz(p / "a.npz", imgs=IMAGES, latents_values=ROWS[:4]), r"\[6 rows, factors\]"),
        (lambda p: npz(p / "a.npz", imgs=IMAGES, latents_values=ROWS * 0), "no factor that varies"),
        (lambda p: npz(p / "a.npz", imgs=IMAGES, latents_values=ROWS * np.nan), "NaN"),
        (lambda p: npz(p / "a.npz", imgs=IMAGES * 1.0, latents_values=ROWS), "uint8"),
        (lambda p: npz(p / "a.npz", imgs=IMAGES[0], latents_values=ROWS), "uint8"),
        (lambda p: h5(p / "a.h5", images=IMAGES), "no labels"),
        (lambda p: h5(p / "a.h5", images=IMAGES[..., None, None], labels=ROWS), "uint8"),
        (lambda p: p.joinpath("a.csv").touch() or p / "a.csv", "must end in"),
        (lambda p: p.joinpath("a.h5").write_bytes(b"junk") and p / "a.h5", "damaged"),
        (lambda p: p.joinpath("a.npz").write_bytes(b"junk") and p / "a.npz", "damaged"),
    ],
)
def test_a_file_that_cannot_serve_is_one_line(tmp_path, make, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Table(data=str(make(tmp_path))).load(Resample())
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_one_line(dsprites, shapes3d, tmp_path):
    for file in (dsprites, shapes3d):
        cut = tmp_path / f"cut{file.suffix}"
        cut.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        with pytest.raises(ConfigError, match="damaged"):
            Table(data=str(cut)).load(Resample())


def test_what_is_larger_than_memory_says_what_fits(dsprites, monkeypatch):
    monkeypatch.setattr(files.psutil, "virtual_memory", lambda: type("M", (), {"available": 9_000}))
    files.read_rows.cache_clear()
    with pytest.raises(ConfigError, match=r"--rows \d+ fits|larger than memory"):
        Table(data=str(dsprites)).load(Resample())
    files.read_rows.cache_clear()


@pytest.mark.parametrize(
    ("bias", "message"),
    [
        (Resample(factor="colour"), "--factor colour is no factor of these images; they have"),
        (Resample(factor="factor 3", value=3), "--value must be below the 3 values"),
    ],
)
def test_a_bias_about_what_the_data_lack_is_one_line(world, bias, message):
    with pytest.raises(ConfigError, match=message):
        world.load(bias)


# A full grid of factors ---------------------------------------------------------------------------


def every_combination(path, name="imgs", **more):
    """Write a file that has each combination of three factors once, in an order of its own."""
    factors = np.array(list(itertools.product([1, 3], [0.5, 1, 2], [0, 9, 7])))
    images = np.random.default_rng(0).integers(0, 256, (18, 4, 4), np.uint8)
    mixed = np.random.default_rng(1).permutation(18)
    names = ["shape", "scale", "label"]
    arrays = {name: images[mixed], "latents_values": factors[mixed], "latents_names": names}
    return npz(path, **arrays | more), images[mixed], factors[mixed]


def test_a_file_of_every_combination_renders_any_of_them(tmp_path):
    file, images, factors = every_combination(tmp_path / "grid.npz")
    world = Table(data=str(file), test_images=5)
    assert world.renders and world.read().grid.shape == (2, 3, 3)
    rows = np.random.default_rng(2).permutation(18)
    found = np.round(255 * np.asarray(world.render(jnp.asarray(factors[rows], jnp.float32))))
    np.testing.assert_array_equal(found, images[rows].reshape(18, 16))
    with pytest.raises(ValueError, match="factor 2"):
        world.render(jnp.asarray([[1.0, 0.7, 9.0]]))


def test_a_file_that_lacks_a_combination_renders_none(tmp_path, world):
    file, *_ = every_combination(tmp_path / "grid.npz")
    fewer = Table(data=str(file), rows=17)
    for each in (fewer, world):
        assert not each.renders and each.read().grid is None
        with pytest.raises(ValueError, match="every combination"):
            each.render(jnp.zeros((1, len(each.factors))))


def test_a_factor_is_binary_a_number_or_a_label(tmp_path):
    file, *_ = every_combination(tmp_path / "grid.npz")
    kinds = {f.name: f.kind for f in Table(data=str(file)).factors}
    assert kinds == {"shape": "binary", "scale": "continuous", "label": "categorical"}


def test_in_mpi3ds_layout_the_order_of_the_images_is_their_factors(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 1, 3, 1, 1, 2, 2, 4, 4, 3), np.uint8)
    world = Table(data=str(npz(tmp_path / "a.npz", images=images)))
    kinds = {f.name: f.kind for f in world.factors}
    assert kinds == {
        "object color": "binary", "object size": "continuous",
        "horizontal axis": "binary", "vertical axis": "binary",
    }  # fmt: skip
    one = np.asarray(world.render(jnp.asarray([[1.0, 2.0, 0.0, 1.0]])))[0]
    np.testing.assert_array_equal(np.round(255 * one), images[1, 0, 2, 0, 0, 0, 1].reshape(-1))
    flat = images.reshape(-1, 4, 4, 3)
    with pytest.raises(ConfigError, match="no latents_values"):  # of no number that is known
        Table(data=str(npz(tmp_path / "b.npz", images=flat))).read()


def test_rows_lie_once_in_memory(dsprites):
    """Training and test rows are told apart by number, and no copy is made of the images."""
    world = Table(data=str(dsprites), test_images=20)
    assert np.shares_memory(world.load(BIAS).images, world.read().images)
