"""The commands that look at a finished run, on one small enough to train for real."""

import dataclasses
import functools
import math
import shutil
import signal
import sys
import threading
import time

import jax
import numpy as np
import pytest
import xarray as xr
from learned import LEARNED

from biasvae_jax import host
from biasvae_jax.cli import common, score
from biasvae_jax.config import Config
from biasvae_jax.runs import directory
from biasvae_jax.runs.directory import RunDirectoryError, StorageError
from biasvae_jax.runs.loading import load_finished, load_run
from biasvae_jax.runs.score_table import ScoreTable
from biasvae_jax.scores import families, undefined
from biasvae_jax.scores.base import left_out
from biasvae_jax.scores.information import neural_information
from biasvae_jax.scores.subject import Subject
from biasvae_jax.sweep import Sweep, grid
from biasvae_jax.sweep.plan import make_plan
from biasvae_jax.theory import collapse_boundary
from biasvae_jax.training import Recipe
from experiments import identifiability, proxy

CHEAP = ["--scores", "r2", "mcc", "sap", "--quiet"]


@pytest.fixture(scope="module")
def trained(learned_run, tmp_path_factory):
    """A run of four models, stored in two groups; without page and figures."""
    presented = shutil.ignore_patterns("report.html", "*.png")
    return shutil.copytree(learned_run, tmp_path_factory.mktemp("runs") / "tiny", ignore=presented)


@pytest.fixture(scope="module")
def scored(trained, tmp_path_factory):
    run = tmp_path_factory.mktemp("scored") / "tiny"
    shutil.copytree(trained, run)
    score.main([str(run), "--quiet"])
    return run


@pytest.fixture
def run(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def read(run, name="scores.nc"):
    return directory.read_dataset(run / name)


def rewrite(run, name, change):
    dataset = read(run, name)
    change(dataset)
    directory.write_dataset(run / name, dataset)


# The command ------------------------------------------------------------------------------------


def test_every_score_is_there_for_every_model(scored):
    scores, results = read(scored), read(scored, "results.nc")
    without = left_out(Recipe.from_config(LEARNED))
    names = [name for name in families.FAMILIES if name not in without]
    expected = [v for name in names for v in families.VARIABLES[name] if v not in without]
    assert list(scores) == expected and scores.attrs["config"] == results.attrs["config"]
    for name, variable in scores.items():
        further = {"factor_recovery": ("factor",)}.get(name, ())
        further = ("latent",) if name.startswith("latent_kl") else further
        assert variable.dims == ("mu", "beta", "seed", *further) and variable.dtype == np.float32
        assert variable.attrs["long_name"] and variable.attrs["units"] in ("1", "nat")
        assert not variable.isnull().any()
    for name in ("mu", "beta", "seed"):
        np.testing.assert_array_equal(scores[name], results[name])


def test_scores_tell_a_recovered_model_from_a_collapsed_one(scored):
    low, high = (read(scored).sel(mu=0, beta=beta) for beta in (0.2, 50))
    for name in ("r2", "r2_reverse", "probe_r2", "probe_r2_reverse", "dci_informativeness"):
        assert low[name] > 0.75 and high[name] < 0.1, name
    for name in ("mcc", "mig", "sap", "dci_disentanglement", "factor_vae_score", "beta_vae_score"):
        assert low[name] > 1.2 * high[name] and low[name] <= 1, name
    for name in families.VARIABLES["gaussian"] | families.VARIABLES["ksg"]:
        assert low[name] > 1 and abs(high[name]) < 0.3, name
    assert low["mi_ksg_canonical"] == pytest.approx(low["mi_gaussian"], rel=0.15)


def test_of_continuous_factors_alone_there_is_r2_of_each_and_no_accuracy(scored, capsys):
    scores = read(scored)
    np.testing.assert_allclose(scores["factor_r2"], scores["r2"], atol=1e-5)
    each = scores["factor_recovery"]
    np.testing.assert_allclose(each.mean("factor"), scores["r2"], atol=1e-5)
    assert each.attrs["chance"].tolist() == [0, 0, 0, 0]
    named = load_run(scored).scores["factor_recovery"]
    np.testing.assert_array_equal(named.sel(factor="square 2"), each[..., 1])
    score.main([str(scored), "--scores", "factors", "mig_discrete"])
    printed = capsys.readouterr().out
    assert "left out: factor_auroc, recovery_auroc (squares has no binary factor)" in printed
    assert "left out: mig_discrete (squares has no binary or categorical factor)" in printed
    assert "factor_recovery: square 4" in printed


def test_codes_are_those_of_the_recovery_scores(scored):
    """On this test set all factors vary alike, so that pooled and averaged R² agree."""
    results = read(scored, "results.nc")
    np.testing.assert_allclose(read(scored)["r2"], results["recovery_r2"], atol=1e-3)


def test_a_scored_run_only_reports(scored, capsys):
    before = (scored / "scores.nc").stat().st_mtime_ns
    score.main([str(scored)])
    printed = capsys.readouterr().out
    asked = set(families.FAMILIES) - set(left_out(Recipe.from_config(LEARNED)))
    assert f"0 of {4 * len(asked)} scores to compute" in printed and "mi_ksg_canonical" in printed
    assert (scored / "scores.nc").stat().st_mtime_ns == before


def test_an_interrupted_command_goes_on_where_it_stopped(run, scored, monkeypatch, capsys):
    real, calls = families.FAMILIES["sap"], []
    monkeypatch.setattr(score, "MOST_THREADS", 1)

    def compute(subject):
        if len(calls) == 3:
            raise common.Interrupted(signal.SIGTERM)
        calls.append(subject.bias)
        return real.compute(subject)

    monkeypatch.setitem(families.FAMILIES, "sap", dataclasses.replace(real, compute=compute))
    with pytest.raises(common.Interrupted) as stop:
        score.main([str(run), *CHEAP])
    assert stop.value.status == 143 and "the same command goes on" in capsys.readouterr().err
    assert int(read(run)["sap"].notnull().sum()) == 3 and int(read(run)["mcc"].notnull().sum()) == 4
    calls.clear()
    score.main([str(run), *CHEAP])
    assert calls == [3.0]
    for name in ("r2", "r2_reverse", "mcc", "sap"):
        xr.testing.assert_identical(read(run)[name], read(scored)[name])


def test_what_is_done_is_stored_on_the_way(run, monkeypatch):
    stored = []
    monkeypatch.setattr(score, "MOST_THREADS", 1)
    monkeypatch.setattr(score, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(directory, "write_dataset", lambda file, data: stored.append(data))
    score.main([str(run), *CHEAP])
    left = [int(sum(v.isnull().sum() for v in data.values())) for data in stored]
    assert len(stored) > 10 and left == sorted(left, reverse=True) and left[-1] == 0


@pytest.mark.parametrize(  # the run is stored in groups of two
    ("cores", "gibibytes", "threads"), [(1, 4, 1), (2, 4, 2), (2, 0.5, 1)]
)
def test_models_side_by_side_have_the_scores_they_have_alone(
    run, scored, monkeypatch, cores, gibibytes, threads
):
    real, at_once = families.FAMILIES["sap"], []
    running = threading.Semaphore(threads)

    def compute(subject):
        with running:
            at_once.append(threads - running._value)
            time.sleep(0.05)
            return real.compute(subject)

    monkeypatch.setitem(families.FAMILIES, "sap", dataclasses.replace(real, compute=compute))
    monkeypatch.setattr(host, "cores", lambda: cores)
    monkeypatch.setattr(host, "free_memory", lambda: int(gibibytes * 2**30))
    names = ("r2", "sap", "gaussian", "ksg", "beta_vae", "encoder")
    score.main([str(run), "--scores", *names, "--quiet"])
    assert len(at_once) == 4 and max(at_once) == threads
    for name in (variable for family in names for variable in families.VARIABLES[family]):
        xr.testing.assert_identical(read(run)[name], read(scored)[name])


def test_variables_of_another_version_are_kept(run):
    score.main([str(run), "--scores", "mcc"])
    rewrite(run, "scores.nc", lambda scores: scores.update({"later": 2 * scores["mcc"]}))
    score.main([str(run), "--scores", "r2"])
    assert set(read(run)) == {"later", "mcc", "r2", "r2_reverse"}
    np.testing.assert_array_equal(read(run)["later"], 2 * read(run)["mcc"])


def test_the_encoders_threshold_is_near_the_theorys_where_latents_are_active(scored):
    results, found = read(scored, "results.nc"), read(scored)["encoder_threshold"]
    config = Config.from_json(results.attrs["config"])
    limit = collapse_boundary(Recipe.from_config(config).world, config.mu, config.sigma2)
    ratio = found.isel(beta=0, seed=0).values / limit
    assert (ratio > 0.8).all() and (ratio < 1.2).all()


def test_a_diverged_model_has_no_scores_and_is_not_waited_for(run, capsys):
    def diverge(results):
        results["finite"][1, 0, 0] = 0

    rewrite(run, "results.nc", diverge)
    score.main([str(run), *CHEAP])
    missing = read(run)["mcc"].isnull()
    assert int(missing.sum()) == 1 and missing[1, 0, 0]
    score.main([str(run), "--scores", "mcc"])
    assert "3 finite models of 4" in capsys.readouterr().out


def test_neural_bounds_are_computed_when_asked_for(run, monkeypatch, capsys):
    small = functools.partial(
        neural_information, steps=150, batch_size=64, evaluation_size=256, hidden=16
    )
    monkeypatch.setattr(families, "neural_information", small)
    score.main([str(run), "--scores", "info_nce", "mine"])
    assert "neural scores took" in capsys.readouterr().out
    scores = read(run)
    assert list(scores) == ["mi_info_nce", "mi_mine"]
    for values in scores.values():
        assert values[0, 0, 0] > 1 and abs(values[0, 1, 0]) < 0.2
    assert (scores["mi_info_nce"] <= math.log(256)).all()


def test_all_means_all():
    assert score.chosen_scores(["all"]) == list(families.VARIABLES)
    assert score.chosen_scores([]) == list(families.FAMILIES)
    assert score.chosen_scores(["mine", "r2", "r2"]) == ["r2", "mine"]


# Bad input --------------------------------------------------------------------------------------


def test_bad_input_is_one_line_and_status_2(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["score", str(tmp_path / "nowhere")])
    try:
        with pytest.raises(SystemExit) as stop:
            common.run(score.main)
    finally:
        common.LISTENER.stop()  # it would outlive the test
    printed = capsys.readouterr()
    assert stop.value.code == 2 and printed.out == "" and printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1 and not (tmp_path / "nowhere").exists()


def test_an_unknown_score_is_answered_with_the_known_ones(run):
    with pytest.raises(common.UsageError, match=r"dca is unknown; .*dci.*mine, or all"):
        score.main([str(run), "--scores", "r2", "dca"])
    assert not (run / "scores.nc").exists()


@pytest.mark.parametrize("command", [score.main, proxy.main])
def test_a_directory_that_is_no_finished_run_is_refused(command, run, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", run / "config.json"):
        with pytest.raises(RunDirectoryError, match="no run"):
            command([str(path)])
    assert not list((tmp_path / "empty").iterdir())
    (run / "results.nc").unlink()
    with pytest.raises(RunDirectoryError, match="not finished"):
        command([str(run)])
    with pytest.raises(common.UsageError, match="RUN"):
        command([])


def test_scores_of_another_run_or_damaged_ones_are_not_used(run):
    score.main([str(run), *CHEAP])
    rewrite(run, "scores.nc", lambda scores: scores.attrs.update(config="{}"))
    with pytest.raises(RunDirectoryError, match="another run"):
        score.main([str(run), *CHEAP])
    (run / "scores.nc").write_bytes(b"?")
    with pytest.raises(StorageError, match=r"scores\.nc"):
        score.main([str(run), *CHEAP])


def with_family(monkeypatch, name, compute):
    changed = dataclasses.replace(families.FAMILIES[name], compute=compute)
    monkeypatch.setitem(families.FAMILIES, name, changed)


def refuse(subject):
    raise ValueError("sample must return at least 2 factors")


def test_a_score_that_is_undefined_is_left_out_told_and_not_tried_again(run, monkeypatch, capsys):
    with_family(monkeypatch, "sap", refuse)
    score.main([str(run), "--scores", "sap", "mcc"])
    told = "undefined for 4 models: sap (sample must return at least 2 factors)"
    assert told in capsys.readouterr().out
    assert read(run)["sap"].isnull().all() and read(run)["mcc"].notnull().all()
    with_family(monkeypatch, "sap", lambda subject: pytest.fail("it was tried again"))
    score.main([str(run), "--scores", "sap", "mcc"])
    printed = capsys.readouterr().out
    assert told in printed and "0 of 8 scores to compute" in printed and "n/a" in printed
    rewrite(run, "scores.nc", lambda scores: scores["sap"].attrs.update(undefined="[[0]]"))
    with pytest.raises(BaseException, match="it was tried again"):
        score.main([str(run), "--scores", "sap"])


@pytest.mark.parametrize("nothing", [refuse, lambda subject: [np.nan], lambda subject: ["why"]])
def test_a_score_that_one_model_lacks_is_computed_for_the_others(run, monkeypatch, nothing):
    real = families.FAMILIES["sap"].compute
    with_family(monkeypatch, "sap", lambda s: nothing(s) if s.bias == 3 else real(s))
    score.main([str(run), "--scores", "sap", "--quiet"])
    assert read(run)["sap"].notnull().values[..., 0].tolist() == [[True, True], [False, False]]
    table = ScoreTable(load_finished(run), families.VARIABLES["sap"])
    assert not table.lacks(["sap"]).any()
    (models,) = table.undefined("sap").values()
    assert models.tolist() == [False, False, True, True]
    table.put(["sap"], [2], [0.5])
    assert [m.tolist() for m in table.undefined("sap").values()] == [[False, False, False, True]]


def subject(config, network=None, bias=0.0):
    recipe = Recipe.from_config(config)
    recipe = dataclasses.replace(recipe, network=network or recipe.network)
    return Subject(recipe, recipe.network.init(jax.random.key(0)), 0, bias)


def test_what_does_not_apply_to_one_square_is_told_and_the_rest_computed():
    one = subject(dataclasses.replace(LEARNED, n=1, contrast=()))
    for name in ("beta_vae", "factor_vae"):
        assert "at least 2 factors" in families.FAMILIES[name].of(one)[0]
    for name in ("r2", "mcc", "mig", "sap", "gaussian"):
        assert np.isfinite(families.FAMILIES[name].of(one)).all(), name


def test_of_a_family_what_is_defined_is_computed():
    """One test image has no information, and the training images have."""
    lone = subject(dataclasses.replace(LEARNED, bins=(0.5,)))
    information, on_test = families.FAMILIES["gaussian"].of(lone)
    assert np.isfinite(information) and "rows" in on_test


def test_latents_that_do_not_vary_in_float32_have_no_information():
    far = subject(LEARNED, bias=-1e20)
    assert families.FAMILIES["gaussian"].of(far)[0] == 0
    assert families.FAMILIES["ksg"].of(far) == [0, 0]


def test_a_network_without_features_has_no_encoder_threshold():
    class Plain:
        latent_dim = 4

        def init(self, key):
            return {}

    (why,) = families.FAMILIES["encoder"].of(subject(LEARNED, Plain()))
    assert why == "Plain has no features, the last hidden layer"


def test_reasons_are_read_as_they_were_written_and_damaged_ones_not_at_all():
    models = np.array([True, True, False, True, False])
    reasons = {"too few": models, "other": ~models}
    stored = undefined.from_attribute(undefined.to_attribute(reasons), 5)
    assert {k: v.tolist() for k, v in stored.items()} == {k: v.tolist() for k, v in reasons.items()}
    deep = "[" * 100_000
    for text in (None, 3, "", "[]", "{", deep, '{"a": 1}', '{"a": [[0, 5]]}', '{"a": [["0", 1]]}'):
        assert undefined.from_attribute(text, 5) == {}


# The proxy against information ------------------------------------------------------------------


def test_proxies_are_tabulated_and_drawn(scored, capsys):
    proxy.main([str(scored)])
    printed = capsys.readouterr().out
    assert all(name in printed for name in proxy.PROXIES) and "mi_gaussian" in printed
    assert "4 models, 2 collapsed" in printed
    assert (scored / "figures" / "proxy_against_information.png").stat().st_size > 10_000


def test_a_run_without_information_is_told_what_to_do(run):
    with pytest.raises(common.UsageError, match=r"experiments\.score"):
        proxy.main([str(run)])


def test_collapsed_models_tie_at_0_nats(scored):
    models = proxy.read_models(load_finished(scored))
    assert models.active.tolist() == [True, False, True, False]
    assert (models.information["mi_gaussian"][~models.active] == 0).all()
    # signed: with the sample as target the recovered model is ahead, with the mean behind
    assert models.proxies["pmi"][0] > models.proxies["pmi"][1]
    assert models.proxies["pmi_mean"][0] < models.proxies["pmi_mean"][1]


def test_a_model_of_which_a_score_is_undefined_is_not_ranked(scored, tmp_path):
    def lose(scores, why):
        scores["mi_gaussian"][0, 0, 0] = np.nan
        scores["mi_gaussian"].attrs.update(why)

    copy = shutil.copytree(scored, tmp_path / "run")
    rewrite(copy, "scores.nc", lambda scores: lose(scores, {}))  # still to compute
    models = proxy.read_models(load_finished(copy))
    assert len(models.mu) == 4 and "mi_gaussian" not in models.information
    rewrite(copy, "scores.nc", lambda scores: lose(scores, {"undefined": '{"why": [[0, 0]]}'}))
    models = proxy.read_models(load_finished(copy))
    assert len(models.mu) == 3 and "mi_gaussian" in models.information
    rewrite(
        copy, "results.nc", lambda results: results.update({"recovery_r2": np.nan * results["pmi"]})
    )
    with pytest.raises(common.UsageError, match="no model of which all"):
        proxy.main([str(copy)])


def test_agreement_is_of_ranks():
    x = np.linspace(0, 3, 30)
    assert proxy.agreement(np.exp(x), x**3) == pytest.approx((1, 1, 1))
    assert proxy.agreement(-x, x).correlation == pytest.approx(-1)
    rng = np.random.default_rng(1)
    unrelated = proxy.agreement(rng.normal(size=200), rng.normal(size=200))
    assert unrelated.low < 0 < unrelated.high
    assert np.isnan(proxy.agreement(x, np.ones(30)).correlation)
    assert np.isnan(proxy.agreement(x[:2], x[:2]).correlation)


def test_only_pairs_of_equal_bias_are_compared():
    mu = np.array([0, 0, 1, 1])
    information = np.array([1.0, 2.0, 0.0, 0.5])
    assert proxy.same_order(np.array([0.1, 0.2, 7, 8]), information, mu) == 1
    assert proxy.same_order(np.array([0.1, 0.2, 8, 7]), information, mu) == 0.5
    assert np.isnan(proxy.same_order(mu, information, np.arange(4)))


# Identifiability --------------------------------------------------------------------------------


def test_a_rotation_takes_the_axes_and_nothing_else():
    u = np.random.default_rng(0).choice([0.1, 0.5, 0.9], (3_000, 9))
    own, rotated = identifiability.scores(u, u), identifiability.rotated_scores(u, u)
    assert own.mcc == pytest.approx(1) and own.dci > 0.9
    assert rotated.mcc == pytest.approx(0.61, abs=0.02)  # nine dimensions
    assert rotated.dci < 0.5 and rotated.mig < 0.3


def test_models_are_trained_tabulated_and_drawn(monkeypatch):
    flags = identifiability.Flags(beta=(0.5, 1.0), seeds=1, steps=40)
    config = Config(
        mu=(0.0,), beta=flags.beta, steps=flags.steps, n=2, m=3, hidden=(8,), contrast=(1, 2, 3, 4)
    )

    class Silent:
        def count(self, done, text):
            assert 0 < done <= 80

    models = identifiability.train(config, Silent(), 0)
    assert models.steps == list(range(2, 41, 2)) and models.mcc.shape == (1, 2, 20)
    assert models.mcc[0, 1, -1] == pytest.approx(identifiability.scores(*models.codes[1]).mcc)
    kinds = {(c, n): models for c in identifiability.CONTRASTS for n in identifiability.NETWORKS}
    monkeypatch.setattr(identifiability, "ROTATIONS", 2)
    assert len(identifiability.table(flags, {("equal", "linear"): models}).rows) == 2
    assert len(identifiability.curves(flags, kinds, 0.61).axes) == 2


def test_a_file_is_no_directory_for_the_figure(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(common.UsageError, match="is a file"):
        identifiability.main(["--out", str(tmp_path / "file")])


def test_the_two_worlds_differ_in_contrast_alone():
    flags = identifiability.Flags()
    equal, distinct = (
        identifiability.make_config(flags, c, "linear") for c in ("equal", "distinct")
    )
    assert equal.difference(distinct).startswith("contrast: ()")
    assert len(set(distinct.contrast)) == 9 and min(distinct.contrast) == 1


# Lifting ----------------------------------------------------------------------------------------


def test_a_function_of_one_model_is_lifted_to_a_stack():
    config = Config(mu=(0.0, 1.0, 2.0), beta=(0.5,), n=2, m=3, hidden=(4,), batch_size=4)
    recipe, models = Recipe.from_config(config), grid(config)
    sweep = Sweep(recipe, make_plan(recipe, 3, 1, devices=2))
    params = {"a": np.arange(6.0, dtype=np.float32).reshape(3, 2)}
    lifted = sweep.lift(lambda data, model, own: (model.bias + own["a"].sum(), own["a"]))
    total, same = lifted(models, params)
    np.testing.assert_allclose(total, [1, 6, 11])
    np.testing.assert_array_equal(same, params["a"])
