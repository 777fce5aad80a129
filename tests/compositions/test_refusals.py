"""Bad input to any composition is one line, before a device starts; help shows what is chosen."""

import json
import re
import sys

import numpy as np
import pytest

from biasvae_jax import ConfigError
from biasvae_jax.cli import common, sweep
from biasvae_jax.cli import main as biasvae
from biasvae_jax.errors import BadInput, UsageError
from biasvae_jax.runs.directory import RunDirectoryError
from biasvae_jax.worlds import files


@pytest.fixture
def no_device(monkeypatch):
    """Fail where a device would start."""

    def started(*_):
        raise AssertionError("a device was started")

    monkeypatch.setattr(sweep, "start_jax", started)


@pytest.fixture
def refused(no_device, tmp_path):
    def ask(*arguments):
        with pytest.raises(BadInput) as caught:
            sweep.main([*map(str, arguments), "--out", str(tmp_path / "run")])
        assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()
        return str(caught.value)

    return ask


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--world square", ("--world square is unknown", "did you mean squares?", "table")),
        ("--bias shfit", ("did you mean shift?", "scale", "resample", "--use")),
        ("--objective elbo", ("--objective elbo is unknown", "beta", "factor")),
        ("--network cnn", ("--network cnn is unknown", "conv", "mlp")),
        ("--world", ("--world needs a value",)),
        ("--bias resample", ("--bias resample is not for --world squares", "shift", "scale")),
        ("--world table --bias shift", ("--bias shift is not for --world table", "resample")),
        ("--world table", ("--data",)),
        ("--network conv", ("64×64", "21×21", "--network mlp")),
        ("--gamma 1", ("--gamma belongs to --objective", "factor", "this study's is beta")),
        ("--scale 2", ("--scale belongs to --bias scale", "shift")),
        ("--data a.npz", ("--data belongs to --world folder or table", "squares")),
        ("--network conv --hidden 8", ("--hidden belongs to --network mlp", "conv")),
        ("--objective factor --beta 1", ("--beta belongs to --objective beta", " or ", "factor")),
        ("--gama 1 --objective factor", ("--gama is no flag", "--gamma")),
        ("--use none.py", ("--use none.py", "no such file")),
        ("--config none", ("--config none cannot be read",)),
    ],
)
def test_what_cannot_be_composed_is_one_line_that_says_what_can(refused, arguments, words):
    line = refused(*arguments.split())
    assert all(word in line for word in words), line


def npz(folder, **arrays):
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


IMAGES, ROWS = np.ones((8, 4, 4), np.uint8), np.arange(16.0).reshape(8, 2)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda p: p / "none.npz", "cannot be read"),
        (lambda p: p, "cannot be read"),
        (lambda p: npz(p, imgs=IMAGES), "no latents_values"),
        (lambda p: npz(p, imgs=IMAGES * 1.5, latents_values=ROWS), "uint8"),
        (lambda p: npz(p, imgs=IMAGES, latents_values=ROWS * 0), "no factor that varies"),
        (lambda p: npz(p, imgs=IMAGES, latents_values=ROWS[:, :0]), "factors"),
        (lambda p: p.joinpath("a.h5").write_bytes(b"junk") and p / "a.h5", "damaged"),
    ],
)
def test_a_data_file_that_cannot_serve_is_refused_before_a_device_starts(
    refused, tmp_path, make, word
):
    assert word in refused("--world", "table", "--data", make(tmp_path), "--likelihood-variance", 1)


def test_a_truncated_file_and_one_larger_than_memory_are_too(
    refused, dsprites, tmp_path, monkeypatch
):
    cut = tmp_path / "cut.npz"
    cut.write_bytes(dsprites.read_bytes()[:-300])
    table = ["--world", "table", "--likelihood-variance", "1", "--data"]
    assert "damaged" in refused(*table, cut)
    monkeypatch.setattr(files.psutil, "virtual_memory", lambda: type("M", (), {"available": 9_000}))
    files.read_rows.cache_clear()
    line = refused(*table, dsprites)
    assert "--rows" in line and "fits" in line
    monkeypatch.undo()
    files.read_rows.cache_clear()


def test_a_factor_or_a_value_that_the_data_lack_is_named_with_what_there_is(refused, dsprites):
    table = ["--world", "table", "--likelihood-variance", "1", "--data", dsprites]
    assert "factor 2, factor 3" in refused(*table, "--factor", "colour")
    assert "below the 4 values" in refused(*table, "--value", "9")
    assert "--likelihood-variance" in refused("--world", "table", "--data", dsprites)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("x = ", "SyntaxError"),
        ("x = 1", "defines no component"),
        ("raise SystemExit(3)", "failed"),
        (
            "from biasvae_jax import Scale\nclass Mine(Scale):\n    kind = 'shift'\n",
            "shift already",
        ),
        (
            "from dataclasses import dataclass\nfrom biasvae_jax import LatentBias\n"
            "@dataclass(frozen=True)\nclass Mine(LatentBias):\n    kind = 'mine'\n",
            "lacks axis, which every bias has",
        ),
        (
            "from dataclasses import dataclass\nfrom biasvae_jax import Scale\n"
            "@dataclass(frozen=True)\nclass Mine(Scale):\n    kind = 'mine'\n    much: float\n",
            "a field without a default, much",
        ),
        (
            "from dataclasses import dataclass\nfrom biasvae_jax import Scale\n"
            "@dataclass(frozen=True)\nclass Mine(Scale):\n    kind = 'mine'\n    width: int = 1\n",
            "has a flag --width, and so has the command; give the field",
        ),
    ],
)
def test_a_file_of_ones_own_that_cannot_be_used_says_why(refused, tmp_path, without, code, word):
    file = tmp_path / "mine.py"
    file.write_text(code)
    line = refused("--use", file, "--bias", "mine")
    assert word in line and (line.startswith(f"--use {file}") or "--width" in line), line


def config(tmp_path, change):
    _, study, _ = sweep.read_flags(["--preset", "smoke"])
    values = json.loads(study.to_json())
    change(values)
    (tmp_path / "config.json").write_text(json.dumps({"config": values}))
    return tmp_path


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda v: v.update(format=3), "install the newer package"),
        (lambda v: v["bias"].update(version=9), "install the newer package"),
        (lambda v: v["world"].update(kind="lakes"), "--world lakes is unknown"),
        (lambda v: v["world"].update(blur=1), "squares has no blur"),
        (lambda v: v.update(more=1), "more"),
        (lambda v: v["training"].update(steps=-1), "--steps"),
        (lambda v: v.update(axes={"gamma": [1]}), "axes"),
    ],
)
def test_a_study_of_a_newer_version_is_refused(refused, tmp_path, change, word):
    assert word in refused("--config", config(tmp_path, change))


def test_config_starts_from_a_runs_study_and_flags_override_it(tmp_path):
    path = config(tmp_path, lambda v: v["training"].update(steps=2_345))
    _, plain, _ = sweep.read_flags(["--preset", "smoke"])
    _, study, _ = sweep.read_flags(["--config", str(path), "--seeds", "4"])
    assert study.training.steps == 2_345 and study.seeds == 4 and study.world == plain.world
    _, again, _ = sweep.read_flags(["--config", str(path / "config.json"), "--seeds", "4"])
    assert again == study


def helped(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        sweep.main([*arguments, "--help"])
    assert not caught.value.code
    return capsys.readouterr().out


def test_help_shows_the_chosen_components_flags_and_no_others(capsys, no_device, mine, without):
    def flags(*arguments):
        text = helped(capsys, *arguments).partition(" options ")[2]
        return set(re.findall(r"^\W*(--[a-z-]+)", text, re.MULTILINE)), " ".join(text.split())

    plain, _ = flags()
    assert {"--mu", "--beta", "--hidden", "--contrast", "--world", "--out"} <= plain
    assert not plain & {"--gamma", "--data", "--factor", "--scale", "--discriminator"}
    table, _ = flags("--world", "table", "--objective", "factor", "--network", "conv")
    assert {"--data", "--factor", "--share", "--gamma", "--discriminator"} <= table
    assert not table & {"--mu", "--beta", "--hidden", "--contrast"}
    own, text = flags("--use", str(mine / "bar.py"), "--world", "bar")
    assert "--blur" in own and "--contrast" not in own and "as a share of the line" in text


def test_every_command_gives_the_same_study(monkeypatch):
    from experiments import full_sweep

    flags = ["--preset", "smoke", "--bias", "scale", "--n", "2"]
    _, study, _ = sweep.read_flags(flags)
    assert full_sweep.main is sweep.main or full_sweep.read_flags(flags)[1] == study
    assert biasvae.command("sweep") is sweep.main


def test_the_command_tells_its_version_and_refuses_a_name_it_does_not_know(capsys):
    biasvae.main(["--version"])
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("biasvae_jax 0.", "jax 0.", "jaxlib", "cpu"))
    with pytest.raises(UsageError, match="biasvae nonsense is unknown; the commands are sweep"):
        biasvae.main(["nonsense"])
    biasvae.main([])
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("sweep", "score", "report"))


def test_to_the_command_a_bad_composition_is_one_line_and_status_2(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["biasvae", "sweep", "--world", "nowhere"])
    try:
        with pytest.raises(SystemExit) as stop:
            biasvae.run()
    finally:
        common.LISTENER.stop()  # it would outlive the test
    printed = capsys.readouterr()
    assert stop.value.code == 2 and printed.out == ""
    assert printed.err.startswith("error: --world nowhere") and printed.err.count("\n") == 1


def test_a_stored_study_of_a_newer_version_is_refused_where_a_run_is(tmp_path, no_device):
    assert issubclass(RunDirectoryError, BadInput) and issubclass(ConfigError, BadInput)
