"""How models treat the rare event: what must be the same is the same, and it is the known one."""

import dataclasses
import math
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax.axes import Grid
from biasvae_jax.biases import Correlate, Missing, Mixture, Scale, Shift, Truncate
from biasvae_jax.config import Config
from biasvae_jax.networks import MLP
from biasvae_jax.objectives import MixturePrior
from biasvae_jax.scores.base import left_out_of_sweep
from biasvae_jax.scores.events import Mass, Reach, event_noise, event_scores, mass, nearest, reach
from biasvae_jax.sweep import Sweep, grid
from biasvae_jax.sweep.plan import Plan
from biasvae_jax.theory import linear_params, predict_events, reduce_world
from biasvae_jax.training import Recipe
from biasvae_jax.worlds import Squares, rare_cases
from biasvae_jax.worlds.events import NEARNESS

LINEAR = Config(
    n=2, m=5, mu=(0.3, 1.0, 2.0), beta=(0.5, 3.0, 30.0), hidden=(), output="identity", seeds=2
)
FEW = dataclasses.replace(LINEAR, latent_dim=3, contrast=(1.0, 0.7, 1.5, 2.0), noise_mean=0.1)
MANY = dataclasses.replace(LINEAR, latent_dim=7, noise_mean=-0.1)


@pytest.mark.parametrize("config", [LINEAR, FEW, MANY], ids=["equal", "few", "many"])
def test_the_linear_optimum_scores_what_is_predicted(config):
    models, sweep = grid(config), Sweep(Recipe.from_config(config), Plan(2, 18, 1, 1))
    world: Any = sweep.recipe.world
    optima = [
        linear_params(reduce_world(world, float(mu), config.latents), beta, 0.25)
        for mu, beta in zip(models.bias, models.beta, strict=True)
    ]
    stacked = sweep.put(jax.tree.map(lambda *leaves: np.stack(leaves), *optima))
    found = sweep.events(models, stacked)
    reductions = [reduce_world(world, mu, config.latents) for mu in config.mu]
    known = predict_events(world, Shift(), config.mu, config.beta, 0.25, reductions)
    for name, predicted in known._asdict().items():
        scores = getattr(found, name).reshape(2, 3, 3).mean(0)
        np.testing.assert_allclose(scores, predicted, rtol=0.04, atol=0.002, err_msg=name)


@pytest.mark.parametrize(
    ("bias", "strength"), [(Correlate(pairs="square 1 & square 4"), 0.9), (Mixture(), 0.3)]
)
def test_the_linear_optimum_scores_what_is_predicted_of_latents_that_vary_together(bias, strength):
    world = Squares(n=2, m=5, contrast=(1.0, 0.7, 1.5, 2.0), noise_mean=0.1)
    recipe = Recipe(world, MLP(world.pixels, 4, (), output="identity"), bias=bias)
    models = Grid(
        dataclasses.replace(bias.axis, values=(strength,)),
        dataclasses.replace(recipe.objective.axis, values=(0.5, 3.0)),
        2,
    ).models
    reduction = reduce_world(world, strength, 4, bias=bias)
    optima = [linear_params(reduction, beta, 0.25) for beta in models.beta]
    sweep = Sweep(recipe, Plan(2, 4, 1, 1))
    found = sweep.events(models, sweep.put(jax.tree.map(lambda *a: np.stack(a), *optima)))
    known = predict_events(world, bias, [strength], [0.5, 3.0], 0.25, [reduction])
    for name, predicted in known._asdict().items():
        scores = getattr(found, name).reshape(2, 1, 2).mean(0)
        np.testing.assert_allclose(scores, predicted, rtol=0.04, atol=0.002, err_msg=name)


SMALL = Config(mu=(1.0, 3.0), beta=(0.5,), n=2, m=3, hidden=(8,), bins=(0.2, 0.5, 0.9))
WORLD = Squares(n=2, m=3, bins=(0.2, 0.5, 0.9))
RECIPE = Recipe(WORLD, MLP(WORLD.pixels, 3, (8,)))
CASES = jax.jit(lambda: rare_cases(WORLD, WORLD.test_set()[1]))()


def painted(params, value):
    """The same model with a decoder that draws one image, the same for every code."""
    last = params["decoder"]["Dense_1"]
    constant = {
        "kernel": jnp.zeros_like(last["kernel"]),
        "bias": jnp.broadcast_to(value, last["bias"].shape),
    }
    return params | {"decoder": params["decoder"] | {"Dense_1": constant}}


def test_a_decoder_that_draws_white_alone_has_no_mass_and_pays_nothing_to_miss():
    sweep, models = Sweep(Recipe.from_config(SMALL), Plan(1, 2, 1, 1)), grid(SMALL)
    found = []
    for value in (50.0, -50.0):
        each = jax.vmap(lambda p, v=value: painted(p, v))(sweep.init(models).params)
        found.append(sweep.events(models, each))
    white, black = found
    rare = 0.5 * np.array([math.erfc(1 / 2**0.5), math.erfc(3 / 2**0.5)])
    for name in ("prior_mass", "posterior_mass"):
        np.testing.assert_array_equal(getattr(white, name), 0)
        np.testing.assert_allclose(getattr(black, name), 1 / rare, rtol=1e-5)
    np.testing.assert_allclose(white.price, 0, atol=1e-8)
    images, weights = (np.asarray(a) for a in rare_cases(sweep.recipe.world, sweep._test[1]))
    missed = np.average(np.square(1 - images).mean(1), weights=weights)
    np.testing.assert_allclose(white.reach, missed, rtol=1e-5)
    assert (white.encoder_error > 0).all() and np.isfinite(white.encoder_error).all()


def test_a_code_found_is_never_worse_than_where_the_search_began():
    x, search = CASES[0], jax.jit(lambda params: reach(CASES, params, RECIPE))
    for seed in range(3):
        params = jax.jit(RECIPE.init)(jax.random.key(seed))
        mean, _ = RECIPE.network.encode(params, x)
        with jax.default_matmul_precision("highest"):
            starts = [
                jnp.square(RECIPE.network.decode(params, z) - x).mean(1)
                + NEARNESS * jnp.square(z).sum(1)
                for z in (mean, 0 * mean)
            ]
        least = np.average(np.minimum(starts[0], starts[1]), weights=CASES[1])
        found = search(params)
        assert found.reach + NEARNESS * found.price <= least * (1 + 1e-6)
        assert found.reach < 0.99 * least  # and the search is one


def test_the_search_finds_the_code_that_made_an_image():
    network = MLP(WORLD.pixels, 2, (16,), activation="tanh")
    params = jax.jit(network.init)(jax.random.key(0))
    codes = jax.random.normal(jax.random.key(1), (20, 2))
    images = network.decode(params, codes)
    search = lambda x: nearest(lambda z: network.decode(params, z), x, jnp.zeros(2))  # noqa: E731
    found, value = jax.jit(jax.vmap(search))(images)
    np.testing.assert_allclose(found, codes, atol=0.1)
    assert (value <= NEARNESS * jnp.square(codes).sum(1) * 1.001).all()


def test_a_stack_scores_as_its_models_do_one_by_one_and_whatever_the_plan():
    models: Any = grid(SMALL)
    sweep = Sweep(Recipe.from_config(SMALL), Plan(1, 2, 2, 1))
    params = sweep.init(models).params
    together = sweep.events(models, params)
    alone = Sweep(sweep.recipe, Plan(1, 1, 1, 1))
    mine = alone.put(jax.tree.map(lambda a: np.asarray(a)[1:], params))
    seen = jax.tree.map(lambda a: a[1:], together)
    chex.assert_trees_all_close(alone.events(models[1:], mine), seen, rtol=1e-3, atol=1e-4)


def test_cases_show_the_event_and_are_the_same_every_time():
    images, weights = CASES
    world = Squares(n=2, m=3, bins=(0.2, 0.5, 0.9))
    assert len(images) == 64 and weights.sum() == 64 and WORLD.rare(images).any(1).all()
    chex.assert_trees_all_equal(rare_cases(world, world.test_set()[1]), CASES)
    few = Squares(n=1, m=2, bins=(0.2, 0.5, 0.9))
    images, weights = rare_cases(few, few.test_set()[1])
    assert weights.tolist() == [1, 0, 0] and images[0, 0] == pytest.approx(0.2)
    none = Squares(n=1, m=2, bins=(0.5, 0.9))
    assert rare_cases(none, none.test_set()[1])[1].tolist() == [1, 1]


@pytest.mark.parametrize("contrast", [(), (0.5, 1.0, 2.0, 1.0)])
def test_squares_are_rare_as_often_as_their_latents_say(contrast):
    world = Squares(n=2, m=3, contrast=contrast)
    for bias, strength in (
        (Shift(), 1.0),
        (Scale(), 0.5),
        (Shift(), -0.7),
        (Truncate(), 0.7),
        (Mixture(), 0.4),
        (Missing(), 0.9),
    ):
        known = world.event_probability(bias, strength)

        @jax.jit
        def share(strength, bias=bias):
            noise = world.draw(jax.random.key(0), (20_000,))
            return world.rare(world.sample(noise, bias, strength).x_clean).mean()

        assert float(share(strength)) == pytest.approx(known, abs=0.01)


def test_an_event_that_training_never_shows_leaves_only_the_masses_undefined():
    mass = Mass(*(np.array([0.2, 0.3, 0.0]),) * 3)
    reach = Reach(*(np.ones(3),) * 3)
    found = event_scores(mass, reach, np.array([np.nan, 0.1, np.nan]))
    np.testing.assert_allclose(found.prior_mass, [1, 3, np.nan], rtol=1e-6)
    np.testing.assert_array_equal(found.reach, 1)


def test_a_world_that_states_no_event_is_scored_without_and_told_so():
    class Plain(Squares):
        event = ""

    recipe = Recipe(Plain(n=2, m=3), RECIPE.network)
    assert left_out_of_sweep(recipe)["event"] == "squares states no rare event"
    assert Sweep(recipe, Plan(1, 1, 1, 1)).events(grid(SMALL), None) is None
    assert "event" not in left_out_of_sweep(RECIPE)


def test_samples_of_the_prior_are_those_of_the_objectives_own_prior():
    """A mixture of one narrow component draws one code, and that decodes to one image."""
    recipe = dataclasses.replace(RECIPE, objective=MixturePrior(components=1))
    params = jax.jit(recipe.init)(jax.random.key(0))
    noise = jax.jit(lambda: event_noise(0, 0, recipe))()
    of_prior = jax.jit(lambda params: mass(noise, params, 1.0, recipe).prior)
    drawn, found = jax.jit(recipe.network.decode), []
    for place in (-30.0, 30.0):
        mean = jnp.full((1, 3), place)
        params["prior"] = {"logits": jnp.zeros(1), "mean": mean, "logvar": jnp.full((1, 3), -40.0)}
        expected = WORLD.rare(drawn(params, mean)).mean()
        found.append(float(of_prior(params)))
        assert found[-1] == pytest.approx(float(expected))
    assert found[0] != found[1]
