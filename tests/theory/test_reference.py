import dataclasses

import jax
import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import expit

from biasvae_jax.biases import Correlate, Scale, Shift
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.objectives import BetaElbo, FactorVae
from biasvae_jax.statistics.staircase import distinct
from biasvae_jax.study import Study
from biasvae_jax.theory import collapse_boundary, predict, reduce_world, sigmoid_moments
from biasvae_jax.theory.reduction import sampled_moments, sampled_reduction
from biasvae_jax.theory.reference import reference, why_none
from biasvae_jax.worlds import Squares

WORLD = Squares(n=2, m=3, bins=(0.2, 0.8))


@pytest.mark.parametrize(
    ("mean", "deviation"), [(0.0, 1.0), (2.0, 1.0), (0.0, 0.1), (0.5, 4.0), (1.0, 0.0)]
)
def test_the_moments_are_the_integrals(mean, deviation):
    found = sigmoid_moments(mean, deviation)
    if deviation == 0:
        expected = expit(mean), 0.0
    else:
        density = stats.norm(mean, deviation)
        low, high = mean - 10 * deviation, mean + 10 * deviation
        first = integrate.quad(lambda z: expit(z) * density.pdf(z), low, high, epsabs=1e-13)[0]
        second = integrate.quad(
            lambda z: (expit(z) - first) ** 2 * density.pdf(z), low, high, epsabs=1e-13
        )[0]
        expected = first, second
    np.testing.assert_allclose(found, expected, atol=1e-11)


@pytest.mark.parametrize(("bias", "strength"), [(Shift(), 1.0), (Scale(), 2.0), (Scale(), 0.5)])
def test_the_closed_form_of_a_bias_is_what_its_images_have(bias, strength):
    exact = reduce_world(WORLD, strength, 4, bias=bias)
    moments = sampled_moments(jax.random.key(0), WORLD, strength, 65_536, bias)
    sampled = sampled_reduction(moments, 4)
    np.testing.assert_allclose(sampled.eigenvalues, exact.eigenvalues, rtol=0.03)
    np.testing.assert_allclose(sampled.mean, exact.mean, atol=0.01)
    np.testing.assert_allclose(sampled.rest, exact.rest, rtol=0.01)


def test_the_threshold_of_scale_rises_with_the_variety_of_the_data():
    found = collapse_boundary(WORLD, Scale.axis.values, 0.25, Scale())
    assert (np.diff(found) > 0).all()
    assert found[Scale.axis.values.index(1.0)] == pytest.approx(
        collapse_boundary(WORLD, [0.0], 0.25)[0]
    )


def test_a_reference_is_the_theory_of_every_cell_and_nothing_at_beta_0():
    study = Study(world=WORLD, biases=(0.0, 2.0), strengths=(0.0, 0.5, 4.0))
    found = reference(study.recipe, study.grid)
    assert found is not None
    np.testing.assert_allclose(found.threshold, collapse_boundary(WORLD, (0.0, 2.0), 0.25))
    known = predict(WORLD, (0.0, 2.0), (0.5, 4.0), 0.25, 4)
    for name, values in known._asdict().items():
        np.testing.assert_allclose(found.predictions[name][:, 1:], values, rtol=1e-6)
        assert np.isnan(found.predictions[name][:, 0]).all()


def test_each_latent_has_a_threshold_but_for_those_of_noise_alone():
    study = Study(world=WORLD, bias=Correlate(), biases=(0.0, 0.9), strengths=(1.0,), latent_dim=6)
    found = reference(study.recipe, study.grid)
    assert found is not None and np.isnan(found.thresholds[:, 4:]).all()
    expected = reduce_world(WORLD, 0.9, 4, bias=Correlate()).eigenvalues / 0.25
    np.testing.assert_allclose(found.thresholds[1, :4], expected, rtol=1e-6)
    np.testing.assert_array_equal(found.thresholds[:, 0], found.threshold)
    assert distinct(found.thresholds).shape[1] > 1


def test_where_no_closed_form_is_known_there_is_no_reference_and_a_reason():
    recipe = Study(world=WORLD, objective=FactorVae()).recipe
    assert reference(recipe, Study(world=WORLD, objective=FactorVae()).grid) is None
    assert "factor" in why_none(recipe)
    large = dataclasses.replace(recipe, objective=BetaElbo(), world=Squares(n=2, m=40))
    assert "6,400 pixels" in why_none(large) and why_none(Study().recipe) == ""


def test_few_eigenvectors_of_a_large_world_are_those_of_all(monkeypatch):
    world = Squares(n=2, m=6, bins=(0.5,), contrast=(1.0, 0.8, 0.6, 0.4))
    moments = sampled_moments(purpose_key(0, Purpose.MOMENTS), world, 0.0, 8_192)
    whole = sampled_reduction(moments, 3)
    monkeypatch.setattr("biasvae_jax.theory.reduction.DENSE_PIXELS", 10)
    few = sampled_reduction(moments, 3)
    np.testing.assert_allclose(few.eigenvalues, whole.eigenvalues, rtol=1e-9)
    np.testing.assert_allclose(np.abs((few.axes * whole.axes).sum(1)), 1, atol=1e-6)
    np.testing.assert_allclose(few.rest, whole.rest, rtol=1e-9)
