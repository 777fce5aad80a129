"""What each bias of latents does to standard normal noise, at any strength."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from biasvae_jax.biases import LatentBias, Missing, Probability
from biasvae_jax.components import kinds
from biasvae_jax.factors import Factor

IMAGES = 20_000
NOISE = jax.random.normal(jax.random.key(0), (IMAGES, 3))
FACTORS = (Factor("a", "binary"), Factor("b"), Factor("c", "binary"))
LATENT = [b() for b in kinds("bias").values() if issubclass(b, LatentBias)]
shares = st.floats(0, 1, width=32)


def ends(bias):
    """Strengths of a bias: its neutral one, its values, the ends of its axis."""
    axis = bias.axis
    found = {axis.neutral, *axis.values, *(v for v in (axis.least, axis.most) if np.isfinite(v))}
    return jnp.asarray(sorted(found), jnp.float32)


def error(share, images=IMAGES):
    """Four standard errors of a share."""
    return 4 * np.sqrt(max(share * (1 - share), 1e-4) / images)


def halves_of(z):
    """Say which latents are above 0, `[images, latents]`."""
    return np.asarray(z) > 0


@pytest.mark.parametrize("bias", LATENT)
def test_on_a_worlds_factors_its_neutral_value_is_the_fair_world_bit_for_bit(bias):
    found = bias.on(FACTORS)
    for noise in (NOISE, jnp.asarray([[-6.0, 0.0, 6.0]])):
        np.testing.assert_array_equal(found.latents(noise, bias.axis.neutral), noise)


@pytest.mark.parametrize("bias", LATENT)
def test_latents_are_finite_for_extreme_noise(bias):
    extreme = jnp.asarray([-13, -6, -5.5, -1e-30, 0, 1e-30, 5.5, 6, 13], jnp.float32)
    noise = jnp.stack(jnp.meshgrid(extreme, extreme, extreme), -1).reshape(-1, 3)
    z = jax.vmap(lambda s: bias.on(FACTORS).latents(noise, s))(ends(bias))
    assert np.isfinite(z).all()


@pytest.mark.parametrize("bias", LATENT)
def test_vmapped_over_strengths_is_the_loop_over_them(bias):
    found, strengths = bias.on(FACTORS), ends(bias)
    vmapped = jax.vmap(lambda s: found.latents(NOISE[:50], s))(strengths)
    looped = [found.latents(NOISE[:50], s) for s in strengths]
    np.testing.assert_allclose(vmapped, looped, rtol=1e-5, atol=1e-6)


@given(shares)
def test_a_binary_factor_is_1_with_the_probability_asked_for(p):
    z = Probability(binary="c").on(FACTORS).latents(NOISE, p)
    np.testing.assert_array_equal(z[:, :2], NOISE[:, :2])
    assert halves_of(z)[:, 2].mean() == pytest.approx(p, abs=error(p))
    everywhere = halves_of(Probability().on(FACTORS).latents(NOISE, p)).mean(0)
    assert everywhere[[0, 2]] == pytest.approx(p, abs=error(p))
    assert everywhere[1] == pytest.approx(0.5, abs=error(0.5))


@given(shares)
def test_of_a_combination_the_share_is_removed_and_the_rest_keeps_its_proportions(s):
    z = np.asarray(Missing(combination="c & a").on(FACTORS).latents(NOISE, s))
    np.testing.assert_array_equal(z[:, 1], NOISE[:, 1])
    c, a = halves_of(z)[:, [2, 0]].T
    removed, other = (1 - s) / (4 - s), 1 / (4 - s)
    assert (c & a).mean() == pytest.approx(removed, abs=error(removed))
    if s == 1:
        assert not (c & a).any()
    for rest in (c & ~a, ~c & a, ~c & ~a):
        assert rest.mean() == pytest.approx(other, abs=error(other))
    # each half is distributed as it was, and the latents are independent within a combination
    quadrant = np.abs(z[~c & ~a][:, [0, 2]])
    assert stats.kstest(quadrant.ravel(), stats.halfnorm.cdf).pvalue > 1e-4
    assert abs(stats.pearsonr(*quadrant.T).statistic) < 4 / np.sqrt(len(quadrant))


@given(shares, st.lists(st.integers(1, 10_000), min_size=2, max_size=2))
def test_rows_of_a_combination_are_removed_and_the_rest_keeps_its_proportions(s, counts):
    found = np.asarray(Missing().shares(jnp.asarray(counts, jnp.float32), s))
    kept = np.array([counts[0], counts[1] * (1 - s)])
    np.testing.assert_allclose(found, kept / kept.sum(), rtol=1e-5)
    assert s < 1 or found[1] == 0


@given(st.lists(st.integers(0, 9), min_size=2, max_size=30))
def test_rows_of_a_combination_have_both_factors_in_the_upper_half_of_their_values(values):
    factors = np.array([[v, 0.0, v % 2] for v in values], float)
    classes = Missing(combination="turn & dark").classes(factors, ("turn", "sky", "dark"))
    ranks, odd = np.unique(values), len(set(factors[:, 2])) == 2
    above = np.isin(values, ranks[-(len(ranks) // 2) :]) & (len(ranks) > 1)
    np.testing.assert_array_equal(classes == 1, above & odd & (factors[:, 2] == 1))
