"""The findings' numbers and words, on runs made from the closed form, whose answers are known."""

import functools
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from biasvae_jax.cli import common
from biasvae_jax.cli.sweep import read_flags
from biasvae_jax.config import Config
from biasvae_jax.runs.results import MEANINGS
from biasvae_jax.statistics.boundary import Slope
from biasvae_jax.statistics.intervals import Coverage, Interval, t_interval
from biasvae_jax.statistics.regimes import Regime, regime
from biasvae_jax.theory import collapse_boundary, predict
from biasvae_jax.worlds import Squares
from experiments.findings import (
    command as findings,
)
from experiments.findings import (
    diagonal as findings_diagonal,
)
from experiments.findings import (
    evidence,
    evidence_diagonal,
    evidence_training,
)
from experiments.findings import (
    maps as findings_maps,
)
from experiments.findings import (
    noise as findings_noise,
)
from experiments.findings import (
    page as findings_page,
)
from experiments.findings import (
    training as findings_training,
)
from experiments.findings import (
    words as findings_words,
)
from experiments.findings.evidence import Run

MU = (0.0, 1.0, 2.0, 3.5, 5.0)
BETA = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
LATENTS = 4


@functools.cache
def closed_form(mu, beta, latents):
    # squares of the original study's size, so that β* falls from 9.5 to 1.03; fewer, to be quick
    world = Squares(n=2)
    return predict(world, mu, beta, 0.25, latents), collapse_boundary(world, mu, 0.25)


def synthetic(name="blog", mu=MU, beta=BETA, seeds=3, latents=LATENTS, config=None, **changes):
    """A run that scores what the linear optimum scores; `changes` replace scores."""
    config = Config(mu=mu, beta=beta, seeds=seeds, n=2, latent_dim=latents, **(config or {}))
    theory, threshold = closed_form(mu, beta, latents)
    shape = (len(mu), len(beta), seeds)
    values = {field: v[..., None] for field, v in theory._asdict().items()}
    values |= {"gap": 0.0, "finite": 1, "steps": config.steps, "pmi_mean": 1 - values["pmi"]}
    values |= {"encoder_threshold": threshold[:, None, None]}
    values = {k: np.broadcast_to(v, shape).astype(float) for k, v in (values | changes).items()}
    limits = np.asarray(beta)[:, None], threshold[:, None, None]
    values["regime"] = regime(*limits, values["active_units"], values["finite"], LATENTS)
    variables = {k: (("mu", "beta", "seed"), v) for k, v in values.items()}
    assert set(variables) <= set(MEANINGS) | {"encoder_threshold"}
    axes = {"mu": list(mu), "beta": list(beta), "seed": range(seeds)}
    scores = xr.Dataset(variables, axes)
    bins = xr.DataArray(np.ones(200), dims="step")
    history = scores[["loss", "kl"]] * bins  # flat: converged after the second window
    return Run(name, config, scores, history, threshold, theory, 1.5)


def noise(scale, seeds=3, mu=MU, beta=BETA):
    return scale * np.random.default_rng(0).normal(size=(len(mu), len(beta), seeds))


def all_runs(seeds=2, **changes):
    """Every run of the findings, small."""
    few = {"mu": (0.0, 2.0, 5.0), "beta": (0.5, 1.0, 2.0, 4.0)}
    runs = {name: synthetic(name, seeds=seeds, **changes) for name in ("blog", "annealed")}
    for name in ("long", "long-annealed", "long-gelu"):
        runs[name] = synthetic(name, seeds=1, config={"steps": 100_000}, **few, **changes)
    for latents in (9, 12, 18):
        name = f"spare-{latents}"
        runs[name] = synthetic(name, mu=few["mu"], seeds=seeds, latents=latents, **changes)
    fine = tuple(np.geomspace(0.5, 16, 9).round(3).tolist())
    runs["fine"] = synthetic("fine", mu=few["mu"], beta=fine, seeds=seeds, **changes)
    assert set(runs) == set(findings.RUNS)
    return {name: runs[name] for name in findings.RUNS}


# Numbers -----------------------------------------------------------------------------------------


def test_a_diverged_model_counts_nowhere():
    finite = np.ones((5, 7, 3))
    finite[0, 0, 0] = 0
    run = synthetic(finite=finite)
    assert np.isnan(run.values("kl")).sum() == 1 and np.isnan(run.values("kl")[0, 0, 0])
    assert evidence_training.counts(run)[Regime.DIVERGED].mean == pytest.approx(1 / 3)


def test_the_mean_leaves_out_what_is_not_finite():
    values = np.array([[1.0, np.nan, 3.0], [np.nan, np.inf, np.nan]])
    np.testing.assert_array_equal(evidence.mean(values), [2, np.nan])


def test_the_boundary_agrees_with_theory_only_if_it_follows_it():
    assert evidence_diagonal.edge(synthetic()).agrees.all()
    half = evidence_diagonal.edge(synthetic(active_units=4.0 * (np.array(BETA)[:, None] < 1)))
    assert not half.agrees[0] and half.known.all() and abs(half.slope.interval.mean) < 1e-9


def test_a_boundary_off_the_grid_agrees_with_nothing():
    edge = evidence_diagonal.edge(synthetic(active_units=0))
    assert not edge.known.any() and not edge.agrees.any()


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (np.array(MU)[:, None, None], "horizontal"),
        (np.log(BETA)[:, None], "vertical"),
        (np.array(MU)[:, None, None] + np.log(BETA)[:, None], "diagonal"),
    ],
)
def test_level_sets_have_their_name(score, name):
    run = synthetic(kl=score + noise(0.05))
    assert evidence_diagonal.orientation(evidence_diagonal.level_sets(run, "kl")["seed"]) == name


def test_one_seed_decides_no_orientation():
    compared = evidence_diagonal.level_sets(synthetic(seeds=1), "kl")["seed"]
    assert evidence_diagonal.orientation(compared) == "undecided"


def test_the_deviation_is_the_mean_distance_from_the_closed_form():
    theory, _ = closed_form(MU, BETA, LATENTS)
    away = np.where(np.arange(7) % 2, 0.2, -0.1)[:, None]  # 4 × 0.1 and 3 × 0.2 of 7
    run = synthetic(pmi=theory.pmi[..., None] + away)
    assert evidence.deviation(run, "pmi").mean == pytest.approx(1 / 7)
    with pytest.raises(ValueError, match="pmi_mean"):
        evidence.deviation(run, "pmi_mean")


def test_the_worst_cell_is_found():
    theory, _ = closed_form(MU, BETA, LATENTS)
    values = np.repeat(theory.pmi[..., None], 3, -1)
    values[3, 2] -= 0.4
    values[0, 0, 0] += 0.9  # of one seed, a third of that
    found = evidence.worst(synthetic(pmi=values), "pmi")
    assert (found.mu, found.beta) == (3.5, 1.0)
    assert found.measured.mean == pytest.approx(found.predicted - 0.4)


def test_shares_of_a_row_add_up():
    run = synthetic(generation_offset=3.0, generation_shrinkage=1.0, generation_head=0.0)
    shares = evidence.shares(run, 0)
    assert [float(shares[name].mean) for name in evidence.TERMS] == [0.75, 0.25, 0]


def test_trends_follow_the_axis_they_name():
    beta, mu = np.arange(7.0)[:, None], np.arange(5.0)[:, None, None]
    found = evidence.trend(np.broadcast_to(beta - 10 * mu, (5, 7, 3)))
    assert found.along_beta.mean == pytest.approx(1) and found.along_mu.mean == pytest.approx(-1)
    flat = evidence.trend(np.broadcast_to(beta, (5, 7, 3)))
    assert flat.along_beta.mean == pytest.approx(1) and np.isnan(flat.along_mu.mean)


def test_collapsed_models_are_compared_between_the_biases_that_have_some():
    theory, _ = closed_form(MU, BETA, LATENTS)
    found = evidence.collapsed(synthetic(), "generation_mse")
    assert found.ends == (0, 5) and found.models == 3 * (theory.active_units == 0).sum()
    expected = theory.generation_mse[4, -1] - theory.generation_mse[0, -1]
    assert found.change.mean == pytest.approx(expected) and expected > 0.2
    none = evidence.collapsed(synthetic(active_units=4), "generation_mse")
    assert none.models == 0 and np.isnan(none.change.mean)


def test_a_cell_beside_collapsed_models_of_its_bias():
    pmi = np.where(np.array(BETA)[:, None] == 0.25, 0.2, 0.8)
    active = np.where(np.array(BETA)[:, None] < 4, 4, 0)
    run = synthetic(pmi=pmi, active_units=active)
    assert evidence.beside_collapsed(run, "pmi", 4, 0).mean == pytest.approx(0.25)
    assert np.isnan(evidence.beside_collapsed(synthetic(active_units=4), "pmi", 4, 0).mean)


def test_changes_are_last_minus_first():
    theory, _ = closed_form(MU, BETA, LATENTS)
    by_mu, by_beta = (evidence.change(synthetic(), "loss", axis) for axis in (0, 1))
    np.testing.assert_allclose(by_mu.measured.mean, by_mu.predicted)
    np.testing.assert_allclose(by_mu.predicted, theory.loss[4] - theory.loss[0])
    assert (by_mu.predicted < 0).all() and (by_beta.measured.mean > 0).all()


def test_regimes_are_counted_a_seed_and_paired():
    dead, whole = synthetic(active_units=0), synthetic()
    expected = (np.array(BETA) < 0.99 * dead.threshold[:, None]).sum()
    assert evidence_training.counts(dead)[Regime.COLLAPSED_BY_OPTIMISER].mean == expected > 0
    assert evidence_training.fewer(dead, whole, Regime.COLLAPSED_BY_OPTIMISER).mean == expected


def test_the_gap_is_of_cells_below_the_boundary():
    gap = np.where(np.array(BETA)[:, None] < synthetic().threshold[:, None, None], 2.0, 9.0)
    assert evidence_training.gap_below(synthetic(gap=gap)).mean == 2


def test_cells_are_followed_by_their_values_of_mu_and_beta():
    active = np.full((2, 3, 1), 4.0)
    active[1, 0], active[1, 2] = 0, 0
    few = {"mu": (0.0, 5.0), "beta": (0.5, 2.0, 4.0), "seeds": 1}
    short = np.full((5, 7, 3), 4.0)
    short[0, 1], short[4, 1], short[4, 3], short[4, 4] = 0, 0, 0, 0
    found = evidence_training.cells(
        synthetic(active_units=short),
        synthetic(active_units=active, config={"steps": 100_000}, **few),
    )
    assert [(c.mu, c.beta) for c in found] == [(m, b) for m in (0, 5) for b in (0.5, 2, 4)]
    assert [c.came_back for c in found] == [True, False, False, False, True, False]
    assert [c.stayed for c in found] == [False, False, False, True, False, False]
    assert [c.expected for c in found] == [True, True, True, True, False, False]


def test_a_cell_is_read_at_the_steps_at_which_it_converged():
    long = synthetic(seeds=1, mu=(0.0, 5.0), beta=(0.5, 2.0), config={"steps": 100_000})
    bins = np.arange(200.0)
    falling, kl = -bins, 0.1 * bins  # −500 steps a nat: never converged
    curves = np.stack([np.where(bins < 95, falling, -95), falling, falling, falling])
    dims = ("mu", "beta", "seed", "step")
    history = {
        "loss": (dims, curves.reshape(2, 2, 1, 200)),
        "kl": (dims, np.zeros((2, 2, 1, 200)) + kl),
    }
    long = long._replace(history=xr.Dataset(history))
    found = evidence_training.cells(synthetic(), long)
    # windows of 10 bins: the tenth, bins 90 to 99, still improves; the twelfth does not
    assert [c.steps for c in found] == [60_000, 100_000, 100_000, 100_000]
    assert [c.waited for c in found] == [False, True, True, True]
    assert found[0].kl[1] == pytest.approx(kl[110:120].mean())
    assert found[1].kl[1] == pytest.approx(kl[190:].mean())


def test_models_above_their_encoders_threshold_are_counted_among_their_kind():
    active, threshold = np.full((5, 7, 3), 4.0), np.full((5, 7, 3), 99.0)
    active[0, :3] = 0
    threshold[0, :2], threshold[4, 6], threshold[1, 0, 0] = 0, 16, 0.2  # β = 0.25, 0.5; 16; 0.25
    run = synthetic(active_units=active, encoder_threshold=threshold)
    found = evidence_training.locked(run)
    assert found.collapsed == (6, 9) and found.active == (4, 32 * 3) and found.median == 0
    assert np.isnan(evidence_training.locked(synthetic()).median)


def test_woken_cells_are_active_in_the_second_run_only():
    first, second = np.full((5, 7, 3), 4.0), np.full((2, 2, 1), 4.0)
    first[0, 1], first[0, 3], first[4, 5] = 0, 0, 0  # the last beyond β*
    second[0, 1] = 0
    few = {"mu": (0.0, 5.0), "beta": (0.5, 2.0), "seeds": 1}
    limit = np.array([[7, 3], [7, 7]])[..., None]
    found = evidence_training.woken(
        synthetic(active_units=first),
        synthetic(active_units=second, encoder_threshold=limit, **few),
    )
    assert found == ([(0, 0.5)], [(0, 2.0)], [3]) and found.asleep == 2


def test_the_best_beta_must_be_the_weakest_in_every_seed():
    theory, _ = closed_form(MU, BETA, LATENTS)
    r2 = np.repeat(theory.recovery_r2[..., None], 3, -1)
    assert evidence.best_at_weakest(r2, np.array(BETA)) == 5
    assert evidence.best_at_weakest(-synthetic().values("generation_mse"), np.array(BETA)) == 5
    r2[1, 3, 2] = 1
    assert evidence.best_at_weakest(r2, np.array(BETA)) == 4
    assert evidence.best_at_weakest(r2[:, ::-1], np.array(BETA[::-1])) == 4


def test_mostly_noise_is_told_from_signal():
    share = np.where(np.array(MU)[:, None, None] < 3, 0.9, 0.2)
    found = evidence.noise(synthetic(signal_share=share, active_units=4))
    assert found.active.mean == 35 and found.mostly_noise.mean == 14
    np.testing.assert_allclose(found.lowest.mean, [0.9, 0.9, 0.9, 0.2, 0.2])


def test_beaten_counts_models_below_the_linear_optimum():
    gap = np.zeros((5, 7, 3))
    gap[0, 0], gap[0, 1] = -0.5, -0.05  # the second within what does not count
    assert evidence.beaten(synthetic(gap=gap)).mean == 1


def test_the_gap_of_a_regime_is_of_its_models():
    gap = np.zeros((5, 7, 3))
    active = np.full((5, 7, 3), 4.0)
    gap[0, 0], active[0, 0], gap[0, 1], active[0, 1], gap[0, 2] = 3, 0, 1, 0, 50
    run = synthetic(gap=gap, active_units=active)
    assert evidence_training.gap_in(run, Regime.COLLAPSED_BY_OPTIMISER).mean == 2
    assert np.isnan(evidence_training.gap_in(run, Regime.DIVERGED).mean)


# Words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "word"), [([1, 1.1, 0.9], "up"), ([-1, -1.1, -0.9], "down"), ([1, -1, 0], "no")]
)
def test_words_follow_the_sign_of_an_interval(values, word):
    assert findings_words.by_sign(t_interval(np.array(values)), "up", "down", "no") == word


def test_one_seed_has_no_sign():
    assert findings_words.sign(t_interval(np.array([3.0]))) == 0


def test_intervals_are_compared_only_where_they_do_not_meet():
    low, high = Interval(1, 0, 2, 5, 0), Interval(4, 3, 5, 5, 0)
    assert findings_words.compare(high, low) == 1 and findings_words.compare(low, high) == -1
    assert findings_words.compare(high, Interval(3, 1, 5, 5, 0)) == 0


def test_values_say_what_they_know():
    value = findings_words.value
    assert value(Interval(0.43, 0.40, 0.46, 5, 0)) == "0.43 [0.40, 0.46]"
    assert value(Interval(22.0, 22.0, 22.0, 5, 0)) == "22"
    assert value(t_interval(np.array([np.nan, np.nan]))) == "–"
    assert "one seed" in value(t_interval(np.array([1.0])))
    assert findings_words.percent(Interval(0.43, 0.40, 0.46, 5, 0)) == "43 [40, 46] %"


def test_ratios_are_of_logarithms():
    found = findings_words.ratio(Interval(0.0, -np.log(2), np.log(2), 5, 0))
    assert (found.mean, found.low, found.high) == pytest.approx((1, 0.5, 2))


def test_columns_of_numbers_go_to_the_right():
    rule = findings_words.table(["a", "b"], [["x", "1 [0, 2]"], ["y", "–"]]).splitlines()[1]
    assert rule == "| --- | ---: |"


def test_a_slope_without_an_interval_is_not_compared():
    nothing = Slope(t_interval(np.full(3, np.nan)), np.nan, np.zeros(2, bool), np.nan)
    assert findings_diagonal._beside_theory(nothing) == "no interval"


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(-1.2, -1.0, "steeper"), (-0.7, -0.6, "not told apart"), (-0.2, -0.1, "less steep")],
)
def test_a_slope_is_steeper_only_beyond_what_the_grid_resolves(low, high, word):
    slope = Slope(Interval((low + high) / 2, low, high, 5, 0), -0.5, np.ones(2, bool), 0.2)
    assert findings_diagonal._beside_theory(slope).startswith(word)


# The page ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs():
    return all_runs()


@pytest.fixture(scope="module")
def found(runs):
    return diagonal(runs)


@pytest.fixture(autouse=True)
def no_simulation(monkeypatch):
    coverage = Coverage(0.951, 0.842, 0.006)
    monkeypatch.setattr(findings_page, "simulated_coverage", lambda *_, **__: coverage)


def diagonal(runs):
    return evidence_diagonal.diagonal(runs["blog"], runs["annealed"], fine=runs["fine"])


def section(text, title):
    return text.split(f"\n## {title}", 1)[1].split("\n## ", 1)[0].strip()


def test_the_page_answers_from_its_runs(runs, found):
    text = findings_page.page(runs, found, dict.fromkeys(runs, "--flags"))
    assert section(text, "Does stronger regularisation").endswith("one seed).")
    assert "\n\n**No.** `recovery_r2` is highest" in text
    assert section(text, "Is the diagonal real?").startswith("**Yes.**")
    assert "in 44 of 44 models before it" in section(text, "Is the diagonal real?")
    assert "also measures the training mean" in section(text, "Why do")
    assert "No collapse" in section(text, "Were the models")
    assert "63 of 63" in section(text, "5. How far") and "0.842" in section(text, "5. How far")
    assert text.count("`--flags`") == len(runs)
    assert "nan" not in text


def test_the_studys_own_answer_has_both_ends_of_the_bias(runs):
    r2 = np.broadcast_to(np.linspace(0.9, 0.1, 5)[:, None, None], (5, 7, 2))
    run = synthetic("blog", seeds=2, recovery_r2=r2 - 0.01 * np.arange(7)[:, None])
    text = findings_page._help_answer((run,), runs["long"])
    theory = run.theory.recovery_r2[:, 0]
    assert "5 of 5 μ in `blog`. There it is 0.9 at the lowest μ and 0.1 at the highest" in text
    assert f"(closed form {theory[0]:.3f} and {theory[-1]:.3f})" in text


def test_the_cost_is_that_of_the_run_least_disturbed(runs):
    two = {"fast": runs["blog"]._replace(minutes=2.0), "slow": runs["blog"]._replace(minutes=8.0)}
    speed = 70 * 10_000 / 120
    assert f"`fast` made {speed:,.0f} model-steps" in findings_page._cost(two)
    assert "takes 4 minutes" in findings_page._cost(two)
    copies = {name: run._replace(minutes=np.nan) for name, run in two.items()}
    assert "not known" in findings_page._cost(copies)


@pytest.mark.parametrize(
    ("until", "words"),
    [(1.0, "And β* is the place"), (0.3, "a limit, not"), (9.0, "no strict limit")],
)
def test_the_boundary_is_a_limit_only_if_nothing_is_active_beyond(until, words):
    run = synthetic()
    active = 4.0 * (np.array(BETA) < until * run.threshold[:, None])[..., None]
    run = synthetic(active_units=active)
    edge, active = evidence_diagonal.edge(run), evidence_diagonal.sides(run)
    assert words in findings_diagonal._limit(active, edge)


def test_the_long_runs_share_of_signal_is_that_of_the_strongest_bias():
    share = np.broadcast_to(np.linspace(0.9, 0.2, 5)[:, None, None], (5, 7, 1))
    text = findings_noise._long_words(synthetic("long", seeds=1, signal_share=share))
    assert "at μ = 5, β = 0.25 is 0.200, in closed form" in text


def test_the_answers_change_with_the_runs_and_nothing_active_can_be_shown():
    nothing = {"active_units": 0, "kl": 0, "recovery_r2": 0, "signal_share": np.nan}
    runs = all_runs(**nothing, generation_mse=0.1, gap=np.nan)
    found = diagonal(runs)
    assert len(findings.draw(runs, found)) == 8
    text = findings_page.page(runs, found, dict.fromkeys(runs, ""))
    assert section(text, "Is the diagonal real?").startswith("**It is not shown.**")
    assert "Not settled" in section(text, "Why do")
    assert "mostly do not mend it" in section(text, "Were the models")
    assert "nan" not in text


def test_the_decoder_is_seen_to_fail_first():
    first = np.arange(7)[:, None] == 0
    pmi, generation = np.where(first, 0.3, 1.0), np.where(first, 0.29, 0.3)
    active = np.where(np.arange(7)[:, None] < 3, 4, 0)
    failing = synthetic(pmi=pmi, generation_mse=generation, active_units=active)
    assert "the decoder fails before the code does" in findings_maps.maps_answer(failing)
    text = findings_maps.maps_answer(
        synthetic(pmi=generation, generation_mse=pmi, active_units=active)
    )
    assert "the code fails before the decoder does" in text


def test_without_collapsed_models_the_maps_are_not_compared():
    text = findings_maps.maps_answer(synthetic(active_units=4))
    assert "Not settled" in text and "nan" not in text


def test_both_sides_of_the_boundary_are_named():
    beta = np.array(BETA)[:, None]
    active = np.where(beta < np.array([1, 8, 1, 1, 8])[:, None, None], 4.0, 0)
    run = synthetic(active_units=active)
    sides = findings_diagonal._sides(run, evidence_diagonal.edge(run))
    assert sides == "below it at 3 (μ = 0, 2 and 3.5) and above it at 1 (μ = 5)"


def test_collapsed_cells_that_come_back_are_named(runs):
    dead = synthetic("blog", seeds=2, active_units=0)
    cells = evidence_training.followed(runs | {"blog": dead})
    answer = findings_training.training_answer(runs | {"blog": dead}, cells)
    assert "Yes: most collapsed models come back" in answer
    assert "10 of 10 collapsed cells without warm-up and 0 of 0" in answer
    text = findings_training.training_section(runs | {"blog": dead}, cells)
    assert "μ=0 β=0.5, μ=0 β=1" in text and "5,000 steps" in text


def test_encoders_are_blamed_if_most_cannot_leave_and_no_cell_comes_back(runs):
    dead = {"active_units": 0, "encoder_threshold": 0.0}
    runs = runs | {"blog": synthetic("blog", seeds=2, **dead)}
    runs |= {"long": synthetic("long", (0.0, 2.0, 5.0), (0.5, 1.0, 2.0, 4.0), 1, **dead)}
    answer = findings_training.training_answer(runs, evidence_training.followed(runs))
    assert "lost the way back" in answer and "44 of 44 collapsed models without" in answer
    assert "10 of 10 cells without warm-up (one seed" in answer
    alive = int((runs["annealed"].values("active_units") > 0).sum())
    assert f"but in 0 of {alive} active ones" in answer


def test_every_figure_of_the_page_is_drawn(runs, found, tmp_path, monkeypatch):
    monkeypatch.setattr(findings, "DPI", 40)
    findings.write(runs, found, findings.Flags(page=tmp_path / "findings.md"))
    text = (tmp_path / "findings.md").read_text()
    shown = set(re.findall(r"\]\((images/.*?)\)", text))
    drawn = {f"images/{path.name}" for path in (tmp_path / "images").iterdir()}
    assert shown == drawn and len(drawn) == 8
    assert "--latent-dim 18" in text


def test_a_run_that_is_not_finished_is_named(monkeypatch):
    monkeypatch.setattr(findings, "load_run", lambda path: SimpleNamespace(finished=False))
    with pytest.raises(common.UsageError, match="runs/fine is not finished"):
        findings.read(Path("runs/fine"))


@pytest.mark.parametrize("steps", ["0", "-200", "250", "1001"])
def test_a_quick_look_needs_equal_bins(steps, monkeypatch):
    monkeypatch.setattr(findings, "call", lambda *_: pytest.fail("nothing may start"))
    with pytest.raises(common.UsageError, match="--steps"):
        findings.main(["--steps", steps])


def test_a_quick_look_wins_over_the_runs_own_steps(tmp_path):
    quick = findings.words("long", findings.Flags(out=tmp_path, steps=20))
    assert read_flags(quick)[1].training.steps == 20
    own = findings.words("long", findings.Flags(out=tmp_path))
    assert read_flags(own)[1].training.steps == 100_000
