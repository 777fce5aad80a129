"""A run directory as an object: what is there, in full and half-way."""

import dataclasses
import hashlib
import json
import os
import shutil
from datetime import datetime

import jax.numpy as jnp
import numpy as np
import pytest

from biasvae_jax import Config, load_run
from biasvae_jax.runs import directory
from biasvae_jax.runs.directory import StorageError
from biasvae_jax.runs.lock import RunDirectoryError


def test_scores_history_and_parameters_of_a_finished_run(tiny_run):
    run = load_run(tiny_run)
    assert run.finished and (run.steps == 40).all()
    assert dict(run.scores["kl"].sizes) == {"mu": 2, "beta": 2, "seed": 2}
    images = run.recipe.world.render(jnp.full((5, 4), 0.5))
    params = run.params(mu=3, beta=0.5, seed=1)
    mean, logvar = run.encode(params, images)
    assert mean.shape == logvar.shape == (5, 4) and run.decode(params, mean).shape == (5, 36)


def test_parameters_are_those_of_the_model_asked_for(tiny_run):
    run = load_run(tiny_run)
    stored = [directory.load_models(tiny_run, group, run.study)["params"] for group in (0, 1)]
    for index, (mu, beta) in enumerate([(0, 0.5), (0, 50), (3, 0.5), (3, 50)]):
        for seed in (0, 1):
            bias = run.params(mu=mu, beta=beta, seed=seed)["decoder"]["Dense_1"]["bias"]
            known = stored[seed]["decoder"]["Dense_1"]["bias"][index]
            np.testing.assert_array_equal(bias, known)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"mu": 1, "beta": 0.5}, "no mu 1 in this run; it has 0, 3"),
        ({"mu": 0, "beta": 1}, "no beta 1"),
        ({"mu": 0, "beta": 0.5, "seed": 2}, "no seed 2"),
    ],
)
def test_a_model_that_is_not_there_is_named(tiny_run, asked, words):
    with pytest.raises(KeyError, match=words):
        load_run(tiny_run).params(**asked)


def test_a_heat_map_and_a_representation_in_a_notebook(tiny_run):
    run = load_run(tiny_run)
    figure = run.heat_map("kl")
    assert len(figure.data) == 3 and np.shape(figure.data[0].z) == (2, 2)
    with pytest.raises(KeyError, match="recovery_r2"):
        run.heat_map("nonsense")
    assert "finished" in repr(run) and run._repr_html_().count("<td>") == 4


def test_the_time_a_run_took_is_as_stored_or_that_between_its_files(tiny_run, tmp_path, half_run):
    run = load_run(shutil.copytree(tiny_run, tmp_path / "run"))
    stored = run.description
    assert 0 < run.took < 600 and run.took == stored["seconds"]
    assert datetime.fromisoformat(stored["started"]).timestamp() == run.begun
    for field in ("started", "ended", "seconds"):  # as version 0.1.0 stored it
        del stored[field]
    for name, time in (("config.json", 1_000), ("results.nc", 1_090)):
        os.utime(run.path / name, (time, time))
    assert run.begun == 1_000 and run.took == 90
    os.utime(run.path / "results.nc", (1_000, 1_000))
    assert np.isnan(run.took) and np.isnan(load_run(half_run).took)


def test_the_representation_escapes_its_path(tiny_run, tmp_path):
    run = load_run(shutil.copytree(tiny_run, tmp_path / "<img src=x>"))
    assert "<img" not in run._repr_html_()


def test_half_a_run_gives_what_is_there(half_run):
    run = load_run(half_run)
    assert not run.finished and sorted(set(run.steps)) == [20, 40]
    assert run.scores["recovery_r2"].isel(seed=0).notnull().all()
    assert run.scores["recovery_r2"].isel(seed=1).isnull().all()
    assert run.scores["active_units"].isel(seed=1).isnull().all()
    assert run.scores["kl"].notnull().all() and (run.scores["finite"] == 1).all()
    assert run.history["loss"].isel(seed=0).notnull().all()
    known = run.history["loss"].isel(seed=1).notnull()
    assert known[..., :20].all() and not known[..., 20:].any()
    run.params(mu=0, beta=50, seed=1)


def test_a_run_that_has_only_begun_has_no_parameters(half_run):
    shutil.rmtree(half_run / "checkpoints")
    run = load_run(half_run)
    assert run.scores["kl"].isel(seed=1).isnull().all()
    with pytest.raises(StorageError, match="no parameters of group 1"):
        run.params(mu=0, beta=50, seed=1)


def rewrite(run, **changes):
    file = run / "config.json"
    description = json.loads(file.read_text()) | changes
    content = json.dumps(description).encode()
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    directory.checksum_file(file).write_text(f"{digest}  config.json\n")


def test_no_run_and_a_newer_version_are_refused_in_a_line(tiny_run, tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(RunDirectoryError, match="is no run"):
            load_run(path)
    newer = shutil.copytree(tiny_run, tmp_path / "newer")
    rewrite(newer, versions={"biasvae_jax": "99.0.1"}, config={"unknown": 1})
    with pytest.raises(RunDirectoryError, match=r"made by biasvae_jax 99\.0\.1.*install"):
        load_run(newer)


def test_results_of_another_run_are_refused(tiny_run, tmp_path):
    other = shutil.copytree(tiny_run, tmp_path / "other")
    config = dataclasses.asdict(load_run(tiny_run).config) | {"learning_rate": 0.5}
    assert Config.from_dict(config)
    rewrite(other, config=config)
    with pytest.raises(RunDirectoryError, match="another run"):
        load_run(other)
