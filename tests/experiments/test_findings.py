"""The findings' numbers and words, on runs whose answers are known because they are made up."""

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from biasvae_jax.cli import common
from biasvae_jax.cli.sweep import read_flags
from biasvae_jax.statistics.intervals import Interval, t_interval
from biasvae_jax.theory import cell_eigenvalues, predict, world_moments
from biasvae_jax.worlds import Squares
from experiments.findings import (
    best_beta,
    boundary,
    claims,
    command,
    controls,
    curves,
    evidence,
    fates,
    kink,
    linear,
    networks,
    optima,
    stopping,
)
from experiments.findings.code import code_page
from experiments.findings.runs import RUNS, contrast
from experiments.pages import command as command_of_pages
from experiments.pages import documents, words
from experiments.pages import run as runs_of_pages
from experiments.pages.run import Run, wanted

SEEDS = 3
ANSWERS = ("code", "decoder", "prior", "collapse", "diagonal")  # in the order of the answer page
DOCUMENTS = {path.name for path in (Path(__file__).parents[2] / "docs").glob("*.md")}
QUICK = {name: read_flags(RUNS[name].words(True))[1] for name in wanted(RUNS, True)}


def jitter(shape, seed=0):
    return 1 + 1e-3 * np.random.default_rng(seed).normal(size=shape)


def synthetic(name, **changes):
    """A run that scores what the linear optimum scores; `changes` replace scores and courses."""
    study = dataclasses.replace(QUICK[name], seeds=SEEDS)
    world, beta = study.world, np.asarray(study.strengths)
    threshold = cell_eigenvalues(world, np.asarray(study.biases)).max(-1) / 0.25
    positive = np.maximum(beta, 1e-3)
    theory = predict(world, study.biases, positive.tolist(), 0.25, 9)._asdict()
    shape = (len(study.biases), len(beta), SEEDS)
    snapshots = np.asarray(study.training.snapshot_steps or (400,))
    values = {k: v[..., None] * jitter(shape) for k, v in theory.items() if k != "active_units"}
    values |= {"active_units": theory["active_units"][..., None], "finite": 1}
    values |= {"prior_mass": positive[:, None] ** -0.5, "posterior_mass": 1.0, "reach": 0.01}
    values |= {"price": 9.0, "encoder_error": 1.0, "test_loss": 3.0, "train_loss": 1.0}
    values["recovery_r2_mean"] = values["recovery_r2"]
    courses = {
        course: np.broadcast_to(np.asarray(values[of], float)[..., None], (*shape, len(snapshots)))
        for course, of in (
            ("generation_mse_exact", "generation_mse"),
            ("recovery_r2", "recovery_r2"),
            ("active_units", "active_units"),
            ("test_loss", "loss"),
        )
    } | {"dead_units": np.zeros((*shape, len(snapshots)))}
    for what, change in changes.items():
        (courses if what.startswith("course_") else values)[what.removeprefix("course_")] = change
    axes = {"mu": list(study.biases), "beta": list(beta), "seed": range(SEEDS)}
    grid = ("mu", "beta", "seed")
    scores = {k: (grid, np.broadcast_to(v, shape).astype(float)) for k, v in values.items()}
    scores |= {f"linear_{k}": (grid[:2], v) for k, v in theory.items()}
    scores["linear_prior_mass"] = (grid[:2], np.ones(shape[:2]))
    curve = np.linspace(10, 1, 200) * jitter((*shape, 200), 1)
    history = {"loss": ((*grid, "step"), curve)}
    for course, each in courses.items():
        wide = np.broadcast_to(each, (*shape, len(snapshots))).astype(float)
        history[course] = ((*grid, "snapshot"), wide)
    along = {"step": np.arange(200.0), "snapshot": snapshots}
    return Run(
        name, study, xr.Dataset(scores, axes), xr.Dataset(history, axes | along), threshold, 1.5
    )


@pytest.fixture(scope="module")
def runs():
    return {name: synthetic(name) for name in QUICK}


# Runs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RUNS)
def test_the_flags_of_every_run_are_a_study(name):
    whole = read_flags(RUNS[name].words(False))[1]
    assert whole.seeds == (3 if name in ("blog", "annealed", "analytic") else 5)
    if name in QUICK:
        assert QUICK[name].training.steps == 400 and QUICK[name].grid.size <= 24
        assert QUICK[name].objective.kl == whole.objective.kl


@pytest.mark.parametrize(("bias", "like"), [(0, 3), (2, 3), (1, 1)])
def test_a_contrast_gives_one_bias_the_eigenvalue_of_another(bias, like):
    world = Squares(contrast=(contrast(bias, like),) * 9)
    expected = cell_eigenvalues(Squares(), like).max()
    assert cell_eigenvalues(world, bias).max() == pytest.approx(expected, rel=1e-6)


def test_a_run_that_is_not_finished_is_named(monkeypatch):
    monkeypatch.setattr(runs_of_pages, "load_run", lambda path: SimpleNamespace(finished=False))
    with pytest.raises(common.UsageError, match="runs/fine-0 is not finished"):
        runs_of_pages.read(Path("runs/fine-0"))


def test_a_quick_look_never_overwrites_the_page(monkeypatch, tmp_path):
    written = []
    monkeypatch.chdir(tmp_path)
    for name in ("call", "start_jax", "read"):
        monkeypatch.setattr(command_of_pages, name, lambda *_: SimpleNamespace(minutes=1))
    monkeypatch.setattr(command, "write", lambda runs, commands, *rest: written.append(rest))
    command.main(["--quick", "--quiet"])
    command.main(["--quiet"])
    assert written == [
        (Path("runs/findings-quick/findings.md"), True), (Path("docs/findings.md"), False)
    ]  # fmt: skip


# Numbers -----------------------------------------------------------------------------------------


def test_a_diverged_model_counts_nowhere():
    run = synthetic("blog", finite=(np.arange(SEEDS) > 0).astype(float))
    assert np.isnan(run.values("kl")[..., 0]).all() and np.isfinite(run.values("kl")[..., 1:]).all()


def test_a_beta_helps_only_if_it_is_better_in_other_seeds():
    beta = np.array([0.0, 1.0, 2.0])
    falls = np.array([0.3, 0.1, 0.2])[None, :, None] * jitter((1, 3, 5))
    found = optima.best(falls, beta, "lower")
    assert found.helps.all() and found.optimum.strength[0] == 1
    assert not optima.best(falls, beta, "higher").helps.any()
    # noise alone: whatever a seed prefers, the others do not
    chance = np.random.default_rng(0).normal(size=(40, 3, 5))
    assert optima.best(chance, beta, "lower").helps.mean() < 0.15


def test_what_is_found_by_many_tests_stands_only_if_it_is_sure_enough():
    found, p = [np.array([True, True]), np.array([True, False])], [[0.001, 0.02], [0.03, 0.9]]
    assert optima.surely(found, [np.array(each) for each in p]) == 1  # 0.02 is 0.06 of three more


def test_what_others_choose_is_not_what_a_seed_prefers():
    values = np.array([[[0.2, 1.0, 1.2], [0.5, 0.5, 0.5]]])
    np.testing.assert_array_equal(optima.chosen_by_others(values), [[0.5, 0.5, 0.5]])
    assert np.isnan(optima.chosen_by_others(values[..., :1])).all()


def early(best_step, error):
    """A run whose loss on unseen images is lowest at one snapshot, where its error is `error`."""
    run = synthetic("n-300")
    steps = len(run.snapshots)
    loss = np.abs(np.arange(steps) - best_step) + 1.0
    generation = np.full(steps, 0.5)
    generation[best_step] = error
    return synthetic("n-300", course_test_loss=loss, course_generation_mse_exact=generation)


def test_a_model_is_stopped_where_its_unseen_loss_is_lowest():
    run = early(2, 0.1)
    found = evidence.stopped(run)
    assert (found.step == run.snapshots[2]).all() and (found.generation == 0.1).all()


def test_fewer_steps_are_compared_with_the_best_beta_at_the_end():
    better, worse = (optima.short_against_strong(early(2, error)) for error in (0.1, 0.9))
    np.testing.assert_allclose(better.short.mean, 0.1)
    np.testing.assert_allclose(better.apart.mean, 0.1 - 0.5)
    np.testing.assert_allclose(better.weak.mean, 0.5)
    # the loss on unseen images may mislead; steps chosen by the error itself are not misled
    np.testing.assert_allclose(worse.early.mean, 0.9)
    np.testing.assert_allclose(worse.apart.mean, 0)


def test_a_weaker_beta_is_no_stronger_one():
    run = synthetic("n-300")
    errors = np.where(run.beta < evidence.WEAK, 0.1, 0.6)[:, None]
    errors[run.column(evidence.WEAK)] = 0.7
    weaker = np.broadcast_to(errors[..., None], (len(run.beta), SEEDS, len(run.snapshots)))
    found = optima.short_against_strong(synthetic("n-300", course_generation_mse_exact=weaker))
    np.testing.assert_allclose(found.strong.mean, 0.6)
    np.testing.assert_allclose(found.both.mean, -0.1)


def test_the_verdict_on_a_shorter_training_follows_its_signs():
    assert "does not replace" in stopping.rival_verdict([1, 1, 0])
    assert "does more" in stopping.rival_verdict([-1, -1, 1])
    assert "as much without" in stopping.rival_verdict([-1, 0, 0])
    assert "in part" in stopping.rival_verdict([1, 0, 0])


def test_the_reference_says_which_beta_is_best_and_at_0_it_is_its_limit():
    run = synthetic("n-endless")
    assert (run.beta[optima.questions(run)["code"].best_reference] == run.beta.min()).all()
    beta = np.arange(4.0)
    rises = optima.Question("", np.ones((1, 4, 2)), -((beta - 2.0) ** 2)[None], "higher", beta[:1])
    assert rises.best_reference == [2]
    falls = rises._replace(reference=np.array([[np.nan, 1.0, 2.0, 3.0]]), better="lower")
    assert falls.best_reference == [0]


def test_mass_is_right_at_one_on_a_logarithmic_scale():
    run = synthetic("n-endless", prior_mass=np.array([0.5, 1.0, 2.0, 0.0])[:, None])
    found = evidence.log_mass(run)[0, :, 0]
    np.testing.assert_allclose(found, [np.log(2), 0, np.log(2), np.log(1000)])


def test_models_below_the_threshold_are_counted():
    active = (np.arange(SEEDS) > 0).astype(float)
    run = synthetic("blog", active_units=active)
    below = int(run.below().sum())
    assert fates.alive(run) == (2 * below, 3 * below)
    assert fates.alive_in(run, ((0, 4), (0, 3))) == (2, 3)  # β = 3 is not on the grid


def test_units_that_die_after_the_latents_are_seen_to():
    name = "collapse-sampled-relu-1e-3"
    steps = len(synthetic(name).snapshots)
    active, dead = np.ones(steps), np.zeros(steps)
    active[2:], dead[5:] = 0, 1
    run = synthetic(name, course_active_units=active, course_dead_units=dead)
    gone, died = fates.collapse_order(run)
    assert (gone == run.snapshots[2]).all() and (died == run.snapshots[5]).all()
    # a latent that wakes again was not gone, units that revive were not dead
    active[3], dead[-1] = 1, 0
    run = synthetic(name, course_active_units=active, course_dead_units=dead)
    gone, died = fates.collapse_order(run)
    assert (gone == run.snapshots[4]).all() and np.isinf(died).all()


def test_dead_units_are_counted_at_the_collapse_and_beside_models_that_stay():
    name = "collapse-sampled-relu-1e-3"
    shape = (*synthetic(name).values("kl").shape, len(synthetic(name).snapshots))
    active, dead = np.ones(shape), np.full(shape, 0.1)  # β = 4 at μ = 3 is beyond the threshold
    active[0, 0, :, 3:], dead[0, 0, :, 3:] = 0, 0.6  # μ = 0 and β = 0.5, below the threshold
    run = synthetic(name, course_active_units=active, course_dead_units=dead)
    then, others, seeds = fates.dead_at_collapse(run).T
    assert (then == 0.6).all() and (others == 0.1).all() and sorted(seeds) == [0, 1, 2]
    # where nothing stays active there is nothing to compare with
    active[0, :, :, 3:] = 0
    run = synthetic(name, course_active_units=active, course_dead_units=dead)
    assert not len(fates.dead_at_collapse(run))


def test_runs_are_compared_by_the_models_that_stay_alive_seed_by_seed():
    one, other = synthetic("blog", active_units=1.0), synthetic("blog", active_units=0.0)
    below = int(one.below().sum())
    assert fates.more_alive(one, other).mean == below
    assert fates.more_alive(one, one).mean == 0
    fewer = one._replace(
        study=dataclasses.replace(one.study, seeds=2), scores=one.scores.isel(seed=[0, 1])
    )  # a seed that one alone has is left out
    assert fates.more_alive(fewer, other) == fates.more_alive(one, fewer)._replace(
        **{end: below for end in ("mean", "low", "high")}
    )


def test_a_kl_that_vanishes_smoothly_is_no_jump_and_one_that_does_not_is():
    kl = np.array([1.0, 0.6, 0.3, 0.2, 0.1, 0.05, 0.01, 0, 0, 0, 0, 0])[:, None]
    run = synthetic("fine-0", kl=kl, active_units=9.0 * (kl > 0))
    assert "no jump of note" in kink.kink_words(run)
    assert "a jump of up to so much" in kink.kink_words(
        synthetic("fine-0", kl=5.0 * (kl > 0), active_units=9.0 * (kl > 0))
    )
    assert "No latent is active" in kink.kink_words(synthetic("fine-0", kl=0.0, active_units=0.0))


def test_a_kl_that_is_surely_nothing_is_told_without_its_digits():
    assert kink._small(Interval(2e-6, 1e-6, 3e-6, 5, 0)).text == "< 0.001"
    assert kink._small(Interval(3e-4, -3e-4, 9e-3, 5, 0)).text != "< 0.001"


def test_the_slope_of_the_boundary_is_judged_by_the_seeds(runs):
    base = runs["analytic-annealed"]
    falling = (base.beta[:, None] < base.threshold[:, None, None]) * 9.0
    found = boundary.slope(synthetic("analytic-annealed", active_units=falling))
    assert np.isnan(found.interval.low) or found.interval.mean <= 0


def test_controls_are_equivalent_to_themselves_alone():
    base, same = synthetic("analytic-annealed"), synthetic("lambda-2")
    found = controls.verdicts(base, 2, same, "active_units")
    assert found == ["equivalent"] * 3  # λ is the same, and so is the linear optimum
    shifted = controls.verdicts(base, 2, same, "generation_mse")
    assert "different" in shifted  # the mean image is not


def test_noise_and_length_are_ratios_of_the_largest_beta_to_the_smallest():
    run = synthetic("blog")
    shape = run.history["loss"].shape
    time = np.arange(shape[-1])
    rng = np.random.default_rng(0)
    loss = 10 * np.exp(-time / 10.0) + 0.01 * rng.normal(size=shape)
    loss[:, -1] = 10 * np.exp(-time / 20.0) + 0.03 * rng.normal(size=shape[2:])
    run.history["loss"].values[:] = loss
    assert curves.noise_ratio(run).mean == pytest.approx(3, rel=0.1)
    assert curves.time_ratio(run).mean == pytest.approx(2, rel=0.15)


def test_the_linear_optimum_of_a_training_set_is_worse_than_that_of_endless_data(runs):
    moments = world_moments(Squares(), 0.0)
    assert linear.linear_excess(runs["n-300"], 0.0, 0, moments) > 0


# Words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "word"), [([1, 1.1, 0.9], "up"), ([-1, -1.1, -0.9], "down"), ([1, -1, 0], "no")]
)
def test_words_follow_the_sign_of_an_interval(values, word):
    assert words.by_sign(t_interval(np.array(values)), "up", "down", "no") == word


def test_one_seed_has_no_sign():
    assert words.sign(t_interval(np.array([3.0]))) == 0


def test_values_say_what_they_know():
    value = words.value
    assert value(Interval(0.43, 0.40, 0.46, 5, 0)) == "0.43 [0.40, 0.46]"
    assert value(Interval(22.0, 22.0, 22.0, 5, 0)) == "22"
    assert value(t_interval(np.array([np.nan, np.nan]))) == "–"
    assert "one seed" in value(t_interval(np.array([1.0])))


def test_columns_of_numbers_go_to_the_right():
    rule = words.table(["a", "b"], [["x", "1 [0, 2]"], ["y", "–"]]).splitlines()[1]
    assert rule == "| --- | ---: |"


@pytest.mark.parametrize(("name", "told"), [("n-endless", ""), ("blog", "(the grid's weakest)")])
def test_an_optimum_that_may_lie_beyond_the_grid_is_said_to(runs, name, told):
    found = optima.best(runs[name].values("recovery_r2"), runs[name].beta, "higher")
    text = best_beta.optimum_cell(found, 0).text
    assert text.endswith(told or "]") and ("grid" in text) == bool(told)  # nothing is below 0


# Page --------------------------------------------------------------------------------------------


def links(text):
    return set(re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text))


def test_the_answer_page_has_the_answer_of_every_page_and_leads_to_it(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "DPI", 40)
    target = tmp_path / "docs" / "findings.md"
    command.write(runs, {name: f"--name {name}" for name in runs}, target, True)
    front, folder = target.read_text(), target.with_suffix("")
    pages = {path.name: path.read_text() for path in folder.glob("*.md")}
    assert set(pages) == {f"{each}.md" for each in (*ANSWERS, "methods")}
    assert [front.index(f"findings/{each}.md") for each in ANSWERS] == sorted(
        front.index(f"findings/{each}.md") for each in ANSWERS
    )
    for name, text in pages.items():
        title, warning, answer, *_ = re.split(r"\n{2,}", text)
        assert title.startswith("# ") and "numbers mean nothing" in warning
        assert answer in front or name == "methods.md"
        assert "## What would look the same" in text or name == "methods.md"
    assert "**Endless data: no. Finite data: no.** A β" in front and "nan" not in front + "".join(
        pages.values()
    )
    assert all(f"--name {name}" in pages["methods.md"] for name in runs)
    # whatever is written is linked, and whatever is linked of one's own is written
    shown = {target.parent / link for link in links(front)}
    shown |= {(folder / link).resolve() for text in pages.values() for link in links(text)}
    written = {path for path in target.parent.rglob("*.*") if path != target}
    assert written <= shown
    others = {target.name, "rivers.md", "faces.md"}  # which `experiments.rare` writes
    assert {path.name for path in shown - written} <= DOCUMENTS | others


def test_other_networks_are_counted_by_what_theirs_do(runs):
    beta = runs["net-tanh"].beta
    inside = 1 - 0.1 * np.abs(np.arange(len(beta)) - 1)[:, None] * jitter((len(beta), SEEDS))
    other = {**runs, "net-tanh": synthetic("net-tanh", recovery_r2=inside)}
    counted = [networks.code_by_network(some)[0] for some in (runs, other)]
    assert "raises R² in 0 of 4 pairs of a network and μ" in counted[0]
    assert "raises R² in 2 of 4 pairs of a network and μ" in counted[1]


def test_networks_in_which_fewer_steps_do_less_are_named(runs):
    run = runs["net-linear"]
    steps, column = len(run.snapshots), run.column(0.1)
    course = np.where(np.arange(len(run.beta))[:, None] == column, 0.5, 0.1)
    course = course[:, None, :] * jitter((len(run.beta), SEEDS, steps))
    other = {**runs, "net-linear": synthetic("net-linear", course_generation_mse_exact=course)}
    words = networks.decoder_by_network(other)[0]
    assert "worse in 2 (no hidden layer at μ = 0 and no hidden layer at μ = 2):" in words


def test_an_answer_changes_with_its_runs(runs):
    beta = runs["n-endless"].beta
    inside = 1 - 0.1 * np.abs(np.arange(len(beta)) - 1)[:, None] * jitter((len(beta), SEEDS))
    other = {**runs, "n-endless": synthetic("n-endless", recovery_r2=inside)}
    assert code_page(other).answer.startswith("**Endless data: yes. Finite data: no.** A β")


def test_a_claim_stands_or_falls_with_what_is_measured(runs):
    verdict = lambda changed: claims._jump({**runs, **changed})[2]  # noqa: E731
    falls = np.array([5.0, 4, 3, 2, 1, 0.1, 0, 0, 0, 0, 0, 0])[:, None]
    smooth = synthetic("fine-0", kl=falls, active_units=9.0 * (falls > 0))
    jump = synthetic("fine-0", kl=5.0 * (falls > 0), active_units=9.0 * (falls > 0))
    assert verdict({"fine-0": smooth}) == claims.FAILS
    assert verdict({"fine-0": jump}) == claims.HOLDS
