"""A world of a continuous, a binary and a categorical factor: from training to the page."""

import json

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from biasvae_jax import load_run
from biasvae_jax.cli import report, score, summary
from biasvae_jax.factors import as_columns
from biasvae_jax.runs import directory
from biasvae_jax.scores import families
from biasvae_jax.scores.alignment import linear_r2
from biasvae_jax.scores.families import FAMILIES
from biasvae_jax.scores.subject import Subject
from biasvae_jax.statistics.boundary import most_active

WORLD = '''
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax import Factor, Generated


@dataclass(frozen=True)
class Mixed(Generated):
    """A grey, an on or off, and one of three places."""

    noise_mean: float = 0.0
    """Mean of the observation noise."""
    noise_variance: float = 0.01
    """Variance of the observation noise."""

    kind = "mixed"

    @property
    def factors(self):
        return (Factor("grey"), Factor("lamp", "binary"), Factor("place", "categorical"))

    @property
    def image(self):
        return (1, 5, 1)

    def link(self, z):
        place = jnp.digitize(z[..., 2], jnp.array([-0.43, 0.43]))
        return jnp.stack([jax.nn.sigmoid(z[..., 0]), z[..., 1] > 0, place], axis=-1)

    def render(self, u):
        return jnp.concatenate([u[..., :2], jax.nn.one_hot(u[..., 2].astype(int), 3)], axis=-1)

    def test_factors(self, data=()):
        axes = np.meshgrid([0.1, 0.3, 0.5, 0.7, 0.9], [0, 1], range(3), indexing="ij")
        u = np.stack(axes, axis=-1).reshape(-1, 3)
        return jnp.asarray(np.tile(u, (4, 1)), jnp.float32)
'''
CHEAP = ["factors", "r2", "mcc", "mig", "mig_discrete", "sap", "sap_discrete"]


@pytest.fixture(scope="module")
def run(tmp_path_factory, trained):
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "mixed.py").write_text(WORLD)
    flags = [
        *("--preset", "smoke", "--use", str(folder / "mixed.py"), "--world", "mixed"),
        *("--mu", "0", "--beta", "0.05", "1000", "--seeds", "1", "--steps", "400"),
        *("--hidden", "16", "--batch-size", "16", "--learning-rate", "0.01", "--kl-warmup", "0"),
        *("--latent-dim", "5", "--devices", "1", "--quiet"),
    ]
    out = trained(flags, folder / "run")
    score.main([str(out), "--scores", *CHEAP, "--quiet"])
    return out


def test_each_factor_has_the_score_of_its_kind_by_name(run):
    scores = load_run(run).scores
    good, lost = (scores.isel(mu=0, seed=0, beta=k) for k in (0, 1))
    assert scores["factor_recovery"].dims == ("mu", "beta", "seed", "factor")
    assert (good["factor_recovery"] > 0.8).all()
    chance = scores["factor_recovery"].attrs["chance"]
    np.testing.assert_allclose(chance, [0, 1 / 2, 1 / 3])
    np.testing.assert_allclose(lost["factor_recovery"], chance, atol=0.2)
    lamp = good["factor_auroc"].sel(factor="lamp")
    assert lamp == good["recovery_auroc"] > 0.9
    assert good["factor_auroc"].isnull().values.tolist() == [True, False, True]
    two = good["factor_recovery"].sel(factor=["lamp", "place"])
    assert good["recovery_accuracy"] == pytest.approx(float(two.mean()))
    assert good["factor_r2"] == good["factor_recovery"].sel(factor="grey")


def test_the_file_holds_numbers_alone_and_names_as_attributes(run):
    with xr.open_dataset(run / "scores.nc") as stored:
        assert stored["factor"].values.tolist() == [0, 1, 2]
        assert json.loads(stored["factor"].attrs["names"]) == ["grey", "lamp", "place"]
        assert json.loads(stored["factor"].attrs["kinds"]) == [
            "continuous",
            "binary",
            "categorical",
        ]
    assert len((run / "results.csv").read_text().splitlines()) == 3  # a row a model
    dataset = directory.read_dataset(run / "scores.nc")
    dataset["factor"] = [0, 2, 1]
    with pytest.raises(directory.RunDirectoryError, match="another run"):
        other = run.parent / "scores.nc"
        directory.write_dataset(other, dataset)
        directory.read_dataset(other, load_run(run).study)


def test_scores_of_a_kind_take_the_factors_of_that_kind(run):
    """Those of numbers take no label of a category; a 0 or 1 is a number."""
    whole = load_run(run)
    one = Subject(whole.recipe, whole.params(mu=0, beta=0.05), 0, 0.0)
    u, z_hat = one.test
    numbers, _ = one.of(one.test, "continuous", "binary")
    np.testing.assert_array_equal(numbers, u[:, :2])
    assert FAMILIES["r2"].of(one)[0] == linear_r2(z_hat, u[:, :2])
    stored = {name: float(whole.scores[name][0, 0, 0]) for name in ("r2", "mig", "mig_discrete")}
    assert stored["r2"] == pytest.approx(FAMILIES["r2"].of(one)[0], abs=1e-5)
    assert stored["mig"] == pytest.approx(FAMILIES["mig"].of(one)[0], abs=1e-5)
    assert stored["mig"] != stored["mig_discrete"]


def test_the_sweeps_heads_take_a_category_as_one_column_a_class(run):
    """With labels as numbers, a line could not tell the three places of this code apart."""
    whole = load_run(run)
    u, _ = (np.asarray(part) for part in whole.recipe.world.test_set())
    columns = as_columns(u, whole.recipe.world.factors)
    assert columns.shape == (120, 5) and columns[:, 2:].sum() == 120
    one = Subject(whole.recipe, whole.params(mu=0, beta=0.05), 0, 0.0)
    z_hat = one.test[1]
    design = np.column_stack([z_hat, np.ones(120)])
    rest = columns - design @ np.linalg.lstsq(design, columns, rcond=None)[0]
    r2 = 1 - (rest**2).sum() / ((columns - columns.mean(0)) ** 2).sum()
    assert float(whole.scores["recovery_r2"][0, 0, 0]) == pytest.approx(r2, abs=1e-3)
    assert r2 > 0.8
    assert as_columns(u, whole.recipe.world.factors[:1] * 3) is u


def test_the_page_has_a_map_for_each_factor(run):
    page = report.write_report(load_run(run)).read_text()
    for name in ("factor_recovery: grey", "factor_auroc: lamp", "recovery_accuracy"):
        assert f'<option value="{name}" ' in page
    assert "factor_auroc: grey" not in page


def test_the_summary_wants_no_more_latents_active_than_there_are_factors(run, monkeypatch):
    asked = []
    monkeypatch.setattr(
        summary, "most_active", lambda *given: asked.append(given[3]) or most_active(*given)
    )
    summary.print_summary(Console(quiet=True), run, None)
    assert asked == [3]  # of five latents


def test_one_factor_of_a_kind_cannot_be_disentangled_from_others(run, monkeypatch):
    whole = load_run(run)
    one = Subject(whole.recipe, whole.params(mu=0, beta=0.05), 0, 0.0)
    assert all(isinstance(value, float) for value in FAMILIES["dci_discrete"].of(one))
    monkeypatch.setattr(families, "LABELS", ["binary"])
    why, completeness, accuracy = FAMILIES["dci_discrete"].of(one)
    assert "of one factor alone" in why and 0 <= completeness <= 1 and accuracy > 0.8


def test_a_scored_run_is_scored_no_further(run, capsys):
    score.main([str(run), "--scores", *CHEAP])
    printed = capsys.readouterr().out
    assert f"0 of {2 * len(CHEAP)} scores to compute" in printed and "factor_auroc: lamp" in printed
    assert "left out" not in printed
