"""Robustness: objectives under biases, on runs whose answers are known because they are made up."""

import csv
import dataclasses
from functools import cache

import numpy as np
import pytest
import xarray as xr

from biasvae_jax.cli.sweep import read_flags
from experiments.pages.documents import publish
from experiments.pages.run import Run
from experiments.robustness import effects as told
from experiments.robustness.page import page
from experiments.robustness.runs import BIASES, OBJECTIVES, RUNS, SIZES, name
from experiments.robustness.shares import shares
from experiments.robustness.sizes import amounts
from experiments.robustness.words import answer, in_short

SEEDS = 5
NOISE = 0.001 * np.arange(-2.0, 3.0)  # of the seeds, so that intervals have a width
RARELY_DARK = ("shift", "mixture")


@cache
def study(run):
    return dataclasses.replace(read_flags(RUNS[run].words(False))[1], seeds=SEEDS)


def made_up(run, r2=0.5, mean=0.9, error=0.02, mass=2.0, gap=5.0, early=None):
    """A run with its scores at each strength, a number or `[strength]`."""
    asked = study(run)
    grid = asked.grid
    full = lambda a: np.broadcast_to(np.asarray(a, float)[..., None], grid.shape)  # noqa: E731
    scores = {
        "recovery_r2": full(r2) + NOISE,
        "recovery_r2_mean": full(mean) + NOISE,
        "kl": full(10.0) + NOISE,
        "reconstruction": full(60.0) + NOISE,
        "generation_mse": full(error) * np.exp(NOISE),
        "prior_mass": full(mass) * np.exp(NOISE),
        "generalisation_gap": full(gap) + NOISE,
        "finite": np.ones(grid.shape),
    }
    steps = np.asarray(asked.training.snapshot_steps or (1,))
    if early is None:
        early = np.ones(len(steps))
    course = full(0.02)[..., None] * np.exp(NOISE)[:, None] * np.asarray(early)
    times = (*grid.dims, "snapshot")
    return Run(
        run,
        asked,
        xr.Dataset({k: (grid.dims, v) for k, v in scores.items()}),
        xr.Dataset(
            {
                "generation_mse_exact": (times, course),
                "recovery_r2": (times, np.broadcast_to(0.5, course.shape)),
            },
            coords={"snapshot": steps},
        ),
        np.full(len(asked.biases), np.nan),
        1.0,
    )


def all_alike(**changed):
    """Runs that are all alike, but for those that are given by name."""
    return {run: made_up(run, **changed.get(run, {})) for run in RUNS}


def find(found, question, objective, bias, images=1_000):
    return next(
        e
        for e in found
        if (e.question.name, e.objective, e.bias, e.images) == (question, objective, bias, images)
    )


@pytest.mark.parametrize("run", RUNS)
def test_every_run_is_a_study(run):
    assert study(run).grid.size in (25, 50) and study(run).training.steps == 5_000


def test_where_nothing_differs_everything_is_the_same():
    found = told.effects(all_alike())
    assert {e.verdict for e in found} == {told.SAME}
    assert all(e.gain.mean == 0 for e in found)


@pytest.mark.parametrize(
    ("question", "changed"),
    [
        ("code", {"r2": [0.5, 0.5, 0.7, 0.5, 0.5]}),
        ("mean", {"mean": [0.9, 0.9, 0.95, 0.9, 0.9]}),
        ("decoder", {"error": [0.02, 0.02, 0.01, 0.02, 0.02]}),
        ("prior", {"mass": [2, 2, 1.1, 2, 2]}),
    ],
)
def test_a_better_objective_is_found_at_its_best_strength(question, changed):
    found = told.effects(all_alike(**{name("dip_ii", "shift", 1_000): changed}))
    one = find(found, question, "dip_ii", "shift")
    assert one.verdict == one.beta_verdict == told.BETTER and one.seeds_better == SEEDS
    assert one.strength == OBJECTIVES["dip_ii"][1][2] and not one.edge
    others = [e for e in found if e is not one and e.question.name == question]
    assert {e.verdict for e in others if e.bias != told.FAIR} == {told.SAME}


def test_the_other_way_round_it_is_worse():
    worse = {name("hfs", "scale", 1_000): {"r2": 0.3, "error": 0.05}}
    found = told.effects(all_alike(**worse))
    for question in ("code", "decoder"):
        one = find(found, question, "hfs", "scale")
        assert one.verdict == told.WORSE and one.seeds_better == 0


def test_the_best_beta_is_a_rival_of_every_objective():
    """An objective that only does what a β does is better than the plain VAE, not than β."""
    bright = {"r2": [0.5, 0.7, 0.5, 0.5, 0.5]}
    runs = {name(o, "missing", 1_000): bright for o in ("beta_elbo", "dip_ii")}
    one = find(told.effects(all_alike(**runs)), "code", "dip_ii", "missing")
    assert one.verdict == told.BETTER and one.beta_verdict == told.SAME


def test_a_gain_that_fair_data_have_too_is_no_help_against_the_bias():
    everywhere = {name("dip_ii", "shift", 1_000): {"r2": 0.7}}  # holds the fair data too
    one = find(told.effects(all_alike(**everywhere)), "code", "dip_ii", "shift")
    assert one.verdict == told.BETTER and abs(float(one.beyond_fair.mean)) < 1e-9


def test_luck_of_single_seeds_is_no_gain():
    """Each seed is lucky at another strength, which the others do not choose."""
    run = made_up(name("dip_ii", "scale", 1_000))
    lucky = 0.5 + 0.2 * np.eye(SEEDS)
    run.scores["recovery_r2"] = (run.study.grid.dims, lucky[None])
    found = told.effects({**all_alike(), run.name: run})
    assert float(find(found, "code", "dip_ii", "scale").gain.mean) <= 0.01


def test_the_prior_is_asked_only_where_the_bias_makes_the_event_rare():
    found = told.effects(all_alike())
    assert {e.bias for e in found if e.question.name == "prior"} == set(RARELY_DARK)


def test_fewer_steps_are_a_rival_chosen_on_the_other_seeds():
    plain = name("beta_elbo", "mixture", 1_000)
    steps = len(study(plain).training.snapshot_steps)
    early = np.where(np.arange(steps) == 4, 0.5, 1.0)
    found = told.effects(all_alike(**{plain: {"early": early}}))
    one = find(found, "decoder", told.STEPS, "mixture")
    assert one.verdict == told.BETTER
    assert one.strength == study(plain).training.snapshot_steps[4]
    np.testing.assert_allclose(np.exp(-one.gain.mean), 0.5)


def test_a_diverged_model_spoils_no_other():
    run = made_up(name("dip_ii", "scale", 1_000))
    run.scores["finite"][0, 2, 1] = 0
    found = told.effects({**all_alike(), run.name: run})
    assert find(found, "code", "dip_ii", "scale").verdict == told.SAME
    assert all(np.isfinite(e.gain.mean) for e in found)


def test_one_seed_has_no_verdict():
    run = {n: r for n, r in all_alike().items()}
    one = {
        n: r._replace(study=dataclasses.replace(r.study, seeds=1), scores=r.scores.isel(seed=[0]),
                      history=r.history.isel(seed=[0]))
        for n, r in run.items()
    }  # fmt: skip
    assert {e.verdict for e in told.effects(one)} == {""}


def test_the_page_has_every_objective_and_its_tables_as_csv(tmp_path):
    runs = all_alike(**{name("dip_ii", "shift", 1_000): {"r2": [0.5, 0.5, 0.7, 0.5, 0.5]}})
    written = page(runs, {run: f"--out runs/{run}" for run in runs})
    publish(tmp_path / "robustness.md", written)
    text = (tmp_path / "robustness.md").read_text()
    assert all(f"`{each}`" in text for each in (*OBJECTIVES, *BIASES))
    assert "**+0.200** (5)" in text and "nan" not in text
    assert (tmp_path / "images" / "robustness.png").stat().st_size > 10_000
    for size in SIZES:
        file = tmp_path / "robustness" / f"robustness_code_{size or 'endless'}.csv"
        with file.open(newline="") as lines:
            rows = {row["objective"]: row for row in csv.DictReader(lines)}
        assert set(OBJECTIVES) <= set(rows)
    assert float(rows["hfs"]["shift_gain"]) == 0


def test_amounts_of_data_are_counted_apart():
    """Of one objective at every bias, better with limited data and worse with endless."""
    turned = {
        name("hfs", bias, images): {"r2": [r2, 0.5, 0.5, 0.5, 0.5] if images else r2}
        for images, r2 in ((1_000, 0.7), (None, 0.3))
        for bias in BIASES
    }
    found = told.effects(all_alike(**turned))
    everywhere = "better than the plain VAE under every kind of bias"
    assert f"With 1,000 training images, {everywhere}: `hfs` (at 0) for the code." in answer(found)
    assert f"With endless data, {everywhere}: none, for any question." in answer(found)
    assert "0 turn from worse to better with endless data and 6 from better to worse" in (
        amounts([e for e in found if e.bias != told.FAIR])
    )
    lines = in_short(found).splitlines()
    assert "`hfs` at 6 of 6 kinds of bias" in lines[1] and "no objective" in lines[2]


@pytest.mark.parametrize(("column", "said"), [(0, True), (4, False)])
def test_the_answer_says_where_less_regularisation_is_what_survives(column, said):
    better = np.where(np.arange(5) == column, 0.7, 0.5)
    everywhere = {name("beta_elbo", bias, 1_000): {"r2": better} for bias in BIASES}
    text = answer(told.effects(all_alike(**everywhere)))
    assert "`beta_elbo` (at" in text and ("less regularisation" in text) == said


def test_a_quick_look_has_part_of_the_runs_and_the_whole_page():
    runs = {n: made_up(n) for n, plan in RUNS.items() if plan.quick is not None}
    text = str(page(runs, dict.fromkeys(runs, "")).parts)
    assert "dip_ii" in text


@pytest.mark.parametrize(("axis", "expected"), [(0, (1, 0, 0)), (1, (0, 1, 0)), (2, (0, 0, 1))])
def test_variance_is_put_down_to_what_makes_it(axis, expected):
    shape = [1, 1, 1]
    shape[axis] = 4
    only = np.broadcast_to(np.arange(4.0).reshape(shape), (4, 4, 4))
    np.testing.assert_allclose(shares(only), expected, atol=1e-12)


def test_shares_are_those_of_a_nested_analysis_of_variance():
    values = np.random.default_rng(0).normal(size=(3, 4, 5)) + np.arange(3)[:, None, None]
    flat, objective = values.reshape(3, -1), values.mean((1, 2))
    total = ((values - values.mean()) ** 2).sum()
    between = 20 * ((objective - values.mean()) ** 2).sum() / total
    found = shares(values)
    assert found[0] == pytest.approx(between) and sum(found) == pytest.approx(1)
    within = sum(((f - f.mean()) ** 2).sum() for f in flat) / total
    assert found[1] + found[2] == pytest.approx(within)


def test_the_gap_of_a_loss_that_is_mostly_penalty_is_not_asked():
    found = told.effects(all_alike())
    assert {e.objective for e in found if e.question.name == "gap"} == set(OBJECTIVES) - {
        "capacity"
    }
