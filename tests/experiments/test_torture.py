"""A short form of `python -m experiments.torture`, and what a run promises besides."""

import copy
import dataclasses
import errno
import math
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from biasvae_jax.cli import sweep as full_sweep
from biasvae_jax.cli.common import Interrupted
from biasvae_jax.cli.summary import print_summary
from biasvae_jax.runs import directory, results
from biasvae_jax.runs.directory import StorageError
from experiments.torture.files import Stages, damages, file_limits
from experiments.torture.inputs import inputs
from experiments.torture.places import few_files, lacking_features, names
from experiments.torture.runs import Runs
from experiments.torture.victim import CHUNK, FLAGS, Victim, launch


def assert_good(*tallies):
    for tally in tallies:
        assert tally.trials and not tally.lost and not tally.wrong, tally


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return Victim(tmp_path_factory.mktemp("victim") / "reference")


@pytest.fixture(scope="module")
def stages(tiny, tmp_path_factory):
    return Stages(tiny, tmp_path_factory.mktemp("stages"))


def test_kills_signals_and_a_race_lose_nothing_and_change_no_bit(tiny, tmp_path):
    runs = Runs(tiny, tmp_path, np.random.default_rng(0))
    runs.lifetime = 2.0  # most of the instants fall before the training or early in it
    assert_good(runs.races(1), runs.kills(2), runs.signals(2), runs.finished())


@pytest.mark.parametrize("kind", ["removed", "cut", "flipped"])
def test_a_damaged_checkpoint_is_passed_over_or_refused(stages, kind):
    newest, older = stages.checkpoints
    name = "state.params.decoder.Dense_0.kernel/0.0.0"
    size = (stages.stopped / newest / name).stat().st_size
    damage = next(d for what, d in damages(size, 1, np.random.default_rng(0)) if kind in what)
    assert stages.fall_back(newest / name, damage) == ""
    assert stages.refuse(stages.stopped, [newest / name, older / name], damage) == ""
    if kind == "flipped":
        models = directory.models_folder(stages.folder, 0).relative_to(stages.folder)
        assert stages.refuse(stages.trained, [models / "scores.pmi" / "0"], damage) == ""
        assert stages.report(Path("results.nc"), damage) == ""


def test_writes_that_fail_lose_nothing(tiny, tmp_path):
    assert_good(file_limits(tiny, tmp_path, most=2))


def test_a_run_survives_odd_names_file_systems_that_lack_something_and_few_files(tiny, tmp_path):
    assert_good(names(tiny, tmp_path, ["a\\b", "caf\udce9"]))
    lacked = lacking_features(tiny, tmp_path, ["sync a folder", "lock"], [errno.EINVAL])
    few = few_files(tiny, tmp_path, [5, 80])
    assert_good(lacked, few)
    assert len(lacked.seen) == len(few.seen) == 2


def test_generated_inputs_are_planned_or_refused_in_one_line():
    flags, configs = inputs(100, seed=0)
    assert_good(flags, configs)
    assert len(flags.seen) == len(configs.seen) == 2


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_goes_on_to_the_same_bits(tiny, tmp_path, number, status):
    with pytest.raises(Interrupted) as caught:
        tiny.run(tmp_path / "run", math.inf, at=(3 * CHUNK, lambda: signal.raise_signal(number)))
    assert caught.value.status == status
    names = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert names == [f"group-00000-step-{3 * CHUNK:09d}"]
    tiny.run(tmp_path / "run")
    assert tiny.differences(tmp_path / "run") == []


def test_a_second_signal_ends_a_run_at_once(tmp_path):
    long = ("--steps", "10000000", "--chunk", "1000000")  # a chunk of minutes
    process = launch(tmp_path / "run", tmp_path / "log", *long)
    try:
        while "group 1" not in (tmp_path / "log").read_text():
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
    finally:
        process.kill()


def test_a_finished_run_only_reports_even_where_nothing_can_be_written(stages, capsys):
    before = {p: p.stat().st_mtime_ns for p in stages.finished.rglob("*")}
    full_sweep.main([*FLAGS, "--out", str(stages.finished)])
    assert "already finished" in capsys.readouterr().out
    assert {p: p.stat().st_mtime_ns for p in stages.finished.rglob("*")} == before


@pytest.mark.parametrize("again", [False, True])
def test_a_directory_lost_or_replaced_while_running_ends_in_one_line(tiny, tmp_path, again):
    out = tmp_path / "run"

    def lose():
        shutil.rmtree(out)
        if again:
            out.mkdir()
            (out / ".lock").touch()

    with pytest.raises(StorageError, match="cannot write to"):
        tiny.run(out, at=(2 * CHUNK, lose))
    assert not (out / "checkpoints").exists()


def test_a_model_that_diverges_is_named_and_no_other_is_touched(tiny, tmp_path, capsys):
    other = copy.copy(tiny)
    other.study = dataclasses.replace(tiny.study, strengths=(0.5, 1e29))
    other.run(tmp_path / "run")
    print_summary(Console(soft_wrap=True), tmp_path / "run", None)
    assert "diverged (scores are NaN): μ=0 β=1e+29" in capsys.readouterr().out
    ours = directory.read_dataset(tmp_path / "run" / "results.nc")
    benign = directory.read_dataset(tiny.reference / "results.nc")
    assert set(benign.data_vars) == set(ours.data_vars)
    for name in set(results.SCORES) & set(benign.data_vars):
        np.testing.assert_array_equal(ours[name].sel(beta=0.5), benign[name].sel(beta=0.5))
    assert (ours["finite"].sel(beta=1e29) == 0).all()
    assert ours["recovery_r2"].sel(beta=1e29).isnull().all()
