"""Run directories made by 0.1.0 still open, resume, score and report.

`data/0.1.0.zip` holds six runs of commit 73b6794, whose figures and reports are left out:

    python -m experiments.full_sweep --preset smoke --mu 0 3 --beta 0.2 4 --seeds 2 --steps 40
      --kl-warmup 10 --n 2 --m 3 --hidden 8 --batch-size 8 --bins 0.2 0.8 --devices 1 --chunk 20

and the same with `--group 4`, that interrupted at step 20 of its second group, with `--contrast 1
0.5 0.5 1`, with `--patience 5 --tolerance 1e9`, and scored with r2, mcc, mig, encoder, gaussian.

What Adam's heads give (`pmi`, `recovery_mse`, `generation_…`, and these of random networks) is the
same only where it is read: on a test set as small as this they take more epochs than 0.1.0's, whose
three steps had not reached the least squares.
"""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from biasvae_jax import Config, load_run
from biasvae_jax.cli import finished, report, score
from biasvae_jax.cli import sweep as full_sweep
from biasvae_jax.cli.summary import print_summary
from biasvae_jax.scores.events import EVENT
from biasvae_jax.statistics.regimes import Regime, regime

ARCHIVE = Path(__file__).parent / "data" / "0.1.0.zip"
NAMES = ("finished", "two_groups", "half", "contrast", "patience", "scored")
FLAGS = [
    *("--preset", "smoke", "--mu", "0", "3", "--beta", "0.2", "4", "--seeds", "2"),
    *("--steps", "40", "--kl-warmup", "10", "--n", "2", "--m", "3", "--hidden", "8"),
    *("--batch-size", "8", "--bins", "0.2", "0.8", "--devices", "1", "--chunk", "20", "--quiet"),
]
MORE = {
    "contrast": ["--contrast", "1", "0.5", "0.5", "1"],
    "patience": ["--patience", "5", "--tolerance", "1e9"],
}


@pytest.fixture
def old(tmp_path):
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def dataset(file):
    with xr.open_dataset(file, engine="h5netcdf") as stored:
        return stored.load()


def of_a_head(name):
    """Tell whether a variable is what Adam's heads give."""
    name = name.removeprefix("random_")
    return name == "pmi" or name.startswith(("recovery_mse", "generation_"))


def same(a, b, exactly=False):
    """Another machine adds in another order; what is only read is the same to the last bit."""
    for name in b.data_vars:
        if name in a and (exactly or not of_a_head(str(name))):
            tolerance = {"rtol": 0, "atol": 0} if exactly else {"rtol": 1e-3, "atol": 1e-4}
            np.testing.assert_allclose(a[name], b[name], err_msg=str(name), **tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_with_its_scores_curves_parameters_and_identity(old, name):
    run = load_run(old / name)
    text = json.dumps(json.loads((old / name / "config.json").read_text())["config"], indent=2)
    assert run.study.to_json() == text and run.config == Config.from_json(text)
    assert run.study.grid.dims == ("mu", "beta", "seed") and run.study.grid.size == 8
    params = run.params(mu=3, beta=4)
    u, x = run.recipe.world.test_set()
    assert u.shape == (16, 4)
    assert run.decode(params, run.encode(params, x)[0]).shape == (16, 36)
    assert run.finished == (name != "half")
    if run.finished:
        stored = dataset(old / name / "results.nc")
        same(run.scores.drop_vars("regime"), stored.drop_vars("regime"), exactly=True)
        assert (run.boundary == run.boundary[0]).sum() == 1 and run.boundary[0] > 2


def test_its_regimes_are_told_anew_and_its_file_stays(old, tmp_path):
    """It stored "recovered" of models with an R² of 0.4, whose code follows noise."""
    path = old / "finished"
    before, stored = (path / "results.nc").read_bytes(), dataset(path / "results.nc")
    assert (stored["regime"] == Regime.RECOVERED).sum() == 4 and stored["recovery_r2"].max() < 0.5
    run = load_run(path)
    limits = np.array([0.2, 4.0])[:, None], run.boundary[:, None, None]
    active, finite, share = (stored[n].values for n in ("active_units", "finite", "signal_share"))
    assert (run.scores["regime"] == regime(*limits, active, finite, 4, share)).all()
    assert (run.scores["regime"] == Regime.ACTIVE_ON_NOISE).all()
    page = report.write_report(run, file=tmp_path / "page.html").read_text(encoding="utf-8")
    assert "8 active on noise" in page and "Recovered: 0 of 8 models" in page
    with io.StringIO() as text:
        print_summary(Console(file=text, width=200), path, None)
        assert "8 active on noise" in text.getvalue() and "recovered: 0 of 8" in text.getvalue()
    assert (path / "results.nc").read_bytes() == before


@pytest.mark.parametrize("name", NAMES)
def test_the_same_command_goes_on_to_the_same_results(old, name, monkeypatch):
    """A finished run is shown again from what is stored; the half one is trained to its end."""
    if name not in ("half", *MORE):  # the figures of the others show the same variables
        monkeypatch.setattr(finished, "write_figures", lambda run: None)
    before = {p: p.read_bytes() for p in (old / name).glob("*.nc")}
    full_sweep.main([*FLAGS, *MORE.get(name, []), "--out", str(old / name)])
    assert {p: p.read_bytes() for p in before} == before
    whole = "two_groups" if name == "half" else name
    same(load_run(old / name).scores, load_run(old / whole).scores)
    same(dataset(old / name / "history.nc"), dataset(old / whole / "history.nc"))
    if name == "half":  # what was not scored then is, in the group of then too
        results = dataset(old / name / "results.nc")
        assert all(results[each].notnull().all() for each in EVENT)
    assert "<html" in (old / name / "report.html").read_text(encoding="utf-8")


def test_training_from_the_start_gives_what_0_1_0_gave(old, tmp_path):
    out = tmp_path / "anew"
    full_sweep.main([*FLAGS, "--out", str(out)])
    ours, theirs = load_run(out), load_run(old / "finished")
    same(ours.scores, theirs.scores)
    same(dataset(out / "history.nc"), dataset(old / "finished" / "history.nc"))
    assert ours.study == theirs.study and ours.study.to_json() != theirs.study.to_json()
    for (mu, beta), seed in zip(((0, 0.2), (3, 4)), (0, 1), strict=True):
        a, b = (run.params(mu=mu, beta=beta, seed=seed) for run in (ours, theirs))
        for part, layers in b.items():
            for layer, arrays in layers.items():
                for kind, array in arrays.items():
                    found = a[part][layer][kind]
                    np.testing.assert_allclose(found, array, rtol=1e-4, atol=1e-5)


def test_it_is_scored_further_and_what_was_scored_stays(old):
    stored = dataset(old / "scored" / "scores.nc")
    assert {"r2", "mcc", "mig", "encoder_threshold", "mi_gaussian"} <= set(stored.data_vars)
    for name in ("finished", "scored"):
        score.main([str(old / name), "--scores", "sap", "r2", "--quiet"])
        found = dataset(old / name / "scores.nc")
        assert found["sap"].notnull().all()
        same(found, stored, exactly=name == "scored")


def test_two_old_runs_and_an_old_with_a_new_one_are_compared(old, tmp_path):
    report.main([str(old / "finished"), str(old / "patience"), "--out", str(tmp_path / "a.html")])
    assert "<html" in (tmp_path / "a.html").read_text(encoding="utf-8")
