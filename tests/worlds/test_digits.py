import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_digits

from biasvae_jax.biases import Associate, CorrelateRows, Missing, Resample
from biasvae_jax.worlds import Digits
from biasvae_jax.worlds.digits import measure

WORLD = Digits()


def test_images_and_classes_are_scikit_learns_byte_for_byte():
    digits, rows = load_digits(), WORLD.read()
    np.testing.assert_array_equal(rows.images[..., 0], digits.images)
    np.testing.assert_array_equal(rows.values[:, 0], digits.target)
    assert WORLD.image == (8, 8, 1)
    kinds = {f.name: f.kind for f in WORLD.factors}
    assert kinds.pop("class") == "categorical"
    assert kinds == dict.fromkeys(("slant", "thickness", "width"), "continuous")


def bar(shear=0.0, wide=3, size=40):
    """Draw a tall bar of a width, sheared to the right upwards."""
    rows = np.arange(size)[:, None]
    left = size // 2 + np.round(shear * (size / 2 - rows))
    column = np.arange(size)[None]
    return ((column >= left) & (column < left + wide) & (abs(rows - size / 2) < 15)).astype(float)


@pytest.mark.parametrize(("shear", "wide"), [(0.0, 1), (0.0, 3), (0.25, 2), (-0.5, 4)])
def test_measures_of_a_bar_are_its_slant_and_width(shear, wide):
    slant, thickness, width = (float(m[0]) for m in measure(bar(shear, wide)[None]))
    assert slant == pytest.approx(shear, abs=0.02)
    if not shear:
        assert thickness == pytest.approx(wide, rel=0.15)
        assert width == pytest.approx(wide, abs=1e-6)


@pytest.mark.parametrize(
    "bias",
    [Resample(value=3), Associate(), Missing(), CorrelateRows(pairs="slant & width")],
    ids=lambda bias: bias.kind,
)
def test_the_test_set_has_equally_many_of_each_class_and_is_never_trained_on(bias):
    data, rows = WORLD.load(bias), WORLD.read()
    held = WORLD._tested(bias)
    assert not set(held) & set(data.order.tolist())
    counts = np.unique(bias.classes(rows.values, rows.names)[held], return_counts=True)[1]
    assert len(set(counts)) == 1 and counts.sum() == len(data.test_images) > 100
    assert WORLD.training_size() == len(data.order) == 1_297


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_class_has_its_share_within_the_binomial_error(share):
    bias, n = Resample(factor="class", value=7), 4_000
    data = jax.tree.map(jnp.asarray, WORLD.load(bias))
    sample = WORLD.sample(WORLD.draw(jax.random.key(0), (n,)), bias, share, data)
    found = (np.asarray(sample.u[:, 0]) == 7).mean()
    assert found == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / n))
    assert float(sample.x.max()) == 1 and float(sample.x.min()) == 0
