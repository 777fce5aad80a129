import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.biases import LatentBias, Resample, RowBias, Scale, Shift
from biasvae_jax.components import kinds

NOISE = jax.random.normal(jax.random.key(0), (4_000, 3))
LATENT = [b() for b in kinds("bias").values() if issubclass(b, LatentBias)]
ROWS = [b() for b in kinds("bias").values() if issubclass(b, RowBias)]


@pytest.mark.parametrize("bias", LATENT)
def test_at_its_neutral_value_a_bias_is_the_fair_world_bit_for_bit(bias):
    np.testing.assert_array_equal(jax.jit(bias.latents)(NOISE, bias.axis.neutral), NOISE)


@pytest.mark.parametrize("bias", [Shift(), Scale()])
@given(st.floats(0.1, 3))
def test_the_latents_have_the_moments_that_the_closed_forms_use(bias, strength):
    mean, deviation = bias.normal(strength)
    z = np.asarray(bias.latents(NOISE, strength))
    assert z.mean() == pytest.approx(mean, abs=5 * deviation / np.sqrt(z.size))
    assert z.std() == pytest.approx(deviation, rel=0.05)


@given(st.floats(0, 1), st.lists(st.integers(1, 10_000), min_size=2, max_size=6))
def test_shares_add_up_to_1_and_keep_the_proportions_of_the_others(share, counts):
    shares = np.asarray(Resample().shares(jnp.asarray(counts, jnp.float32), share))
    assert shares.sum() == pytest.approx(1, abs=1e-5) and shares[-1] == pytest.approx(share)
    others = np.array(counts[:-1]) / sum(counts[:-1])
    np.testing.assert_allclose(shares[:-1], (1 - share) * others, atol=1e-5)


@given(st.integers(0, 4))
def test_the_favoured_value_is_the_last_class_and_the_others_keep_their_order(value):
    factors = np.array([[v, 0.0] for v in (3.0, 1.0, 4.0, 1.0, 5.0, 9.0)])
    classes = Resample(factor="a", value=value).classes(factors, ("a", "b"))
    favoured = np.unique(factors[:, 0])[value]
    assert set(factors[classes == 4, 0]) == {favoured}
    rest = factors[classes < 4, 0]
    order = classes[classes < 4]
    assert all(
        (rest[i] < rest[j]) == (order[i] < order[j])
        for i in range(len(rest))
        for j in range(len(rest))
    )


@pytest.mark.parametrize("bias", LATENT + ROWS)
def test_an_axis_has_a_name_a_symbol_and_values_that_can_be_run(bias):
    bias.axis.check()
    assert bias.axis.name.isidentifier() and bias.axis.symbol and bias.axis.long_name


@pytest.mark.parametrize("world", kinds("world").values())
def test_the_usual_bias_of_a_world_is_one_that_it_can_take(world):
    assert issubclass(kinds("bias")[world.usual], world.accepts)
