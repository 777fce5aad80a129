import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax import Dense, Purpose, Recipe, init_state, purpose_key, train
from biasvae_jax.biases import Correlate, Missing, Probability, Shift
from biasvae_jax.presets import STUDIES
from biasvae_jax.worlds import Faces, Noise
from biasvae_jax.worlds.portrait import CROWN, NECK

WORLD = Faces()
NOISE = Noise(jax.random.normal(jax.random.key(0), (5_000, 6)), jnp.zeros(()))
FACE = jnp.asarray([0.0, 0.3, 0.5, 0.5, 0.5, 0.5])


@pytest.fixture(scope="module")
def test_set():
    return tuple(np.asarray(part) for part in WORLD.test_set())


def test_the_test_set_is_every_combination_once_and_fair(test_set):
    u, x = test_set
    assert len(u) == 2 * 4 * 3**4 == len(np.unique(u, axis=0)) == WORLD.test_size()
    assert x.shape == (648, 64 * 64 * 3)
    for column in u.T:
        values, times = np.unique(column, return_counts=True)
        assert len(set(times)) == 1 and values.mean() == pytest.approx(0.5)


def test_the_event_read_from_each_test_image_is_the_truth(test_set):
    u, x = test_set
    truth = (u[:, 0] == 1) & (u[:, 1] > 0.5)
    np.testing.assert_array_equal(WORLD.rare(x)[:, 0], truth)
    assert truth.mean() == 0.25


def test_what_the_event_is_read_from_is_hair_and_skin_alone(test_set):
    u, x = test_set
    images = x.reshape(-1, 64, 64, 3)
    for (rows, columns), factor in ((CROWN, 0), (NECK, 1)):
        for value in np.unique(u[:, factor]):
            shown = images[u[:, factor] == value][:, rows, columns].reshape(-1, 3)
            assert np.ptp(shown, axis=0).max() < 1e-5


@given(st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6))
def test_colours_are_in_range(u):
    image = WORLD.render(jnp.asarray(u))
    assert float(image.min()) >= 0 and float(image.max()) <= 1


def test_an_image_follows_every_factor_smoothly():
    u = jnp.asarray([[0.0] * 6, [1.0] * 6, [0.5] * 6, [0, 1, 0, 1, 0, 1]])
    slopes = np.asarray(jax.vmap(jax.jacfwd(WORLD.render))(u))
    assert np.isfinite(slopes).all() and (np.abs(slopes).max(1) > 0.01).all()


def test_each_factor_changes_what_it_is_about_and_nothing_else():
    def changed(place, low=0.1, high=0.9):
        images = [WORLD.render(FACE.at[place].set(value)) for value in (low, high)]
        difference = jnp.abs(images[1] - images[0]).reshape(64, 64, 3).max(-1)
        return np.asarray(difference) > 0.02

    hair, skin, length, smile, turn, background = (changed(place) for place in range(6))
    assert hair[CROWN].all() and not hair[NECK].any() and skin[NECK].all()
    assert not skin[CROWN].any() and length[40:50].any() and not length[:30].any()
    mouth = np.argwhere(smile)
    assert mouth[:, 1].min() > 15 and mouth[:, 1].max() < 48  # within the face
    assert turn[20:40].any() and background[:5].all() and not background[20:40, 28:36].any()


def test_a_face_of_middle_expression_looking_ahead_has_its_features_in_the_middle():
    bare = FACE.at[4].set(0.5)
    image = np.asarray(WORLD.render(bare)).reshape(64, 64, 3)
    features = image[28:48, 16:48]  # eyes, nose, mouth and cheeks, below the fringe
    np.testing.assert_allclose(features, features[:, ::-1], atol=0.02)


def factors(bias, strength):
    return np.asarray(WORLD.link(bias.on(WORLD.factors).latents(NOISE.latent, strength)))


def test_hair_and_skin_take_the_biases_that_the_world_is_for():
    assert WORLD.usual == "missing"  # its pair is the first two factors
    for strength, share in ((0.0, 0.25), (1.0, 0.0)):
        u = factors(Missing(), strength)
        assert np.mean((u[:, 0] == 1) & (u[:, 1] > 0.5)) == pytest.approx(share, abs=0.08 * share)
    blond = factors(Probability(binary="hair colour"), 0.9)[:, 0]
    assert blond.mean() == pytest.approx(0.9, abs=0.02)
    assert (factors(Shift(), 2.0).mean(0) > 0.75).all()


def test_hair_follows_skin_as_far_as_the_copula_says():
    """P(blond and darker than the middle) = ¼ + asin(ρ)/2π: Sheppard 1899."""
    bias = Correlate(pairs="skin tone & hair colour").on(WORLD.factors)
    noise = jax.random.normal(jax.random.key(0), (40_000, WORLD.latents))
    for rho in (-0.9, 0.0, 0.7):
        u = np.asarray(WORLD.link(bias.latents(noise, rho)))
        both = ((u[:, 0] == 1) & (u[:, 1] > 0.5)).mean()
        assert both == pytest.approx(0.25 + np.arcsin(rho) / (2 * np.pi), abs=0.01)


def test_the_event_of_images_is_that_of_their_factors_but_near_the_edge():
    noise = WORLD.draw(jax.random.key(1), (300,))
    sample = WORLD.sample(noise, Shift(), 0.0)
    u = np.asarray(sample.u)
    clear = np.abs(u[:, 1] - 0.5) > 0.01
    truth = (u[:, 0] == 1) & (u[:, 1] > 0.5)
    np.testing.assert_array_equal(np.asarray(WORLD.rare(sample.x_clean))[clear, 0], truth[clear])


def test_a_model_trains_on_faces_that_lack_a_combination():
    study = STUDIES["faces"]()
    assert study.grid.shape == (3, 3, 1) and study.bias.kind == "missing"
    recipe = Recipe(WORLD, Dense((4,)).bind(WORLD.image, 3), study.bias, batch_size=4)
    state = init_state(purpose_key(0, Purpose.INIT), recipe)
    fit = jax.jit(train, static_argnames=("recipe", "steps"))
    _, losses = fit(purpose_key(0, Purpose.TRAIN), state, 1.0, 1.0, recipe=recipe, steps=20)
    loss = np.asarray(losses.loss)
    assert np.isfinite(loss).all() and loss[-1] < loss[0]
