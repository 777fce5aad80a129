import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biasvae_jax.factors import Factor
from biasvae_jax.scores.alignment import linear_r2
from biasvae_jax.scores.by_factor import attributes, chance, factor_scores, summaries
from biasvae_jax.scores.discrete import class_halves

KINDS = ["continuous", "binary", "categorical"]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def mixed(rows=300):
    rng = np.random.default_rng(1)
    return np.column_stack(
        [rng.uniform(size=rows), np.arange(rows) % 2, rng.permutation(np.arange(rows) % 3)]
    )


def one_hot(truth):
    return np.column_stack([truth[:, :2], np.eye(3)[truth[:, 2].astype(int)]])


def test_each_factor_is_scored_by_its_kind():
    truth = mixed()
    found = factor_scores(truth, one_hot(truth), KINDS)
    np.testing.assert_allclose(found.recovery, 1)
    np.testing.assert_allclose(found.auroc, [np.nan, 1, np.nan])
    # a line through the labels 0, 1, 2 of a category would score it as a number
    assert factor_scores(truth, one_hot(truth) ** 2 @ np.eye(5)[:, :3], KINDS).recovery[2] < 1


def test_nothing_found_is_chance():
    truth, code = mixed(3_000), normal(3_000, 4)
    found = factor_scores(truth, code, KINDS)
    np.testing.assert_allclose(found.recovery, chance(truth, KINDS), atol=0.04)
    np.testing.assert_allclose(chance(truth, KINDS), [0, 1 / 2, 1 / 3])
    assert found.auroc[1] == pytest.approx(0.5, abs=0.04)
    nothing = factor_scores(truth, 0 * code, KINDS)
    np.testing.assert_allclose(nothing.recovery, chance(truth, KINDS), atol=1e-12)
    assert nothing.auroc[1] == 0.5


def test_a_rare_attribute_that_is_never_found_has_the_accuracy_of_chance():
    truth = (np.arange(2_000)[:, None] % 25 == 0).astype(float)  # 4 %
    assert factor_scores(truth, np.zeros((2_000, 3)), ["binary"]).recovery[0] == 0.5
    assert factor_scores(truth, normal(2_000, 3), ["binary"]).recovery[0] == pytest.approx(
        0.5, abs=0.15
    )
    weak = truth + normal(2_000, 1)  # a head that weighs rows alike would call none of them rare
    found = factor_scores(truth, weak, ["binary"])
    assert found.recovery[0] == pytest.approx(0.69, abs=0.08)  # Φ(½)
    assert found.auroc[0] == pytest.approx(0.76, abs=0.08)  # Φ(1/√2)


def test_r2_is_that_of_least_squares():
    truth = normal(200, 3)
    code = truth @ normal(3, 2, seed=1) + 0.5 * normal(200, 2, seed=2)
    found = factor_scores(truth, code, ["continuous"] * 3).recovery
    assert found.mean() == pytest.approx(linear_r2(code, truth))
    alone = [factor_scores(truth[:, [j]], code, ["continuous"]).recovery[0] for j in range(3)]
    np.testing.assert_allclose(found, alone)


def test_auroc_is_the_share_of_pairs_in_order():
    truth, code = np.arange(120)[:, None] % 2, normal(120, 1) + 0.8 * (np.arange(120)[:, None] % 2)
    _, held = class_halves(truth[:, 0], 0)
    labels, value = truth[held, 0], code[held, 0]  # one latent: the head keeps its order
    pairs = [a > b for a in value[labels == 1] for b in value[labels == 0]]
    assert factor_scores(truth, code, ["binary"]).auroc[0] == pytest.approx(np.mean(pairs))


def test_a_constant_factor_has_no_score_and_spoils_no_other():
    truth = mixed()
    alone = factor_scores(truth, one_hot(truth), KINDS).recovery
    for j in range(3):
        constant = truth.copy()
        constant[:, j] = 0.1
        found = factor_scores(constant, one_hot(truth), KINDS)
        expected = np.where(np.arange(3) == j, np.nan, alone)
        np.testing.assert_allclose(found.recovery, expected)
        np.testing.assert_allclose(chance(constant, KINDS)[j], np.nan)
        assert np.isfinite(summaries(found, KINDS)[0])  # of binary and categorical ones
    assert summaries(factor_scores(truth * 0, truth, KINDS), KINDS) == [
        "no such factor varies in the test set"
    ] * 3  # fmt: skip


def test_labels_of_as_many_values_as_rows_have_no_score():
    truth = np.column_stack([np.arange(300.0), np.arange(300) % 2])
    found = factor_scores(truth, truth, ["categorical", "binary"])
    assert np.isnan(found.recovery[0]) and found.recovery[1] > 0.9


@settings(max_examples=8)
@given(st.integers(1, 5), st.integers(1, 6))
def test_any_number_of_factors_and_latents_is_scored(factors, latents):
    kinds = (KINDS * 2)[:factors]
    truth = np.hstack([mixed(60), mixed(60)[::-1]])[:, :factors]
    found = factor_scores(truth, normal(60, latents), kinds)
    assert np.isfinite(found.recovery).all() and found.recovery.shape == (factors,)
    assert (found.recovery <= 1).all()


def test_summaries_are_means_over_their_kinds():
    kinds = ["binary", "continuous", "categorical", "binary"]
    truth = np.column_stack([mixed()[:, [1, 0, 2]], np.arange(300) < 100])
    found = factor_scores(truth, normal(300, 2) + truth[:, :2], kinds)
    accuracy, auroc, r2 = summaries(found, kinds)
    assert accuracy == pytest.approx(found.recovery[[0, 2, 3]].mean())
    assert auroc == pytest.approx(found.auroc[[0, 3]].mean()) and r2 == found.recovery[1]


def test_files_say_which_factor_has_which_measure_and_chance():
    factors = [Factor("place"), Factor("hair, brown", "binary"), Factor("Ziffer ½", "categorical")]
    said = attributes(factors, mixed())
    assert json.loads(said["factor"]["names"]) == [factor.name for factor in factors]
    assert json.loads(said["factor"]["kinds"]) == KINDS
    measures = json.loads(said["factor_recovery"]["measures"])
    assert measures == ["R²", "balanced accuracy", "balanced accuracy"]
    np.testing.assert_allclose(said["factor_recovery"]["chance"], [0, 1 / 2, 1 / 3])
    assert said["recovery_accuracy"]["chance"] == pytest.approx((1 / 2 + 1 / 3) / 2)
