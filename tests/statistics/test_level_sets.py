"""The model that made a surface wins on it, on the same cells, and the others do not."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from biasvae_jax.statistics.intervals import describe, t_interval
from biasvae_jax.statistics.level_sets import (
    ADDITIVE,
    BETA,
    MODELS,
    MU,
    SLOPE,
    THEORY,
    compare_models,
)
from biasvae_jax.theory import block_eigenvalue, collapse_threshold
from biasvae_jax.worlds import Squares

BIAS = np.arange(11) / 2
WEIGHT = np.array([0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0])
THRESHOLD = collapse_threshold(block_eigenvalue(Squares(), BIAS), 0.25)
DISTANCE = np.log(WEIGHT) - np.log(THRESHOLD)[:, None]
SURFACES = {
    MU: np.cos(BIAS)[:, None] * np.ones(11),
    BETA: np.tanh(np.log(WEIGHT)) * np.ones((11, 1)),
    ADDITIVE: np.cos(BIAS)[:, None] + np.tanh(np.log(WEIGHT)),
    SLOPE: 1 / (1 + np.exp(4 * (np.log(WEIGHT) - 0.3 * BIAS[:, None]))),
    THEORY: 1 / (1 + np.exp(4 * DISTANCE)),  # were it linear in the distance, the sum would tie
}


def seeds_of(surface, noise=0.02, seeds=5):
    rng = np.random.default_rng(0)
    return surface[..., None] + noise * rng.normal(size=(*surface.shape, seeds))


def compare(score, hold_out="seed"):
    return compare_models(score, BIAS, WEIGHT, THRESHOLD, hold_out)


@pytest.mark.parametrize("hold_out", ["seed", "mu"])
@pytest.mark.parametrize("maker", MODELS)
def test_the_model_that_made_the_surface_wins(maker, hold_out):
    found = compare(seeds_of(SURFACES[maker]), hold_out)
    mean = dict(zip(found.names, found.intervals.mean, strict=True))
    assert mean[maker] > 0.95
    # the sum holds its parts as special cases, and a line log β alone, so they come as close
    as_close = {MU: {ADDITIVE}, BETA: {ADDITIVE, SLOPE}}.get(maker, set())
    rivals = set(MODELS) - {maker} - as_close
    assert all(mean[rival] < mean[maker] - 0.05 for rival in rivals - {SLOPE})
    assert SLOPE in {maker} | as_close or mean[SLOPE] < mean[maker] - 0.01
    behind = found.behind.high[[MODELS.index(rival) for rival in rivals]]
    assert (behind < 0).all()
    best = found.names[found.best]
    assert best in {maker} | as_close


def test_one_slope_is_fitted_and_predicts_rows_held_out():
    found = compare(seeds_of(SURFACES[SLOPE]), "mu")
    np.testing.assert_allclose(found.slope, 0.3, atol=0.01)
    assert found.r2[MODELS.index(SLOPE)].min() > 0.98
    # nearly that of log β*, which is nearly a line; and not where the score has no value
    near = compare(np.where(np.arange(5) == 1, np.nan, seeds_of(SURFACES[THEORY])))
    theory = np.polyfit(BIAS, np.log(THRESHOLD), 1)[0]
    assert np.isnan(near.slope[1]) and np.nanmean(near.slope) == pytest.approx(theory, abs=0.1)
    # level sets beyond twice the corners' slope are not looked for
    most = 2 * np.ptp(np.log(WEIGHT)) / np.ptp(BIAS)
    assert (np.abs(compare(seeds_of(SURFACES[MU])).slope) <= most).all()


def test_columns_of_beta_0_are_left_out_and_counted():
    score = seeds_of(SURFACES[THEORY], seeds=2)
    more = np.concatenate([np.full((11, 1, 2), 99.0), score], 1)
    found = compare_models(more, BIAS, np.r_[0, WEIGHT], THRESHOLD)
    np.testing.assert_array_equal(found.r2, compare(score).r2)
    assert found.without_log == 1 and compare(score).without_log == 0


def test_what_is_left_is_noise_and_the_best_is_compared_with_itself():
    found = compare(seeds_of(SURFACES[MU], noise=0.3))
    explained = SURFACES[MU].var() / (SURFACES[MU].var() + 0.3**2)
    assert found.intervals.mean[MODELS.index(MU)] == pytest.approx(explained, abs=0.03)
    assert found.behind.mean[found.best] == found.behind.high[found.best] == 0
    np.testing.assert_allclose(
        found.behind.mean, found.intervals.mean - found.intervals.mean[found.best], atol=1e-12
    )


def test_levels_are_the_means_over_the_other_seeds():
    score = seeds_of(SURFACES[THEORY], noise=0.3)
    others = np.stack([np.delete(score, s, -1).mean(-1) for s in range(5)], -1)

    def r2(predicted):
        predicted = np.broadcast_to(predicted, score.shape)
        return [r2_score(score[..., s].ravel(), predicted[..., s].ravel()) for s in range(5)]

    found = compare(score)
    row, column = others.mean(1, keepdims=True), others.mean(0, keepdims=True)
    np.testing.assert_allclose(found.r2[0], r2(row))
    np.testing.assert_allclose(found.r2[1], r2(column))
    np.testing.assert_allclose(found.r2[2], r2(row + column - others.mean((0, 1))))
    np.testing.assert_allclose(found.saturated[:3], t_interval(r2(others))[:3])


def test_without_noise_levels_are_fitted_and_lines_between_them_predicted_exactly():
    line = (0.3 * BIAS)[:, None] + SURFACES[BETA]
    for hold_out in ("seed", "mu"):
        found = compare(seeds_of(line, noise=0), hold_out)
        np.testing.assert_allclose(found.r2[MODELS.index(ADDITIVE)], 1)
    assert compare(seeds_of(SURFACES[MU], 0)).r2[0] == pytest.approx(np.ones(5))


def test_a_seed_is_predicted_without_itself_and_a_row_without_itself():
    score = seeds_of(SURFACES[THEORY])
    changed = score.copy()
    changed[..., 0] += 5 * np.random.default_rng(1).normal(size=(11, 11))
    # seed 1 is predicted from seed 0 too; by rows every seed stands alone
    assert compare(changed).r2[3, 1] < compare(score).r2[3, 1]
    np.testing.assert_array_equal(compare(changed, "mu").r2[:, 1:], compare(score, "mu").r2[:, 1:])
    only = np.zeros((11, 11, 1))
    only[5] = 1 + np.arange(11)[:, None]  # one row unlike all others cannot be foreseen
    assert (compare(only, "mu").r2 < 0.2).all()


def test_diverged_models_are_left_out():
    score = seeds_of(SURFACES[THEORY])
    score[3, 4, 0] = score[0, :, 2] = np.nan
    for hold_out in ("seed", "mu"):
        found = compare(score, hold_out)
        assert np.isfinite(found.r2).all() and found.names[found.best] == THEORY
    score[..., 1] = np.nan
    found = compare(score)
    assert np.isnan(found.r2[:, 1]).all() and (found.intervals.left_out == 1).all()


def test_one_seed_has_no_interval():
    one = seeds_of(SURFACES[THEORY], seeds=1)
    by_row, by_seed = compare(one, "mu"), compare(one)
    assert by_row.names[by_row.best] == THEORY
    assert "no interval (one seed)" in describe(by_row.intervals.at(by_row.best))
    assert np.isnan(by_seed.r2).all() and "no value" in describe(by_seed.intervals.at(0))


def test_a_score_that_does_not_vary_has_no_r2():
    found = compare(np.zeros((11, 11, 3)))
    assert np.isnan(found.r2).all()


def test_a_small_grid_is_compared_too():
    corner = np.ix_([0, 4, 8], [2, 5, 10])
    score = seeds_of(SURFACES[THEORY][corner])
    for hold_out in ("seed", "mu"):
        found = compare_models(
            score, BIAS[[0, 4, 8]], WEIGHT[[2, 5, 10]], THRESHOLD[[0, 4, 8]], hold_out
        )
        assert np.isfinite(found.r2).all()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"beta": WEIGHT - 0.2}, "beta must"),
        ({"beta": np.maximum(WEIGHT - 7, 0)}, "beta > 0 must"),
        ({"threshold": THRESHOLD - THRESHOLD[0]}, "threshold must"),
        ({"threshold": THRESHOLD[:3]}, "score must"),
        ({"mu": BIAS[:2], "threshold": THRESHOLD[:2], "score": np.zeros((2, 11, 3))}, "mu must"),
        ({"hold_out": "beta"}, "hold_out"),
    ],
)
def test_outside_its_domain_the_argument_is_named(change, name):
    score = np.zeros((11, 11, 3))
    arguments = {"mu": BIAS, "beta": WEIGHT, "threshold": THRESHOLD, "hold_out": "mu"}
    with pytest.raises(ValueError, match=name):
        compare_models(**({"score": score} | arguments | change))
