"""What each bias of latents does to standard normal noise, at any strength."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from biasvae_jax.biases import Correlate, LatentBias, Missing, Mixture, Probability, Truncate
from biasvae_jax.components import ConfigError, kinds
from biasvae_jax.factors import Factor

IMAGES = 10_000
NOISE = jax.random.normal(jax.random.key(0), (IMAGES, 3))
FACTORS = (Factor("a", "binary"), Factor("b"), Factor("c", "binary"))
LATENT = [b() for b in kinds("bias").values() if issubclass(b, LatentBias)]
shares = st.floats(0, 1, width=32)
TRUNCATED = jax.jit(Truncate().latents)


def ends(bias):
    """Strengths of a bias: its neutral one, its values, the ends of its axis."""
    axis = bias.axis
    found = {axis.neutral, *axis.values, *(v for v in (axis.least, axis.most) if np.isfinite(v))}
    return jnp.asarray(sorted(found), jnp.float32)


def made(bias, strength):
    """Latents of `NOISE` under a bias on `FACTORS`."""
    return np.asarray(_made(bias, jnp.float32(strength)), float)


@functools.partial(jax.jit, static_argnums=0)
def _made(bias, strength):
    return bias.on(FACTORS).latents(NOISE, strength)


def error(share, images=IMAGES):
    """Four standard errors of a share."""
    return 4 * np.sqrt(max(share * (1 - share), 1e-4) / images)


def halves_of(z):
    """Say which latents are above 0, `[images, latents]`."""
    return np.asarray(z) > 0


@pytest.mark.parametrize("bias", LATENT)
def test_on_a_worlds_factors_its_neutral_value_is_the_fair_world_bit_for_bit(bias):
    noise = NOISE.at[0].set(jnp.asarray([-6.0, 0.0, 6.0]))
    latents = jax.jit(bias.on(FACTORS).latents)
    np.testing.assert_array_equal(latents(noise, bias.axis.neutral), noise)


@pytest.mark.parametrize("bias", LATENT)
def test_latents_are_finite_for_extreme_noise(bias):
    extreme = jnp.asarray([-13, -6, -5.5, -1e-30, 0, 1e-30, 5.5, 6, 13], jnp.float32)
    noise = jnp.stack(jnp.meshgrid(extreme, extreme, extreme), -1).reshape(-1, 3)
    latents = jax.jit(bias.on(FACTORS).latents)
    assert all(np.isfinite(latents(noise, s)).all() for s in ends(bias))


@pytest.mark.parametrize("bias", LATENT)
def test_vmapped_over_strengths_is_the_loop_over_them(bias):
    latents, strengths = bias.on(FACTORS).latents, ends(bias)
    vmapped = jax.jit(jax.vmap(latents, (None, 0)))(NOISE[:50], strengths)
    looped = [jax.jit(latents)(NOISE[:50], s) for s in strengths]
    np.testing.assert_allclose(vmapped, looped, rtol=1e-5, atol=1e-6)


@given(shares)
def test_a_binary_factor_is_1_with_the_probability_asked_for(p):
    z = made(Probability(binary="c"), p)
    np.testing.assert_array_equal(z[:, :2], NOISE[:, :2])
    assert halves_of(z)[:, 2].mean() == pytest.approx(p, abs=error(p))
    everywhere = halves_of(made(Probability(), p)).mean(0)
    assert everywhere[[0, 2]] == pytest.approx(p, abs=error(p))
    assert everywhere[1] == pytest.approx(0.5, abs=error(0.5))


@given(shares)
def test_of_a_combination_the_share_is_removed_and_the_rest_keeps_its_proportions(s):
    z = made(Missing(combination="c & a"), s)
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
    assert stats.kstest(quadrant[:, 0], stats.halfnorm.cdf, method="asymp").pvalue > 1e-4
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


@given(st.floats(0.001, 1))
def test_no_latent_is_above_the_quantile_and_those_below_keep_their_distribution(q):
    z = made(Truncate(), q)
    extreme = TRUNCATED(jnp.asarray([-6.0, 0.0, 6.0]), q)
    assert max(z.max(), extreme.max()) <= special.ndtri(q) + 1e-5
    assert (np.diff(extreme) >= 0).all()
    below = stats.norm.cdf(z) / q
    assert stats.kstest(below[:, 0], stats.uniform.cdf, method="asymp").pvalue > 1e-4


@given(st.floats(-1, 1, width=32))
def test_the_copulas_correlation_is_realised(rho):
    z = made(Correlate(pairs="b & c; c & a"), rho)
    expected = np.array([[1, rho**2, rho], [rho**2, 1, rho], [rho, rho, 1]])
    assert np.abs(np.corrcoef(z.T) - expected).max() < 4 / np.sqrt(IMAGES) * (1 - rho**4) + 1e-4
    assert stats.kstest(z[:, 0], stats.norm.cdf, method="asymp").pvalue > 1e-4


def test_a_confounder_varies_with_every_other_factor():
    z = made(Correlate(pairs="c & *"), 0.8)
    found = np.corrcoef(z.T)
    assert found[2, :2] == pytest.approx(0.8, abs=0.02)
    assert found[0, 1] == pytest.approx(0.64, abs=0.03)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("a & b; c & b", "--pairs: b must be the second of one pair alone"),
        ("a & *; b & c", "--pairs: c must be the second of one pair alone"),
        ("a & b; b & a", "--pairs a & b; b & a goes in a circle"),
    ],
)
def test_pairs_that_cannot_be_made_are_one_line(pairs, message):
    with pytest.raises(ConfigError, match=message):
        Correlate(pairs=pairs).on(FACTORS)


@given(shares)
def test_the_share_of_bright_images_is_what_was_asked_and_their_latents_are_normal(p):
    z = made(Mixture(bright=100), p)
    bright = z[:, 0] > 50
    np.testing.assert_array_equal(z > 50, np.broadcast_to(bright[:, None], z.shape))
    assert bright.mean() == pytest.approx(p, abs=error(p))
    fresh = z - 100 * bright[:, None]
    assert stats.kstest(fresh[:, 0], stats.norm.cdf, method="asymp").pvalue > 1e-4
    assert np.abs(fresh[:, 1:] - NOISE[:, 1:]).max() < 1e-5
    assert abs(stats.pearsonr(fresh[:, 0], NOISE[:, 1]).statistic) < 4 / np.sqrt(IMAGES)
