"""The best strength: found on curves that have one, honest at the edge, and free of its curse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.statistics.optimum import (
    at_choice,
    choice_of_others,
    chosen_by_others,
    gain_at_optimum,
    optimum,
)

STRENGTHS = np.array([0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0])


def valley(place, noise=0.0, seeds=5, flat=1.0, draw=0):
    """A score that is least at the place-th strength, `[strength, seed]`."""
    away = np.arange(7.0) - place
    curve = away**2 * np.where(away < 0, flat, 1)
    return curve[:, None] + noise * np.random.default_rng(draw).normal(size=(7, seeds))


@pytest.mark.parametrize("place", range(7))
def test_without_noise_the_optimum_is_exact_and_censored_at_the_edges_alone(place):
    found = optimum(valley(place), STRENGTHS)
    assert found.strength == found.low == found.high == STRENGTHS[place]
    side = {0: -1, 6: 1}.get(place, 0)
    assert (found.censored, found.low_censored, found.high_censored) == (side,) * 3
    assert (found.seeds, found.left_out) == (5, 0)


@given(st.permutations(range(7)), st.integers(0, 2**32 - 1))
def test_the_order_of_the_strengths_and_of_the_seeds_does_not_matter(order, draw):
    score = valley(3, noise=3, draw=draw)
    found, again = optimum(score, STRENGTHS), optimum(score[order], STRENGTHS[list(order)])
    assert found == again and found.low <= found.strength <= found.high
    assert optimum(score[:, ::-1], STRENGTHS).strength == found.strength
    higher = optimum(-score, STRENGTHS, "higher")
    assert higher == found
    gain, loss = gain_at_optimum(score, STRENGTHS), gain_at_optimum(-score, STRENGTHS, "higher")
    assert gain.mean == pytest.approx(-loss.mean) and gain.low == pytest.approx(-loss.high)


def test_an_interval_that_reaches_an_edge_is_open_there():
    found = optimum(valley(1, noise=4), STRENGTHS)
    assert found.low == 0.0 and found.low_censored == -1
    assert found.high < 4 and found.high_censored == 0
    bigger = optimum(np.stack([valley(1, 4), valley(5), valley(1, 4)]), STRENGTHS)
    assert bigger.strength.shape == (3,) and bigger.strength[1] == 2.0
    assert bigger.low[0] == found.low


def test_the_grid_ends_where_the_values_do():
    score = valley(3, noise=0.1)
    score[[0, 4, 5, 6]] = np.nan  # diverged, or undefined
    found = optimum(score, STRENGTHS)
    assert found.strength == 0.5 and found.censored == 1
    assert optimum(np.full((7, 5), np.nan), STRENGTHS).left_out == 5
    nothing = optimum(np.full((7, 5), np.nan), STRENGTHS)
    assert np.isnan(nothing.strength) and nothing.censored == nothing.seeds == 0


def test_a_seed_or_a_cell_without_a_value_spoils_nothing_else():
    score = valley(3, noise=0.2)
    score[:, 1] = np.inf
    score[5, 3] = np.nan
    found = optimum(score, STRENGTHS)
    assert found.strength == 0.5 and (found.seeds, found.left_out) == (4, 1)
    assert np.isfinite(found.low) and gain_at_optimum(score, STRENGTHS).seeds == 4


def test_one_seed_has_an_optimum_and_no_interval():
    found = optimum(valley(3, seeds=1), STRENGTHS)
    assert found.strength == 0.5 and np.isnan(found.low) and np.isnan(found.high)
    assert found.low_censored == found.high_censored == 0
    assert gain_at_optimum(valley(3, seeds=1), STRENGTHS).seeds == 0


@pytest.mark.parametrize(("seeds", "least"), [(3, 0.87), (5, 0.91)])
def test_the_interval_holds_the_best_strength_as_often_as_documented(seeds, least):
    """On its hardest curve, flat on one side; 300 studies have a standard error of 0.014."""
    studies = np.stack([valley(3, 3, seeds, 0.1, draw) for draw in range(300)])
    found = optimum(studies, STRENGTHS, resamples=400)
    assert np.mean((found.low <= 0.5) & (found.high >= 0.5)) > least


def test_the_gain_has_no_winners_curse():
    """On noise alone the best of seven looks better than the weakest; the gain knows it is not."""
    noise = np.random.default_rng(0).normal(size=(400, 7, 5))
    gain = gain_at_optimum(noise, STRENGTHS)
    best = noise.mean(-1).min(-1) - noise[:, 0].mean(-1)
    assert best.mean() < -0.5 and abs(gain.mean.mean()) < 0.06
    assert np.mean((gain.low <= 0) & (gain.high >= 0)) > 0.92


def test_the_gain_is_students_of_each_seed_at_the_others_choice():
    score = valley(4, noise=2)
    each = []
    for seed in range(5):
        chosen = np.delete(score, seed, 1).mean(1).argmin()
        each.append(score[chosen, seed] - score[0, seed])
    assert gain_at_optimum(score, STRENGTHS) == pytest.approx(t_interval(np.array(each)))
    assert gain_at_optimum(valley(0), STRENGTHS)[:3] == (0, 0, 0)


def test_outside_its_domain_the_argument_is_named():
    for change, name in (
        ({"score": np.ones((6, 5))}, "score"),
        ({"better": "more"}, "better"),
        ({"level": 1.0}, "level"),
    ):
        with pytest.raises(ValueError, match=name):
            optimum(**({"score": valley(3), "strengths": STRENGTHS} | change))


def test_no_seed_has_a_say_in_the_strength_that_it_is_judged_by():
    score = np.array([[3.0, 1.0, 1.0], [1.9, 1.9, 1.9], [1.0, 3.0, np.nan]])  # [strength, seed]
    choice = choice_of_others(score)
    np.testing.assert_array_equal(choice, [0, 2, 1])  # means of the others: 1 1.9 3; 2 1.9 1; …
    np.testing.assert_array_equal(at_choice(score, choice), [3.0, 3.0, 1.9])
    np.testing.assert_array_equal(chosen_by_others(score), [3.0, 3.0, 1.9])
    np.testing.assert_array_equal(choice_of_others(-score, "higher"), choice)


def test_one_seed_has_no_others():
    assert choice_of_others(np.ones((4, 1))) == [-1]
    assert np.isnan(chosen_by_others(np.ones((4, 1)))).all()


def test_a_choice_where_the_seed_has_no_value_gives_none():
    score = np.array([[1.0, 1.0, np.nan], [2.0, 2.0, 2.0]])
    assert np.isnan(chosen_by_others(score)[2])
