"""The main command as a user meets it, on a grid small enough to train for real."""

import json
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from learned import FLAGS

from biasvae_jax.cli import pictures
from biasvae_jax.cli import sweep as full_sweep
from biasvae_jax.cli.common import UsageError, _one_line
from biasvae_jax.cli.flags import with_kinds
from biasvae_jax.cli.summary import ORIGINAL_BASELINE
from biasvae_jax.components import find_kind
from biasvae_jax.config import PRESETS, Config
from biasvae_jax.errors import BadInput
from biasvae_jax.runs.loading import load_run
from biasvae_jax.study import Draft, Study


def test_a_run_directory_holds_what_the_contract_says(learned_run):
    description = json.loads((learned_run / "config.json").read_text())
    times = {"started", "ended", "seconds"}
    assert set(description) == {"config", "plan", "versions", "settings", "devices"} | times
    assert Study.from_values(description["config"]).training.steps == 300
    assert {"jax", "biasvae_jax", "python"} <= set(description["versions"])
    with xr.open_dataset(learned_run / "results.nc") as results:
        own = {"direction": 4}  # the latents' contrasts differ
        assert results.sizes == {"mu": 2, "beta": 2, "seed": 1, "network": 3} | own
        assert (results["finite"] == 1).all()
        names = set(results.data_vars) - {"signal_share", "linear_signal_share"}
        assert not any(results[name].isnull().any() for name in names)
        silent = results["active_units"] == 0
        assert (results["signal_share"].isnull() == silent).all()
        silent = results["linear_active_units"] == 0
        assert (results["linear_signal_share"].isnull() == silent).all()
    with xr.open_dataset(learned_run / "history.nc") as history:
        assert history.sizes["step"] == 200
    assert list((learned_run / "models").iterdir()) and not list(learned_run.glob(".writing*"))


def test_the_scores_tell_a_model_that_follows_the_factors_from_a_collapsed_one(learned_run):
    with xr.open_dataset(learned_run / "results.nc") as results:
        low, high = results.sel(mu=0, beta=0.2), results.sel(mu=0, beta=50)
        assert (low["recovery_r2"] > 0.7).all() and (high["recovery_r2"] < 0.1).all()
        assert (low["active_units"] == 4).all() and (high["active_units"] == 0).all()
        assert (low["pmi"] < 0.3).all() and (high["pmi"] > 0.9).all()
        assert (low["generation_mse"] < high["generation_mse"]).all()
        terms = sum(results[f"generation_{term}"] for term in ("offset", "shrinkage", "head"))
        np.testing.assert_allclose(terms, results["generation_mse"], rtol=1e-4)
        assert (low["regime"] == 7).all() and (high["regime"] == 2).all()
        assert (low["signal_share"] > 0.9).all()


def test_every_figure_is_drawn(learned_run):
    names = {path.stem for path in (learned_run / "figures").iterdir()}
    assert names == {
        "training_images_clean", "training_images_noisy", "test_images",
        "curves_over_mu", "curves_over_beta",
        "gap", "signal_share", "regime",
        "heatmap_pmi", "heatmap_recovery_mse", "heatmap_recovery_r2", "heatmap_generation_mse",
        "reconstructions_recovered", "reconstructions_collapsed",
        "traversal_recovered", "traversal_collapsed",
    }  # fmt: skip


def test_the_models_drawn_are_the_best_and_the_worst(learned_run):
    drawn = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pictures, "_save", lambda figure, folder, name: drawn.append(figure))
        run = load_run(learned_run)
        pictures._models(learned_run, run, *map(np.asarray, run.recipe.world.test_set()))
    titles = [figure.get_suptitle() for figure in drawn]
    with xr.open_dataset(learned_run / "results.nc") as results:
        best, worst = results["recovery_r2"].max(), results["recovery_r2"].min()
    best_cell = f"highest recovery R² (μ = 0, β = 0.2, R² = {best:.2f})"
    assert all(best_cell in title for title in titles[:2])
    assert all("lowest" in t and f"R² = {worst:.2f}" in t for t in titles[2:])
    assert len(titles) == 4


def test_models_with_patience_stop_by_themselves(tiny_flags, tmp_path, monkeypatch):
    """No improvement is enough for the tolerance: warm-up and two windows are all they take."""
    more = ["--patience", "5", "--tolerance", "1e9", "--out", str(tmp_path / "run")]
    monkeypatch.setattr("biasvae_jax.cli.finished.present", lambda out: None)
    full_sweep.main([*tiny_flags, *more])
    with xr.open_dataset(tmp_path / "run" / "results.nc") as results:
        assert (results["steps"] == 10 + 2 * 5).all() and (results["finite"] == 1).all()
        with xr.open_dataset(tmp_path / "run" / "history.nc") as history:
            curves = history["loss"].isel(step=slice(20, None))
            np.testing.assert_allclose(*xr.broadcast(curves, results["loss"]), rtol=1e-6)


def test_a_finished_run_only_reports(learned_run, capsys):
    stamps = {p: p.stat().st_mtime_ns for p in learned_run.rglob("*.nc")}
    full_sweep.main([*FLAGS, "--out", str(learned_run)])
    printed = capsys.readouterr().out
    assert "already finished" in printed and str(ORIGINAL_BASELINE) in printed
    assert "random" in printed and str(learned_run) in printed
    assert stamps == {p: p.stat().st_mtime_ns for p in learned_run.rglob("*.nc")}


def test_groups_and_chunks_change_no_result(tiny_run, tiny_flags, tmp_path, monkeypatch):
    """Devices and widths neither: tests/sweep."""
    monkeypatch.setattr("biasvae_jax.cli.finished.present", lambda out: None)
    plan = ["--group", "3", "--chunk", "14"]
    full_sweep.main([*tiny_flags, *plan, "--out", str(tmp_path / "run")])
    with (
        xr.open_dataset(tiny_run / "results.nc") as a,
        xr.open_dataset(tmp_path / "run" / "results.nc") as b,
    ):
        for name in ("loss", "kl", "recovery_r2", "pmi", "generation_mse"):
            np.testing.assert_allclose(a[name], b[name], rtol=2e-2, atol=2e-3)


def test_a_dry_run_prints_the_plan_and_touches_nothing(tiny_flags, tmp_path, capsys):
    told = [flag for flag in tiny_flags if flag != "--quiet"]
    full_sweep.main([*told, "--out", str(tmp_path / "run"), "--dry-run"])
    printed = capsys.readouterr().out
    assert "8 models" in printed and "vmapped" in printed and "1 minute of" in printed
    assert not (tmp_path / "run").exists()


def config_of(arguments):
    return Config.of(full_sweep.read_flags(arguments)[1])


def test_every_flag_overrides_its_presets_value():
    assert config_of([]) == PRESETS["blog"]()
    assert config_of(["--preset", "annealed"]) == PRESETS["annealed"]()
    config = config_of(["--preset=annealed", "--steps", "5000", "--hidden"])
    assert (config.kl_warmup, config.steps, config.hidden) == (2_000, 5_000, ())
    config = config_of(["--mu", "-1", "0.5", "--bins", "0.2", "0.8"])
    assert config.mu == (-1.0, 0.5) and config.bins == (0.2, 0.8)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--preset", "nope"], "preset"),
        (["--preset"], "preset"),
        (["--surprise", "1"], "--surprise"),
        (["--steps", "1.5"], "--steps"),
        (["--steps", "0"], "--steps"),
        (["--beta", "-1"], "--beta"),
        (["--mu", "nan"], "--mu"),
        (["--mu"], "--mu"),
        (["--output", "tanh"], "--output"),
        (["--checkpoint-interval", "-1"], "--checkpoint-interval"),
        (["--checkpoint-interval", "nan"], "--checkpoint-interval"),
    ],
)
def test_bad_flags_are_one_line_that_names_them(arguments, word):
    with pytest.raises(BadInput) as caught:
        full_sweep.read_flags(arguments)
    assert word in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--step", "5"], "--step is no flag; did you mean --steps?"),
        (["--mu", "1", "a", "--n", "2"], "--mu takes numbers; got 1 a"),
        (["--hidden=a"], "--hidden takes whole numbers; got a"),
        (["--steps", "1.5"], "--steps takes a whole number; got 1.5"),
        (["--latent-dim", "a"], "--latent-dim takes a whole number, or None; got a"),
    ],
)
def test_bad_flags_are_told_in_words_of_our_own(arguments, line):
    with pytest.raises(UsageError) as caught:
        full_sweep.read_flags(arguments)
    assert str(caught.value) == line + "; --help explains every flag"


@pytest.mark.parametrize(
    ("world", "bias"), [("squares", "shift"), ("table", "resample"), ("rivers", "probability")]
)
def test_a_world_that_cannot_take_the_bias_gets_its_usual_one(world, bias):
    other = "resample" if bias != "resample" else "shift"
    start = Draft.of(Study())._replace(bias=find_kind("bias", other)())
    assert with_kinds(start, {"world": world}).bias.kind == bias


def test_the_frame_around_a_message_is_taken_off():
    box = (
        "╭─ Parsing error ─╮\n│ \x1b[1mno such\x1b[0m   │\n│ flag  │\n│ ───── │\n│ more │\n╰───╯\n"
    )
    assert _one_line(box) == "no such flag; --help explains every flag"


def test_from_the_shell_bad_input_exits_with_2_and_one_line(tmp_path):
    command = [
        sys.executable,
        "-m",
        "experiments.full_sweep",
        "--bins",
        "0",
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: --bins") and done.stderr.count("\n") == 1
