"""The report command on runs small enough to train for real."""

import base64
import dataclasses
import json
import re
import shlex
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biasvae_jax import Scale, load_run
from biasvae_jax.cli import common, gathering, report
from biasvae_jax.cli import sweep as full_sweep
from biasvae_jax.cli.flags import command
from biasvae_jax.cli.gathering import curves, pictures
from biasvae_jax.cli.gathering.surfaces import predictions
from biasvae_jax.config import PRESETS, Config
from biasvae_jax.errors import ConfigError, UsageError
from biasvae_jax.report import PICTURES
from biasvae_jax.runs import directory
from biasvae_jax.theory.reference import reference


def data_of(file):
    text = file.read_text()
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_a_sweep_ends_with_its_report(tiny_run):
    data = data_of(tiny_run / "report.html")
    cells = [cell for row in data["runs"][0]["cells"] for cell in row]
    assert len(cells) == 4 and all(set(cell["pictures"]) == set(PICTURES) for cell in cells)
    assert all(len(line) == 40 for cell in cells for line in cell["curves"]["kl"])
    assert "not finished" not in (tiny_run / "report.html").read_text()


def test_a_report_begins_with_what_the_models_were_trained_on(tiny_run):
    page = (tiny_run / "report.html").read_text()
    strip = page.index("Training images: the same draws")
    assert strip < page.index("Training images at") < page.index("The grid")


def test_every_model_of_a_small_run_is_live_and_right_to_the_error_that_is_printed(tiny_run):
    page, run = data_of(tiny_run / "report.html")["runs"][0], load_run(tiny_run)
    small = page["cells"][0][0]["live"]
    assert [page["live"]["decoders"] + page["live"]["constants"], page["live"]["latents"]] == [4, 4]
    first, _, second, _ = layers = page["live"]["layers"]
    assert [layer["do"] for layer in layers] == ["product", "relu", "product", "sigmoid"]
    stored, at = base64.b64decode(small["weights"]), 0
    matrices = []
    for layer in (first, second):
        outputs, inputs = layer["outputs"], layer["inputs"]
        scale, bias = np.frombuffer(stored, "<f4", 2 * outputs, at).reshape(2, -1)
        whole = np.frombuffer(stored, np.int8, inputs * outputs, at + 8 * outputs)
        at += 8 * outputs + inputs * outputs
        matrices += [whole.reshape(inputs, outputs) * scale, bias]
    assert at == len(stored)
    params = run.params(mu=run.grid.bias[0], beta=run.grid.strength[0], seed=0)
    code = np.linspace(-2, 2, 4)[None]
    kernel, bias, last, end = matrices
    drawn = 1 / (1 + np.exp(-(np.maximum(code @ kernel + bias, 0) @ last + end)))
    gap = np.abs(drawn - np.asarray(run.decode(params, code))).max()
    assert 0 < gap < 2 * small["error"][0] < 0.1


def test_half_a_run_is_reported_with_a_banner(half_run):
    report.main([str(half_run)])
    text = (half_run / "report.html").read_text()
    assert "not finished. 4 of 8 models are trained; 4 more have taken up to 20 of 40" in text


def test_two_runs_are_compared_where_they_overlap(tiny_run, tiny_flags, tmp_path, monkeypatch):
    monkeypatch.setattr("biasvae_jax.cli.finished.present", lambda out: None)
    other = tmp_path / "other"
    full_sweep.main([*tiny_flags, "--mu", "3", "5", "--seeds", "1", "--out", str(other)])
    report.main([str(tiny_run), str(other), "--out", str(tmp_path / "both.html")])
    data = data_of(tmp_path / "both.html")
    assert data["rows"] == {"name": "mu", "symbol": "μ", "values": ["3"]}
    assert [run["name"] for run in data["runs"]] == ["tiny", "other"]
    assert len(data["maps"]["kl"]) == 3
    named = other.rename(tmp_path / ("n" * 250))  # too long for compare-….html
    report.main([str(tiny_run), str(named)])
    (written,) = tiny_run.glob("compare-n*.html")
    assert data_of(written)["runs"][1]["name"] == "n" * 250
    written.unlink()
    run = load_run(tiny_run)
    apart = dataclasses.replace(run.study, biases=(7.0,))
    with directory.lock_run(tmp_path / "apart"):  # a run that has only begun
        directory.open_run(tmp_path / "apart", apart, {"plan": run.description["plan"]})
    with pytest.raises(UsageError, match="in common"):
        report.main([str(tiny_run), str(tmp_path / "apart")])


def test_a_page_that_cannot_be_made_is_not_called_a_fault_of_the_disk(tiny_run, monkeypatch):
    def broken(views):
        raise FileNotFoundError("a part of the page")

    monkeypatch.setattr(report, "page", broken)
    monkeypatch.setattr(report, "gather", lambda run, *_: SimpleNamespace(name=run.path.name))
    with pytest.raises(FileNotFoundError, match="a part of the page"):
        report.write_report(load_run(tiny_run))


def test_it_says_what_to_open_and_nothing_else(tiny_run):
    line = [sys.executable, "-m", "experiments.report", str(tiny_run)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"open {tiny_run / 'report.html'}\n"


def filmed(run):
    """Give a run pictures in the middle of its training, of noise; the first cell has one alone."""
    size, rng = (*run.grid.shape[:2], 3, 2, *run.study.world.image), np.random.default_rng(0)
    drawn = rng.uniform(size=size)
    drawn[0, 0, :2] = np.nan
    image = ("image", "pixel_y", "pixel_x", "channel")
    count = (*run.grid.dims, "snapshot"), np.full((*run.grid.shape, 4), 2.0)
    history = run.history.assign(
        reconstructions=((*run.grid.dims[:2], "frame", *image), drawn),
        test_images=(image, drawn[0, 0, 2]),
        active_units=count,
    ).assign_coords(frame=[1, 20, 40], snapshot=[1, 9, 20, 40])
    return dataclasses.replace(run, history=history)


def test_a_large_grid_keeps_to_the_pages_room(tiny_run, monkeypatch, tmp_path):
    whole = data_of(tiny_run / "report.html")["runs"][0]["cells"]
    sizes = [sum(map(len, cell["pictures"].values())) for row in whole for cell in row]
    monkeypatch.setattr(pictures, "PICTURE_BYTES", sum(sizes) - 1)
    monkeypatch.setattr(curves, "CURVE_NUMBERS", 4 * 9 * 10)
    run = report.write_report(filmed(load_run(tiny_run)), file=tmp_path / "small.html")
    data = data_of(run)["runs"][0]
    cells = [cell for row in data["cells"] for cell in row]
    shown = [cell for cell in cells if cell["pictures"]]
    used = [
        len(cell["film"]["images"]) + sum(map(len, cell["pictures"].values())) for cell in shown
    ]
    assert 0 < sum(used) < sum(sizes) and sum(used) + max(used) >= sum(sizes)
    film = data["film"]
    assert [film["strips"], film["frames"], film["measured"]] == [len(shown), 3, 4]
    assert all((cell["film"] is None) == (cell["pictures"] == {}) for cell in cells)
    steps = [cell["film"]["steps"] for cell in shown if cell is not cells[0]]
    assert steps and all(each == [1, 20, 40] for each in steps)
    assert cells[0]["film"] is None or cells[0]["film"]["steps"] == [40]
    assert all(len(line) == 10 for cell in cells for line in cell["curves"]["kl"])


def test_the_help_is_grouped_and_gives_defaults(capsys, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit):
        full_sweep.read_flags(["--help"])
    text = capsys.readouterr().out
    assert all(f"{name} options" in text for name in ("image", "network", "training", "run"))
    assert "(default: 64)" in text
    assert not re.search(r"\x1b\[[0-9;]*[39][0-7]m", text)


def test_a_run_is_named():
    with pytest.raises(UsageError, match="name one run directory"):
        report.main([])


def test_any_number_of_runs_is_cut_to_the_cells_that_all_have(tiny_run, monkeypatch, tmp_path):
    run, gathered = load_run(tiny_run), []

    def gather(run, rows, columns, runs):
        assert runs == 3  # the room for pictures is shared
        gathered.append((run.path.name, rows, columns))
        return SimpleNamespace(name=run.path.name)

    monkeypatch.setattr(report, "gather", gather)
    monkeypatch.setattr(report, "page", lambda views: " and ".join(view.name for view in views))
    monkeypatch.setattr(report, "write_atomically", lambda file, content: written.append(content))
    runs, written = [run], []
    for name, biases in (("b", (3.0, 0.0, 7.0)), ("c", (5.0, 3.0))):
        study = dataclasses.replace(run.study, biases=biases)
        runs.append(dataclasses.replace(run, study=study, path=tmp_path / name))
    strengths = tuple(run.grid.strength)
    assert report.write_report(*runs) == tiny_run / "compare-b-c.html"
    assert gathered == [(each.path.name, (3.0,), strengths) for each in runs]
    assert written == [f"{tiny_run.name} and b and c".encode()]


def test_what_is_no_run_exits_with_2_and_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["report", str(tmp_path)])
    try:
        with pytest.raises(SystemExit) as stop:
            common.run(report.main)
    finally:
        common.LISTENER.stop()  # it would outlive the test
    printed = capsys.readouterr()
    assert stop.value.code == 2 and printed.out == ""
    assert printed.err == f"error: {tmp_path} is no run; name a directory made by full_sweep\n"


numbers = st.floats(-1e29, 1e29, allow_subnormal=False)
positive = st.floats(1e-29, 1e29, allow_subnormal=False)
changes = st.fixed_dictionaries(
    {},
    optional={
        "mu": st.lists(numbers, min_size=1, max_size=3, unique_by=np.float32).map(tuple),
        "beta": st.lists(positive, min_size=1, max_size=2, unique_by=np.float32).map(tuple),
        "seeds": st.integers(1, 9),
        "learning_rate": positive,
        "hidden": st.lists(st.integers(1, 99), max_size=2).map(tuple),
        "activation": st.sampled_from(["relu", "gelu"]),
        "latent_dim": st.none() | st.integers(1, 9),
        "output": st.sampled_from(["sigmoid", "identity"]),
        "noise_mean": numbers,
        "likelihood_variance": st.none() | positive,
        "contrast": st.just(()) | st.just((2.0, 1e-05, 0.1) * 3),
    },
)


@given(st.sampled_from(sorted(PRESETS)), changes)
@example("blog", {"mu": (-1e-3,)})
@example("annealed", {"mu": (-1.0, 1e-7), "hidden": (), "latent_dim": 4, "contrast": (2.0,) * 9})
@example("smoke", {"kl_warmup": 0, "beta": (1.0,), "bins": (0.25,)})
def test_the_command_repeats_the_config(preset, changes):
    config = dataclasses.replace(PRESETS[preset](), **changes)
    words = shlex.split(command(config.study))
    assert words[:3] == ["python", "-m", "experiments.full_sweep"]
    assert full_sweep.read_flags(words[3:])[1] == config.study


def test_predictions_are_the_linear_optimums():
    """Sample the optimal linear β-VAE itself and score it."""
    config = Config(mu=(0.0, 2.0), beta=(0.5, 3.0, 12.0), n=1, m=7)
    found = reference(config.study.recipe, config.study.grid).predictions
    rng = np.random.default_rng(0)
    u = rng.choice(config.bins, 400_000)
    for i, mu in enumerate(config.mu):
        train = 1 / (1 + np.exp(-rng.normal(mu, 1, 400_000)))
        for j, beta in enumerate(config.beta):
            t, eigenvalue = beta * 0.25, 49 * train.var() + 0.25
            gain = np.sqrt(max(0, eigenvalue - t)) / eigenvalue
            mean = gain * 7 * (u - train.mean())
            z_hat = mean + np.sqrt(min(1, t / eigenvalue)) * rng.normal(size=u.shape)
            slope, offset = np.polyfit(u, z_hat, 1)
            residual = z_hat - slope * u - offset
            decoded = train.mean() + np.sqrt(max(0, eigenvalue - t)) * (slope * u + offset) / 7
            known = {
                "pmi": residual.var(),
                "recovery_r2": np.corrcoef(u, z_hat)[0, 1] ** 2,
                "generation_mse": np.mean((decoded - u) ** 2),
            }
            for name, value in known.items():
                assert found[name][i, j] == pytest.approx(value, rel=0.02, abs=2e-4), name


def test_predictions_that_a_run_does_not_store_are_computed(tiny_run):
    """Runs of 0.1.0 store none."""
    run = load_run(tiny_run)
    stored = predictions(run)
    kept = [name for name in run.scores if str(name).startswith(("linear_", "threshold"))]
    assert "linear_kl" in kept and run.boundary.shape == (2,)
    old = dataclasses.replace(run, scores=run.scores.drop_vars(kept))
    computed = predictions(old)
    assert set(computed) == set(stored)
    np.testing.assert_allclose(computed["kl"], stored["kl"], rtol=1e-5, atol=1e-5)
    view = gathering.gather(old, *(axis.values for axis in (run.grid.bias, run.grid.strength)))
    np.testing.assert_allclose(view.boundary, run.boundary)


def test_a_cell_that_two_runs_share_up_to_single_precision_is_compared():
    ours, theirs = Config(beta=(0.3, 1, 2)), Config(beta=(2, 0.1 + 0.2))
    axes = (config.study.grid.strength for config in (ours, theirs))
    assert report.shared(*axes) == (0.3, 2.0)


def test_runs_of_other_axes_are_not_compared(tiny_run):
    run = load_run(tiny_run)
    study = dataclasses.replace(run.study, bias=Scale(), biases=(1.0,))
    with pytest.raises(UsageError, match="mu × beta and scale × beta"):
        report.write_report(run, dataclasses.replace(run, study=study))


def test_a_run_whose_own_code_is_missing_is_reported_without_pictures(tiny_run, tmp_path):
    class Gone:
        def __get__(self, *_):
            raise ConfigError("--data gone.h5 cannot be read")

    run = load_run(tiny_run)
    lost = type("Lost", (type(run),), {"recipe": Gone()})
    kept = {f.name: getattr(run, f.name) for f in dataclasses.fields(run)}
    text = report.write_report(lost(**kept), file=tmp_path / "report.html").read_text()
    assert "No pictures: --data gone.h5 cannot be read." in text
    assert not data_of(tmp_path / "report.html")["runs"][0]["cells"][0][0]["pictures"]
