import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from biasvae_jax.axes import Models
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Dense
from biasvae_jax.objectives import BetaElbo, FactorVae, beta_elbo, reparameterise
from biasvae_jax.sweep import Plan, Sweep
from biasvae_jax.training import Recipe, draw_noise, init_state, train, train_step
from biasvae_jax.worlds import Squares

WORLD = Squares(n=2, m=3, bins=(0.2, 0.8))
PLAIN = Recipe(WORLD, Dense((16,)).bind(WORLD.image, 4), batch_size=16)
FACTOR = dataclasses.replace(PLAIN, objective=FactorVae(discriminator=(16,)))
KEY = purpose_key(0, Purpose.TRAIN)
RUN = jax.jit(train, static_argnames=("recipe", "steps"))


def start(recipe):
    return jax.jit(lambda: init_state(purpose_key(0, Purpose.INIT), recipe))()


def test_at_gamma_0_the_vae_is_the_plain_one_after_200_steps():
    plain, losses = RUN(KEY, start(PLAIN), 1.0, 1.0, recipe=PLAIN, steps=200)
    factor, terms = RUN(KEY, start(FACTOR), 1.0, 0.0, recipe=FACTOR, steps=200)
    vae = {name: factor.params[name] for name in plain.params}
    chex.assert_trees_all_close(vae, plain.params, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(terms.loss, losses.loss, rtol=1e-4)


def test_one_step_is_two_hand_written_losses_with_two_adams():
    state, gamma = start(FACTOR), 3.0
    noise = jax.jit(lambda: draw_noise(KEY, 0, FACTOR))()
    x = jax.jit(FACTOR.sample)(noise.world, 1.0).x
    network, objective = FACTOR.network, FACTOR.objective

    def odds(player, z):
        return objective._log_odds.apply({"params": player}, z)

    def codes(vae):
        mean, logvar = network.encode(vae, x)
        return reparameterise(noise.posterior.posterior, mean, logvar)

    def vae_loss(vae):
        elbo = beta_elbo(network, vae, x, noise.posterior.posterior, 1.0, 0.25).loss
        return jnp.mean(elbo + gamma * odds(state.params["discriminator"], codes(vae)))

    vae = {name: state.params[name] for name in ("encoder", "decoder")}
    z = jax.jit(codes)(vae)
    order = np.argsort(np.asarray(noise.posterior.order), axis=0)
    permuted = jnp.stack([z[order[:, j], j] for j in range(4)], axis=1)

    def player_loss(player):
        real, fake = odds(player, z), odds(player, permuted)
        log = jax.nn.log_sigmoid
        return -0.5 * jnp.mean(log(real) + log(-fake))

    expected, known = {}, []
    for part, loss, adam in (
        (vae, vae_loss, optax.adam(1e-3)),
        (state.params["discriminator"], player_loss, optax.adam(1e-4, b1=0.5)),
    ):

        @jax.jit
        def step(part, loss=loss, adam=adam):
            updates, _ = adam.update(jax.grad(loss)(part), adam.init(part))
            return optax.apply_updates(part, updates), loss(part)

        stepped, costs = step(part)
        expected |= stepped if part is vae else {"discriminator": stepped}
        known.append(float(costs))
    stepped, terms = jax.jit(train_step, static_argnums=4)(KEY, state, 1.0, gamma, FACTOR)
    chex.assert_trees_all_close(stepped.params, expected, atol=2e-6)
    assert float(terms.loss) == pytest.approx(known[0], rel=1e-5)
    assert float(terms.discriminator) == pytest.approx(known[1], rel=1e-4)


def test_each_permuted_latent_keeps_its_values_and_loses_its_company():
    noise = FACTOR.objective.draw(KEY, 512, 3)
    order = np.argsort(np.asarray(noise.order), axis=0)
    for column in order.T:
        assert sorted(column) == list(range(512))
    together = np.corrcoef(order.T)[np.triu_indices(3, 1)]
    assert np.abs(together).max() < 0.2


def test_the_discriminator_finds_the_total_correlation_of_a_gaussian_code():
    """z ~ N(0, C): TC = −½ ln det C; with ρ = 0.8 in two dimensions 0.511 nats."""
    objective = FactorVae(discriminator=(32, 32))
    rho = 0.8
    player = jax.jit(objective.init, static_argnums=1)(jax.random.key(0), 2)["discriminator"]
    adam = optax.adam(3e-3)

    def sample(key, rows):
        a, b = jax.random.normal(key, (2, rows))
        return jnp.stack([a, rho * a + (1 - rho**2) ** 0.5 * b], axis=1)

    def step(carry, key):
        player, opt = carry
        z = sample(key, 256)
        permuted = jnp.stack([z[:, 0], jnp.roll(z[:, 1], 1)], axis=1)

        def loss(p):
            told = jax.nn.softplus(-objective._odds(p, z))
            return 0.5 * jnp.mean(told + jax.nn.softplus(objective._odds(p, permuted)))

        updates, opt = adam.update(jax.grad(loss)(player), opt)
        return (optax.apply_updates(player, updates), opt), None

    keys = jax.random.split(jax.random.key(1), 1_500)
    (player, _), _ = jax.jit(lambda c: jax.lax.scan(step, c, keys))((player, adam.init(player)))
    estimate = float(objective._odds(player, sample(jax.random.key(2), 50_000)).mean())
    truth = -0.5 * np.log(np.linalg.det([[1, rho], [rho, 1]]))
    assert truth == pytest.approx(0.5108, abs=1e-3)
    assert estimate == pytest.approx(truth, abs=0.06)


def test_during_the_warm_up_both_weights_rise():
    recipe = dataclasses.replace(FACTOR, objective=FactorVae(kl_warmup=10, discriminator=(16,)))
    _, terms = jax.jit(train_step, static_argnums=4)(KEY, start(recipe), 1.0, 50.0, recipe)
    assert float(terms.loss) == pytest.approx(float(terms.reconstruction), rel=1e-6)
    assert BetaElbo.optimum_known and not FactorVae.optimum_known


def test_a_discriminator_that_diverges_harms_no_other_model():
    """In one vmapped program: the first model's bits do not depend on the second's γ."""
    sweep = Sweep(FACTOR, Plan(devices=1, group=2, width=2, chunk=20))

    def trained(gamma):
        models = Models(np.zeros(2, np.int32), np.ones(2, np.float32), np.float32([1, gamma]))
        ((_, state, _),) = sweep.train(models, sweep.init(models), 0, 20)
        state = sweep.gather(state, models)
        return [jax.tree.map(lambda a, i=i: a[i], state) for i in (0, 1)]

    quiet, _ = trained(2.0)
    beside, spoilt = trained(np.inf)
    assert not all(np.isfinite(a).all() for a in jax.tree.leaves(spoilt.params))
    chex.assert_trees_all_equal(quiet, beside)
