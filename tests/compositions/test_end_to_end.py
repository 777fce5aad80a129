"""Each composition by the command: kill, resume, results, figures, report, score, load_run."""

import shutil

import jax
import numpy as np
import pytest
import xarray as xr

from biasvae_jax import load_run
from biasvae_jax.cli import score
from biasvae_jax.cli.gathering.models import tested as pictured
from biasvae_jax.runs.directory import checkpoint_folder, load_checkpoint
from biasvae_jax.runs.trees import save_tree
from biasvae_jax.scores.families import VARIABLES
from biasvae_jax.sweep import Plan, Sweep

NAMES = ("scale", "factor", "few", "npz", "rgb")
CONV = ("rgb",)
GAP = ("scale", "few", "npz")  # FactorVAE has no linear optimum, and other images are too large
AXES = {"scale": ("scale", "beta"), "factor": ("mu", "gamma"), "few": ("mu", "beta")}
SKIPPED = {  # by `score`
    "scale": set(),
    "factor": {"encoder"},
    "few": set(),
    "npz": {"r2", "mcc", "sap", "factor_vae", "ksg"},  # all its factors are labels
    "h5": {"r2", "mcc", "sap", "factor_vae", "ksg"},
}


@pytest.fixture(scope="module", params=NAMES)
def proof(request, flags, trained, tmp_path_factory):
    """Name of a composition, an uninterrupted run and one that was killed and gone on with."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    arguments = [*flags[name], "--quiet"]
    whole = trained(arguments, folder / "whole")
    trained(arguments, folder / "run", stop=True)
    assert not (folder / "run" / "results.nc").exists()
    return name, whole, trained(arguments, folder / "run", present=True)


def test_a_run_gone_on_with_after_a_kill_is_an_uninterrupted_one_byte_for_byte(proof):
    _, whole, run = proof
    for file in ("results.nc", "history.nc"):
        assert (whole / file).read_bytes() == (run / file).read_bytes()


def test_results_have_the_axes_dimensions_and_what_applies_and_nothing_else(proof):
    name, run, _ = proof
    bias, strength = AXES.get(name, ("share", "beta"))
    with xr.open_dataset(run / "results.nc") as results, xr.open_dataset(run / "history.nc") as h:
        own = ["direction"] if "thresholds" in results else []  # latents that differ
        assert set(results.sizes) == {bias, strength, "seed", "network", *own}
        assert bool(own) == (name == "npz")
        few = name == "few"
        course = {"snapshot", "frame", "image", "pixel_y", "pixel_x", "channel"}
        assert set(h.dims) == {bias, strength, "seed", "step", *(course if few else [])}
        assert ("generalisation_gap" in results) == ("train_loss" in h) == few
        if few:
            gap = results["test_loss"] - results["train_loss"]
            np.testing.assert_allclose(results["generalisation_gap"], gap, rtol=1e-4, atol=1e-4)
        linear = [n for n in results.data_vars if n.startswith("linear_")]
        with_gap = name in GAP
        assert ("gap" in results) == ("threshold" in results) == bool(linear) == with_gap
        assert ("signal_share" in results) == (name in ("scale", "factor", "few"))
        assert ("total_correlation" in results) == (name == "factor")
        assert results[bias].attrs["symbol"] == {"scale": "s", "mu": "μ"}.get(bias, "p")
        assert (results["finite"] == 1).all()
        silent = {"signal_share", "linear_signal_share"}  # undefined without an active latent
        for variable in set(results.data_vars) - silent:
            assert not results[variable].isnull().any(), variable
        codes = set(np.unique(results["regime"]))
        assert codes <= ({1, 2, 3, 4, 7, 8} if with_gap else {1, 6, 7, 8}), codes
        assert not any(h[variable].isnull().any() for variable in h.data_vars)


def test_it_has_figures_a_page_and_a_row_of_results_csv_for_each_model(proof):
    name, _, path = proof
    run = load_run(path)
    figures = {file.stem for file in (path / "figures").iterdir()}
    bias, strength = AXES.get(name, ("share", "beta"))
    assert {"heatmap_recovery_r2", f"curves_over_{bias}", "reconstructions_recovered"} <= figures
    assert ("gap" in figures) == (name in GAP)
    page = (path / "report.html").read_text()
    assert page.rstrip().endswith("</html>") and run.grid.bias.symbol in page
    rows = (path / "results.csv").read_text().splitlines()
    assert len(rows) == 1 + run.grid.size == 1 + len(run.table())
    assert rows[0].startswith(f"{bias},{strength},seed,")


def test_load_run_decodes_what_it_encodes(proof):
    _, _, path = proof
    run = load_run(path)
    cell = {axis.name: axis.values[0] for axis in (run.grid.bias, run.grid.strength)}
    params = run.params(**cell)
    x = run.recipe.world.test_set(run.data)[1][:3]
    images = run.decode(params, run.encode(params, x)[0])
    assert images.shape == (3, run.recipe.world.pixels) and np.isfinite(images).all()
    assert run.heat_map("recovery_r2") and run.finished


def test_a_time_course_ends_with_the_trained_models(proof):
    name, _, path = proof
    run = load_run(path)
    if name != "few":
        assert "snapshot" not in run.history.dims
        return
    models = run.grid.models[:1]
    cell = {"mu": run.grid.bias[0], "beta": run.grid.strength[0]}
    params = jax.tree.map(lambda a: np.asarray(a)[None], run.params(**cell))
    sweep = Sweep(run.recipe, Plan(1, 1, 1, 10))
    last = run.history.sel(cell, method="nearest").isel(seed=0, snapshot=-1)
    for variable, value in sweep.course(models, sweep.put(params)).items():
        np.testing.assert_allclose(last[variable], value[0], rtol=1e-4, atol=1e-5)
    truth = pictured(run).shown_x[:3]  # the first of those in the report's strips
    drawn = run.decode(run.params(**cell), run.encode(run.params(**cell), truth)[0])
    stored = run.history["test_images"], last["reconstructions"].isel(frame=-1)
    for found, known in zip(stored, (truth, drawn), strict=True):
        known = np.clip(known, 0, 1).reshape(found.shape)
        np.testing.assert_allclose(found, known, atol=1 / 255)


def test_a_checkpoint_of_an_older_version_goes_on_and_lacks_only_the_pictures_of_its_past(
    proof, flags, trained, tmp_path
):
    name, whole, _ = proof
    if name != "few":
        return
    old = trained([*flags[name], "--quiet"], tmp_path / "old", stop=True)
    study = load_run(old).study
    step, tree = load_checkpoint(old, 0, study)
    del tree["course"]["reconstructions"]
    folder = checkpoint_folder(old, 0, step)
    shutil.rmtree(folder)
    save_tree(folder, tree, study, slice(0, 4))
    run, known = (load_run(each) for each in (trained(flags[name], old), whole))
    lost = known.history["frame"] <= step
    there = known.history["reconstructions"].where(~lost)
    xr.testing.assert_identical(run.history["reconstructions"], there)
    assert 0 < int(lost.sum()) < lost.size and run.history["active_units"].notnull().all()


def test_score_says_what_it_leaves_out_and_gives_the_rest(proof, capsys):
    name, _, path = proof
    asked = ["r2", "mcc", "factors"]
    asked += [] if name in CONV else ["sap", "encoder", "factor_vae", "ksg"]
    score.main([str(path), "--scores", *asked])
    printed = capsys.readouterr().out
    skipped = set(asked) & SKIPPED.get(name, set())
    for each in asked:
        assert (f"left out: {each} (" in printed) == (each in skipped)
    run = load_run(path)
    for each in set(asked) - skipped:
        for variable in VARIABLES[each]:
            further = ("factor",) if VARIABLES[each][variable].along else ()
            if each != "factors" or variable in run.scores:
                assert run.scores[variable].dims == (*run.grid.dims, *further)
    assert run.scores["factor_recovery"].notnull().all()
