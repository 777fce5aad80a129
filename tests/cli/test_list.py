"""`biasvae list`: runs below a folder, whole, half, damaged and foreign."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from rich.console import Console

from biasvae_jax import load_run
from biasvae_jax.cli import list as listing
from biasvae_jax.cli import output
from biasvae_jax.config import PRESETS
from biasvae_jax.errors import UsageError
from biasvae_jax.presets import STUDIES
from biasvae_jax.runs.catalogue import read_entry, run_folders, stored_settings
from biasvae_jax.runs.sums import write_checked
from biasvae_jax.study import Study, settings

ARCHIVE = Path(__file__).parents[1] / "runs" / "data" / "0.1.0.zip"


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """Runs of 0.1.0, of 2 μ × 2 β × 2 seeds: whole, and the half of another."""
    folder = tmp_path_factory.mktemp("old")
    with zipfile.ZipFile(ARCHIVE) as archive:
        names = [n for n in archive.namelist() if n.split("/")[0] in ("finished", "half")]
        archive.extractall(folder, names)
    return folder


@pytest.fixture
def runs(old, tmp_path):
    """A folder with a whole run in the form of today, a half one, and six that are none."""
    folder = tmp_path / "runs"
    whole = shutil.copytree(old / "finished", folder / "study" / "whole")
    about = json.loads((whole / "config.json").read_text())
    about["config"] = json.loads(json.dumps(Study.from_values(about["config"]).values))
    write_checked(whole / "config.json", json.dumps(about).encode())
    shutil.copytree(old / "half", folder / "half")
    (folder / "empty").mkdir()
    for name, text in {"text": "no JSON", "other": '{"model": "theirs"}', "list": "[1]"}.items():
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(text)
    (folder / "sealed").mkdir()
    write_checked(folder / "sealed" / "config.json", b'{"model": "theirs"}')
    shutil.copytree(whole, folder / "spoiled")
    (folder / "spoiled" / "results.nc").write_bytes(b"spoiled")
    shutil.copytree(whole, folder / "nameless")
    (folder / "nameless" / "config.json").unlink()
    return folder


def listed(capsys, *words):
    listing.main([str(word) for word in words], "biasvae list")
    return capsys.readouterr().out


def test_every_run_has_a_line_and_so_has_what_is_none(runs, capsys):
    lines = [line for line in listed(capsys, runs).splitlines() if str(runs) in line]
    about = {Path(line.split(str(runs))[1].split()[0]).parts[1]: line for line in lines}
    assert len(lines) == len(about) == 8 and "empty" not in about
    assert "finished" in about["study"] and " at mu 0" in about["study"]
    assert "squares × shift × beta_elbo × mlp" in about["study"]
    assert "2 mu (0 to 3) × 2 beta (0.2 to 4) × 2 seeds" in about["study"]
    assert "40 steps, fresh images" in about["study"]
    assert "75 % trained" in about["half"] and " at mu" not in about["half"]
    for name, why in {
        "other": "no checksum", "text": "no checksum", "list": "no checksum", "sealed": "is no run",
        "spoiled": "does not match", "nameless": "holds results.nc but no config.json",
    }.items():  # fmt: skip
        assert why in about[name] and "trained" not in about[name]


def test_the_best_cell_is_that_of_the_scores(old):
    scores, entry = load_run(old / "finished").scores, read_entry(old / "finished")
    for name, sign in (("recovery_r2", 1), ("generation_mse", -1)):
        mean = sign * scores[name].mean("seed")
        best = mean.where(mean == mean.max(), drop=True)
        assert entry.best[name].value == pytest.approx(sign * float(mean.max()), rel=1e-6)
        assert entry.best[name].cell == {n: float(best[n][0]) for n in ("mu", "beta")}


def test_runs_are_chosen_by_their_settings(runs, capsys):
    for words in (["mu=3"], ["world=squares", "kl-warmup=10"], ["steps=40.0"], ["patience=0"]):
        assert "study/whole" in listed(capsys, runs, "--where", *words), words
    for words in (["mu=4"], ["mu=3", "steps=41"], ["latent_dim=4"]):
        assert "no run below" in listed(capsys, runs, "--where", *words), words
    assert "no run below" in listed(capsys, runs / "empty", "--where", "mu=3")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--where", "objectve=factor"], "did you mean objective"),
        (["--where", "objective"], "takes NAME=VALUE"),
        (["--where", "=1"], "takes NAME=VALUE"),
    ],
)
def test_a_condition_that_cannot_be_is_told_in_one_line(old, words, line):
    with pytest.raises(UsageError, match=line):
        listing.main([str(old), *words], "biasvae list")


def test_a_folder_that_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(UsageError, match="is no folder"):
        listing.main([str(tmp_path / "nowhere")], "biasvae list")


@pytest.mark.parametrize("width", [40, 60, 80, 400])
def test_a_terminal_of_any_width_shows_whole_words(runs, monkeypatch, width):
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=width, highlight=False, soft_wrap=True)
    monkeypatch.setattr(output, "console", lambda: console)
    monkeypatch.chdir(runs.parent)
    listing.main(["runs", "--where", "mu=3"], "biasvae list")
    told = text.getvalue()
    lines = [line for line in told.splitlines() if not line.startswith("runs/")]  # names, errors
    assert "squares × shift" in told and ("best recovery R² 0" in told or width == 400)
    assert max(map(len, lines)) <= width and "…" not in told


def test_links_are_followed_once(old, tmp_path):
    os.symlink(old / "half", tmp_path / "a run")
    os.symlink(tmp_path, tmp_path / "round")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "config.json").write_text("{}")
    assert list(run_folders(tmp_path)) == [tmp_path / "a run"]


@pytest.mark.parametrize("name", [n for n in STUDIES if n not in ("dsprites", "celeba")])
def test_settings_are_those_of_the_study(name):
    study = STUDIES[name]()
    stored = stored_settings(json.loads(study.to_json()))
    assert stored == json.loads(json.dumps(settings(study)))
    if name in PRESETS:
        flat = PRESETS[name]().to_json()
        old = {n: v for n, v in settings(Study.from_json(flat)).items() if n in stored}
        assert stored_settings(json.loads(flat)).items() <= json.loads(json.dumps(old)).items()


def test_listing_starts_without_jax(old):
    code = "import sys; from biasvae_jax.cli.main import main; "
    code += f"main(['list', {str(old)!r}]); assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
