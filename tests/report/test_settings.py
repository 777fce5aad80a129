"""Settings that differ."""

import json

from biasvae_jax.report.settings import differing


def test_only_what_differs_is_told_by_its_place_in_the_study():
    ours = {"training": {"steps": 10, "rate": 1e-3, "on": True}, "axes": {"mu": [0.0, 1.5]}}
    theirs = {"training": {"steps": 20, "rate": 1e-3, "on": False}, "axes": {"mu": [0.0]}}
    theirs["kinds"] = [{"a": 1}]
    found = {name: values for name, values in differing([json.dumps(ours), json.dumps(theirs)])}
    assert found == {
        "training.steps": ["10", "20"],
        "training.on": ["yes", "no"],
        "axes.mu": ["0, 1.5", "0"],
        "kinds": ["–", '[{"a": 1}]'],
    }


def test_equal_studies_differ_in_nothing():
    assert differing(["{}"] * 3) == []
    assert differing([json.dumps({"a": None, "b": [], "c": 1.0})] * 2) == []
