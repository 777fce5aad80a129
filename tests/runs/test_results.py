import numpy as np
import pytest

from biasvae_jax.config import Config
from biasvae_jax.runs.results import SCORES, history_dataset, results_dataset
from biasvae_jax.statistics.regimes import GIVEN, Regime
from biasvae_jax.sweep import grid
from biasvae_jax.theory.reference import Reference
from biasvae_jax.training import history as training_history

CONFIG = Config(mu=(0.0, 1.0), beta=(1.0, 2.0, 3.0), seeds=2, steps=40)
THRESHOLD = np.array([2.5, 1.5])


def datasets(broken=None, reference=THRESHOLD, **changed):
    models = grid(CONFIG)
    history = training_history.empty(12, 40)
    losses = np.ones((3, 12, 40))
    if broken is not None:
        losses[:, broken, 7:] = np.nan
    history = training_history.extend(history, 0, losses, 40)
    # each score says where it belongs: seed, then mu, then beta
    place = 100 * models.seed + 10 * models.bias + models.beta
    baselines = {name: np.arange(3) for name in (*SCORES, "recovery_mse_raw")}
    scores = dict.fromkeys(SCORES, place) | changed
    results = results_dataset(CONFIG, scores, history, baselines, reference)
    return results, history_dataset(CONFIG, history)


def test_every_score_lands_in_its_own_cell():
    results, _ = datasets()
    assert results["pmi"].dims == ("mu", "beta", "seed")
    for mu in CONFIG.mu:
        for beta in CONFIG.beta:
            for seed in range(2):
                value = results["recovery_r2"].sel(mu=mu, beta=beta, seed=seed)
                assert value == 100 * seed + 10 * mu + beta


def test_variables_types_and_descriptions_are_the_contract():
    results, history = datasets()
    expected = {
        "loss", "reconstruction", "kl", "pmi", "pmi_exact", "pmi_mean", "recovery_mse",
        "recovery_r2", "recovery_r2_mean", "generation_mse", "generation_offset",
        "generation_shrinkage", "generation_head", "gap", "signal_share", "active_units", "regime",
        "steps", "finite", "prior_mass", "posterior_mass", "reach", "price", "encoder_error",
        "train_loss", "test_loss", "generalisation_gap",
    }  # fmt: skip
    random = {"random_" + name for name in (*SCORES, "recovery_mse_raw")}
    assert set(results.data_vars) == expected | random | {"threshold"}
    assert results["threshold"].dims == ("mu",)
    np.testing.assert_array_equal(results["threshold"], [2.5, 1.5])
    assert set(history.data_vars) == {"loss", "reconstruction", "kl"}
    assert history["loss"].dims == ("mu", "beta", "seed", "step")
    for dataset in (results, history):
        for name, variable in dataset.data_vars.items():
            kinds = {"active_units": "int32", "finite": "int8", "regime": "int8", "steps": "int32"}
            kinds["threshold"] = "float64"
            kind = kinds.get(name.removeprefix("random_"))
            assert variable.dtype == (kind or "float32")
            assert variable.attrs["long_name"] and variable.attrs["units"]
    assert results["random_pmi"].dims == ("network",)
    assert Config.from_json(results.attrs["config"]) == CONFIG


def test_every_latents_threshold_is_stored_where_they_differ():
    each = np.array([[2.5, 1.0, np.nan], [1.5, 1.5, np.nan]])
    results, _ = datasets(reference=Reference((), THRESHOLD, each, {}))
    assert results["thresholds"].dims == ("mu", "direction")
    np.testing.assert_array_equal(results["thresholds"], each)
    equal = np.where(np.isnan(each), np.nan, THRESHOLD[:, None])
    same, _ = datasets(reference=Reference((), THRESHOLD, equal, {}))
    assert "thresholds" not in same and same.identical(datasets()[0])


@pytest.mark.parametrize("broken", [0, 5, 11])
def test_a_diverged_model_is_nan_and_marked_and_the_others_are_not(broken):
    results, _ = datasets(broken)
    clean, _ = datasets()
    finite = results["finite"].values.astype(bool)
    assert (~finite).sum() == 1
    for name in (*SCORES, "loss"):
        if name != "active_units":
            assert np.isnan(results[name].values[~finite]).all()
        np.testing.assert_array_equal(results[name].values[finite], clean[name].values[finite])


def test_a_model_without_an_active_latent_has_no_signal_share_and_is_finite():
    share = np.full(12, 0.5)
    share[[0, 7]] = np.nan
    results, _ = datasets(signal_share=share)
    assert (results["finite"] == 1).all() and results["signal_share"].isnull().sum() == 2


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", [name for name in SCORES if name != "active_units"])
def test_an_undefined_score_is_nan_by_itself(name, nothing):
    values = np.where(np.arange(12) == 5, nothing, 100.0)
    results, clean = datasets(**{name: values})[0], datasets()[0]
    for other, variable in clean.data_vars.items():
        if other != name:
            np.testing.assert_array_equal(results[other], variable, err_msg=str(other))
    lost = results[name].isnull()
    assert int(lost.sum()) == 1 and lost[1, 2, 0] and (results["finite"] == 1).all()


def test_regimes_follow_active_units_and_each_biass_own_threshold():
    """β = 1, 2, 3 against β* = 2.5 at μ = 0 and 1.5 at μ = 1."""
    share = np.where(grid(CONFIG).beta == 1, 0.9, np.nan)
    results, _ = datasets(active_units=np.where(grid(CONFIG).seed == 0, 0, 9), signal_share=share)
    codes, variable = results["regime"].values, results["regime"]
    assert codes[..., 0].tolist() == [[3, 3, 2], [3, 2, 2]]
    assert codes[..., 1].tolist() == [[7, 7, 4], [7, 4, 4]]
    names = variable.attrs["flag_meanings"].split()
    assert dict(zip(variable.attrs["flag_values"].tolist(), names, strict=True)) == {
        code: code.name.lower() for code in GIVEN
    }
    noisy, _ = datasets(active_units=np.full(12, 9), signal_share=np.full(12, 0.4))
    assert (noisy["regime"] == Regime.ACTIVE_ON_NOISE).all()
    assert datasets(0)[0]["regime"].values[0, 0, 0] == Regime.DIVERGED
