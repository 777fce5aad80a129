import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax import Dense, Purpose, Recipe, init_state, purpose_key, train
from biasvae_jax.biases import Correlate, Missing, Probability, Scale, Shift
from biasvae_jax.components import ConfigError, from_values
from biasvae_jax.presets import STUDIES
from biasvae_jax.worlds import Rivers, rare_cases

WORLD = Rivers()
IMAGES = 4_000
NOISE = WORLD.draw(jax.random.key(0), (IMAGES,))


@given(st.floats(0, 1, width=32))
def test_a_drawn_river_turns_right_with_the_probability_asked_for(p):
    u = WORLD.sample(NOISE, Probability(), p).u
    right = np.asarray(u).mean(0)
    assert set(np.unique(u)) <= {0, 1}
    assert right == pytest.approx(p, abs=5 * np.sqrt(max(p * (1 - p), 1e-3) / IMAGES))


@pytest.mark.parametrize("turns", [1, 5, 8])
def test_the_test_set_is_every_river_once(turns):
    u, x = Rivers(turns=turns).test_set()
    assert u.shape == (2**turns, turns) == (len(np.unique(u, axis=0)), turns)
    assert x.shape == (2**turns, 24 * 24) and set(np.unique(u)) == {0, 1}


@pytest.mark.parametrize("turns", [1, 2, 3, 8, 11, 16])
def test_every_turn_can_be_read_from_a_clean_image_and_so_can_the_event(turns):
    world = Rivers(turns=turns)
    u = np.random.default_rng(0).integers(0, 2, (500, turns))
    u[0], u[1] = 0, 1
    images = world.render(jnp.asarray(u, jnp.float32))
    np.testing.assert_allclose(world.read(images), 2 * np.asarray(u, float) - 1, atol=0.3)
    np.testing.assert_array_equal(world.rare(images), np.asarray(u) == 0)


def test_a_turn_may_be_anything_between_left_and_right():
    u = jnp.asarray([[0.5] * 8, [0.25] * 8, [0.0] * 8])
    np.testing.assert_allclose(WORLD.read(WORLD.render(u))[:, 0], [0, -0.5, -1], atol=0.06)


def test_neither_a_blur_of_all_rivers_nor_a_picture_of_land_alone_turns_left():
    blur = WORLD.test_set()[1].mean(0)
    assert not WORLD.rare(jnp.stack([blur, jnp.full(576, 0.9), jnp.full(576, 3.0)])).any()


@given(st.lists(st.floats(0, 1, width=32), min_size=8, max_size=8))
def test_intensities_are_in_range_and_every_row_has_water(turns):
    image = np.asarray(WORLD.render(jnp.asarray(turns))).reshape(24, 24)
    assert image.min() >= 0 and image.max() <= 1
    assert (image.min(1) < 0.5).all() and (image[:, [0, -1]] > 0.85).all()


def test_the_mirror_image_of_a_river_has_the_opposite_turns():
    u, x = (np.asarray(part) for part in WORLD.test_set())
    mirrored = np.asarray(WORLD.render(1 - u)).reshape(-1, 24, 24)[:, :, ::-1]
    np.testing.assert_allclose(mirrored, x.reshape(-1, 24, 24), atol=1e-5)


def test_an_image_follows_every_turn_smoothly():
    slopes = jax.jacfwd(WORLD.render)(jnp.asarray([0.0, 1, 0.5, 0.2, 0, 1, 1, 0]))
    assert np.isfinite(slopes).all() and (np.abs(slopes).max(0) > 0).all()


def test_the_rare_event_has_the_probability_that_its_turns_say():
    three = Probability(binary="turn 1 & turn 4 & turn 8")
    for bias, strength, known in (
        (Probability(), 0.95, 0.05),
        (Probability(), 1.0, 0.0),
        (Probability(), 0.0, 1.0),
        (three, 0.9, (3 * 0.1 + 5 * 0.5) / 8),
        (Shift(), 1.0, 0.158655),
        (Scale(), 0.0, 1.0),  # z = 0 is no turn to the right
        (Scale(), 2.0, 0.5),
        (Missing(), 0.5, 1 - (2 * 1.5 / 3.5 + 6 * 0.5) / 8),
    ):
        assert WORLD.event_probability(bias, strength) == pytest.approx(known, abs=1e-6)
        clean = WORLD.sample(NOISE, bias, strength).x_clean
        assert float(WORLD.rare(clean).mean()) == pytest.approx(known, abs=0.01)


def test_turns_of_a_pair_agree_as_often_as_the_copula_says():
    """P(equal) = ½ + asin(ρ)/π: Sheppard 1899. The other turns stay independent."""
    bias = Correlate(pairs="turn 1 & turn 2").on(WORLD.factors)
    noise = jax.random.normal(jax.random.key(0), (40_000, WORLD.latents))
    for rho in (-0.9, 0.0, 0.5, 0.9):
        u = np.asarray(WORLD.link(bias.latents(noise, rho)))
        equal = 0.5 + np.arcsin(rho) / np.pi
        assert (u[:, 0] == u[:, 1]).mean() == pytest.approx(equal, abs=0.01)
        assert (u[:, 0] == u[:, 2]).mean() == pytest.approx(0.5, abs=0.01)
        np.testing.assert_allclose(u.mean(0), 0.5, atol=0.01)


def test_models_are_asked_for_rivers_that_curve_left():
    u, x = WORLD.test_set()
    shown = np.asarray(WORLD.shows(x))
    np.testing.assert_array_equal(shown, np.asarray(u).sum(1) < 4)
    images, weights = rare_cases(WORLD, x)
    assert weights.all() and WORLD.shows(images).all()


@pytest.mark.parametrize("turns", [0, 17, 2.5])
def test_a_number_of_turns_that_cannot_be_is_refused(turns):
    with pytest.raises(ConfigError, match="--turns"):
        from_values("world", {"kind": "rivers", "turns": turns})


def test_the_preset_asks_for_11_probabilities_from_fair_to_95_per_cent():
    study = STUDIES["rivers"]()
    assert study.grid.shape == (11, 11, 1) and (min(study.biases), max(study.biases)) == (0.5, 0.95)


def test_a_model_learns_to_draw_rivers():
    recipe = Recipe(WORLD, Dense((32,)).bind(WORLD.image, 8), Probability())
    state = init_state(purpose_key(0, Purpose.INIT), recipe)
    fit = jax.jit(train, static_argnames=("recipe", "steps"))
    _, losses = fit(purpose_key(0, Purpose.TRAIN), state, 0.9, 0.5, recipe=recipe, steps=60)
    loss = np.asarray(losses.loss)
    assert np.isfinite(loss).all() and loss[-10:].mean() < loss[:10].mean() - 5
