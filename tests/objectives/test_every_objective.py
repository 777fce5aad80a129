"""Laws of every objective that comes with the package."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from batches import KEY, NETWORK, WORLD, batch_of, program, recipe_of, start, terms_of

from biasvae_jax import BetaElbo, ConfigError, Study
from biasvae_jax.components import kinds
from biasvae_jax.objectives import (
    Autoencoder,
    BetaTc,
    Capacity,
    DipI,
    DipII,
    FactorVae,
    Hfs,
    Intel,
    Iwae,
    MixturePrior,
    SigmaVae,
)
from biasvae_jax.study import Training
from biasvae_jax.training import train

OBJECTIVES = [
    Autoencoder(),
    BetaElbo(),
    BetaElbo(kl="analytic"),
    BetaTc(alpha=0.5, gamma=2.0),
    Capacity(),
    DipI(),
    DipII(),
    FactorVae(discriminator=(8,)),
    Hfs(),
    Intel(),
    Intel(target="clustered"),
    Iwae(),
    MixturePrior(components=3),
    SigmaVae(),
]
every = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: o.kind)


def test_none_is_left_out_here():
    ours = {k for k in kinds("objective").values() if k.__module__.startswith("biasvae_jax.")}
    assert {type(o) for o in OBJECTIVES} == ours


@every
def test_its_words_fit_its_terms(objective):
    assert set(objective.meanings) == set(objective.Terms._fields)
    assert set(objective.units) <= set(objective.meanings)
    assert objective.Terms._fields[0] == "loss" and "kl" in objective.meanings
    assert objective.formula in objective.stated(0.25)
    study = Study(WORLD, objective=objective)
    assert Study.from_json(study.to_json()) == study


@every
def test_terms_are_one_number_an_image_and_finite(objective):
    *_, terms = terms_of(objective, 2.0)
    chex.assert_shape(list(terms), (12,))
    chex.assert_tree_all_finite(terms)


@every
def test_strengths_vmapped_are_strengths_one_by_one_and_have_a_say(objective):
    batch, strengths = batch_of(objective, 0), jnp.asarray([1.0, 2.0, 4.0])
    step, of_one = jnp.asarray(1_000_000), program(objective)
    together = jax.jit(jax.vmap(lambda s: of_one(*batch, s, step)))(strengths)
    each = [of_one(*batch, s, step) for s in strengths]
    alone = jax.tree.map(lambda *a: jnp.stack(a), *each)
    chex.assert_trees_all_close(together, alone, rtol=1e-3, atol=1e-3)
    chex.assert_tree_all_finite(together)
    losses = np.asarray(together[0].loss.mean(-1))
    assert np.ptp(losses) > 1e-3


@every
def test_the_gradient_is_the_slope(objective):
    """Along a random direction of encoder and decoder, by central differences."""
    (params, *batch), step = batch_of(objective, 0), jnp.asarray(1_000_000)
    rng = np.random.default_rng(0)
    vae = {name: params[name] for name in ("encoder", "decoder")}
    along = jax.tree.map(lambda a: np.asarray(rng.normal(size=a.shape), np.float32), vae)
    length, loss = 1e-3, program(objective)
    moved = [
        params | jax.tree.map(lambda a, d, h=h: a + h * d, vae, along) for h in (-length, length)
    ]
    low, high = (float(loss(each, *batch, 2.0, step)[0].loss.mean()) for each in moved)
    _, gradient = loss(params, *batch, 2.0, step)
    gradient = {name: gradient[name] for name in vae}
    slope = sum(
        float((g * d).sum()) for g, d in zip(*map(jax.tree.leaves, (gradient, along)), strict=True)
    )
    assert (high - low) / (2 * length) == pytest.approx(slope, rel=0.03, abs=0.03)


@every
def test_during_the_warm_up_only_the_reconstruction_counts(objective):
    if isinstance(objective, Iwae):
        pytest.skip("a bound of many samples is none of the mean reconstruction")
    warm = dataclasses.replace(objective, kl_warmup=10)
    terms, _ = program(warm)(*batch_of(objective, 0), 3.0, jnp.asarray(0))
    loss = float(terms.loss.mean())
    if isinstance(objective, Capacity):  # the capacity rises, its weight does not
        loss -= objective.gamma * float(terms.kl.mean())
    assert loss == pytest.approx(float(terms.reconstruction.mean()), rel=1e-4)


@pytest.mark.parametrize(
    ("objective", "strength"),
    [(BetaTc(), 1.0), (DipI(), 0.0), (DipII(), 0.0), (Hfs(), 0.0), (Iwae(), 1.0)],
    ids=lambda o: getattr(o, "kind", ""),
)
def test_where_it_is_neutral_it_trains_the_plain_vae(objective, strength):
    assert objective.axis.neutral == strength
    run = jax.jit(train, static_argnames=("recipe", "steps"))
    plain, other = recipe_of(BetaElbo()), recipe_of(objective)
    expected, losses = run(KEY, start(plain), 1.0, 1.0, recipe=plain, steps=30)
    state, terms = run(KEY, start(other), 1.0, strength, recipe=other, steps=30)
    chex.assert_trees_all_close(state.params, expected.params, rtol=2e-3, atol=5e-4)
    np.testing.assert_allclose(terms.loss, losses.loss, rtol=1e-3)


def test_a_mixture_of_one_standard_normal_is_the_beta_elbo():
    params, x, noise, terms = terms_of(MixturePrior(components=1), 3.0)
    expected, _ = program(BetaElbo())(params, x, noise, 3.0, jnp.asarray(1))
    for found, wanted in zip(terms, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=1e-3)


@every
def test_samples_of_the_prior_are_codes_that_decode(objective):
    params, x, _ = batch_of(objective, 0)
    normals = jax.random.normal(jax.random.key(3), (64, 4))

    @jax.jit
    def sample(params, x):
        codes = objective.code(params, objective.posterior(NETWORK, params, x)[0])
        drawn = objective.prior_sample(params, normals, codes)
        return drawn, NETWORK.decode(params, drawn)

    drawn, images = sample(params, x)
    chex.assert_shape(drawn, (64, 4))
    chex.assert_tree_all_finite(images)


@every
def test_a_batch_of_one_is_refused_where_a_batch_is_measured_and_there_alone(objective):
    """A single image has no correlation with others, no aggregated posterior, no combinations."""
    measured = {"beta_tc", "factor", "dip_i", "dip_ii", "intel", "hfs", "mixture_prior"}
    if objective.kind in measured:
        with pytest.raises(ConfigError, match="--batch-size"):
            objective.check_batch(1)
    else:
        objective.check_batch(1)


def test_bad_settings_end_in_one_line():
    for make, said in (
        (lambda: SigmaVae(likelihood_variance=0.3), "learns it"),
        (lambda: Capacity(gamma=0.0), "--gamma must be > 0"),
        (lambda: MixturePrior(components=0), "--components"),
        (lambda: MixturePrior(components=2_000), "≤ 1,000"),
        (lambda: Intel(target="round"), "sparse or clustered"),
        (lambda: BetaTc(alpha=-1.0), "--alpha must be ≥ 0"),
        (lambda: Hfs(points=0), "--points"),
        (lambda: Study(objective=Iwae(samples=4)), "more than the 4"),
        (lambda: Study(objective=Iwae(), strengths=(1.5,)), "whole numbers"),
        (lambda: Study(objective=DipII(), training=Training(batch_size=1)), "needs 2 images"),
        (lambda: Study(objective=MixturePrior(components=65)), "each needs an image; got 64"),
    ):
        with pytest.raises(ConfigError, match=said) as caught:
            make()
        assert "\n" not in str(caught.value)
