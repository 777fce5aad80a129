import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.biases import Shift
from biasvae_jax.worlds import Squares, SquaresNoise

SHIFT = Shift()
sizes = st.builds(Squares, n=st.integers(1, 4), m=st.integers(1, 8), bins=st.just((0.5,)))


def factors(world, batch=3):
    return jax.random.uniform(jax.random.key(1), (batch, world.latents))


@given(sizes)
def test_render_is_piecewise_constant_blocks(world):
    u = factors(world)
    image = np.asarray(world.render(u)).reshape(3, world.n * world.m, world.n * world.m)
    for row, column in np.ndindex(world.n, world.n):
        block = image[:, row * world.m :, column * world.m :][:, : world.m, : world.m]
        expected = np.asarray(u[:, row * world.n + column])[:, None, None]
        np.testing.assert_array_equal(block, np.broadcast_to(expected, block.shape))


@given(sizes)
def test_pixel_mean_is_the_mean_of_the_factors(world):
    u = factors(world)
    chex.assert_trees_all_close(world.render(u).mean(-1), u.mean(-1), rtol=1e-5)


@given(st.floats(-5, 5))
def test_the_world_is_symmetric_in_its_bias(mu):
    world = Squares()
    noise = world.draw(jax.random.key(0), (4,))
    mirrored = SquaresNoise(-noise.latent, noise.image)
    u, v = world.sample(noise, SHIFT, mu).u, world.sample(mirrored, SHIFT, -mu).u
    chex.assert_trees_all_close(u, 1 - v, atol=1e-6)


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 0.25), (0.7, 2.0)])
def test_noise_and_latents_have_the_stated_moments(mean, variance):
    world = Squares(noise_mean=mean, noise_variance=variance)
    sample = world.sample(world.draw(jax.random.key(3), (4_000,)), SHIFT, 1.5)
    noise = np.asarray(sample.x - sample.x_clean)
    error = 5 / np.sqrt(noise.size)
    assert abs(noise.mean() - mean) < error * variance**0.5
    assert abs(noise.var() - variance) < 2 * error * variance
    z = np.asarray(sample.z)
    assert abs(z.mean() - 1.5) < 5 / np.sqrt(z.size)
    assert np.abs(np.cov(z.T) - np.eye(9)).max() < 0.1
    # one draw for each pixel: rows, pixels and latents are uncorrelated
    noise = (noise - mean) / variance**0.5
    assert abs((noise[:, :-1] * noise[:, 1:]).mean()) < error * 1.1
    assert abs((noise[:-1] * noise[1:]).mean()) < error * 1.1


def test_every_bias_shares_one_draw():
    world = Squares()
    noise = world.draw(jax.random.key(0), (5,))
    low, high = world.sample(noise, SHIFT, 0.0), world.sample(noise, SHIFT, 2.0)
    chex.assert_trees_all_close(high.z - low.z, jnp.full_like(low.z, 2.0), atol=1e-5)
    chex.assert_trees_all_close(high.x - high.x_clean, low.x - low.x_clean, atol=1e-6)


def test_sample_is_jittable_and_batches_have_any_shape():
    world = Squares(n=2, m=3)
    noise = world.draw(jax.random.key(0), (2, 5))
    sample = jax.jit(world.sample, static_argnums=1)(noise, SHIFT, jnp.asarray(1.0))
    chex.assert_shape((sample.z, sample.u), (2, 5, 4))
    chex.assert_shape((sample.x, sample.x_clean), (2, 5, 36))


def test_contrast_scales_each_square_about_the_middle_grey():
    plain, world = Squares(n=2, m=3), Squares(n=2, m=3, contrast=(1.0, 0.5, 0.25, 2.0))
    u = factors(plain)
    scaled = 0.5 + jnp.asarray([[1.0, 0.5, 0.25, 2.0]]) * (u - 0.5)
    chex.assert_trees_all_close(world.render(u), plain.render(scaled), atol=1e-6)
    negative = 1 - world.render(u)
    chex.assert_trees_all_close(world.render(1 - u), negative, atol=1e-6)
    assert world.test_factors().tolist() == plain.test_factors().tolist()


def test_contrast_leaves_factors_and_noise_alone_and_1_changes_nothing():
    plain, world = Squares(n=2, m=3), Squares(n=2, m=3, contrast=(1.0, 0.5, 0.25, 0.1))
    noise = plain.draw(jax.random.key(0), (5,))
    a, b = plain.sample(noise, SHIFT, 1.0), world.sample(noise, SHIFT, 1.0)
    chex.assert_trees_all_equal(a.u, b.u)
    chex.assert_trees_all_close(a.x - a.x_clean, b.x - b.x_clean, atol=1e-6)
    ones = Squares(n=2, m=3, contrast=(1.0,) * 4)
    chex.assert_trees_all_close(ones.render(a.u), a.x_clean, atol=1e-6)


def test_a_world_of_the_wrong_number_of_contrasts_is_refused():
    with pytest.raises(ValueError):
        Squares(n=2, contrast=(1.0, 0.5)).render(jnp.zeros((1, 4)))


def test_the_seeds_test_set_is_every_combination():
    u = np.asarray(Squares().test_factors())
    assert u.shape == (19_683, 9)
    assert len(np.unique(u, axis=0)) == 19_683
    np.testing.assert_array_equal(np.unique(u), np.float32([0.1, 0.5, 0.9]))
    assert u.var() == pytest.approx(0.10667, abs=1e-5)
