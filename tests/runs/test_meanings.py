"""What a variable means travels with it, and old results get what the code knows."""

import numpy as np
import pytest
import xarray as xr

from biasvae_jax.meaning import COLOURS, GROUPS, Meaning, stored_meaning
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.runs import meanings
from biasvae_jax.runs.loading import load_run
from biasvae_jax.runs.meanings import with_todays_meanings
from biasvae_jax.runs.results import MEANINGS, loss_meanings
from biasvae_jax.scores import families
from biasvae_jax.scores.base import SCORES

ALL = {**MEANINGS, **{n: m for score in SCORES.values() for n, m in score.variables.items()}}


def test_every_score_has_a_plain_name_of_its_own():
    assert set(families.VARIABLES["mcc"]) <= set(ALL)
    titles = [meaning.title for meaning in ALL.values()]
    assert all(titles) and len(set(titles)) == len(titles)


def test_a_symbol_that_begins_a_plain_name_stays_the_symbol():
    titles = [meaning.title for meaning in loss_meanings(BetaElbo()).values()]
    assert "β-ELBO loss" in titles and "Single-sample KL" in titles


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_meaning_is_read_as_it_was_stored(name):
    found, known = stored_meaning(name, ALL[name].attributes()), ALL[name]
    for field in ("long_name", "units", "better", "group", "title"):
        assert getattr(found, field) == getattr(known, field)
    np.testing.assert_equal(found.worst, known.worst)
    assert found.group in GROUPS and found.better in COLOURS


def test_results_without_plain_names_get_todays_and_a_strangers_score_stays_without_direction():
    variables = ("recovery_r2", "mig", "linear_kl", "random_pmi", "a_strangers_own")
    stored = xr.Dataset({name: ("seed", [1.0]) for name in variables})
    stored["mig"].attrs["long_name"] = "as it was stored"
    found = with_todays_meanings(stored, BetaElbo())
    assert found["recovery_r2"].attrs == ALL["recovery_r2"].attributes()
    assert found["mig"].attrs["better"] == "higher"
    assert found["mig"].attrs["long_name"] == "as it was stored"
    assert found["linear_kl"].attrs["title"] == "at the linear optimum: Single-sample KL"
    assert found["random_pmi"].attrs["better"] == "lower"
    assert stored["recovery_r2"].attrs == {}
    stranger = stored_meaning("a_strangers_own", found["a_strangers_own"].attrs)
    assert (stranger.title, stranger.better) == ("a_strangers_own", "")
    assert stranger.direction == "neither higher nor lower is better"


def test_a_runs_own_results_need_no_score_that_is_asked_for_later(tiny_run, monkeypatch):
    monkeypatch.setattr(meanings, "_asked_for", lambda: pytest.fail("scikit-learn is imported"))
    assert "threshold" in load_run(tiny_run).scores


def test_what_is_no_direction_or_number_is_read_as_none():
    found = stored_meaning("x", {"better": "up", "worst": "none", "title": 3})
    assert found.better == "" and np.isnan(found.worst) and found.title == "3"


@pytest.mark.parametrize(
    ("better", "worst", "expected"),
    [
        ("higher", 0.0, (0.0, 0.9)),
        ("higher", np.nan, (-2e6, 0.9)),
        ("lower", 0.5, (-2e6, 0.5)),
        ("", np.nan, (-2e6, 0.9)),
    ],
)
def test_colours_end_where_a_score_says_no_more(better, worst, expected):
    meaning = Meaning("a", "1", better, worst=worst)
    assert meaning.limits(np.array([-2e6, np.nan, 0.3, 0.9])) == expected
    assert meaning.limits(np.array([np.nan])) is None


def test_colours_of_a_score_that_is_worse_than_nothing_everywhere_have_a_scale():
    assert Meaning("a", "1", "higher", worst=0.0).limits(np.array([-3.0, -1.0])) == (0.0, 0.0)
