import dataclasses
import json

import pytest
from hypothesis import given

from biasvae_jax.biases import Resample, Scale
from biasvae_jax.cli.flags import command, read_flags
from biasvae_jax.cli.sweep import Execution
from biasvae_jax.components import ConfigError
from biasvae_jax.config import Config
from biasvae_jax.networks import Convolutional
from biasvae_jax.objectives import BetaElbo, FactorVae
from biasvae_jax.presets import STUDIES
from biasvae_jax.study import Draft, Study, Training
from biasvae_jax.worlds import Squares, Table
from tests.test_config import configs

VARIANT = Study(
    world=Squares(n=2, m=3),
    bias=Scale(),
    objective=FactorVae(kl_warmup=5),
    training=Training(steps=100),
    biases=(0.5, 1.0),
    strengths=(0.0, 3.0),
    seeds=2,
)


@pytest.mark.parametrize("study", [Study(), VARIANT])
def test_json_round_trip_is_exact_and_its_text_stays_the_identity(study):
    text = study.to_json()
    again = Study.from_json(text)
    assert again == study and hash(again) == hash(study) and again.to_json() == text
    assert study.difference(again) == ""


@given(configs)
def test_a_flat_config_is_a_study_and_back(config):
    assert Config.of(config.study) == config
    assert Study.from_json(config.study.to_json()) == config.study


def test_a_config_of_0_1_0_is_read_and_keeps_its_text():
    config = Config(mu=(0.0, 2.0), steps=40)
    study = Study.from_json(config.to_json())
    assert study == config.study and study.to_json() == config.to_json()


def test_axes_left_out_are_the_components_own():
    study = Study(bias=Scale(), objective=FactorVae())
    assert study.biases == Scale.axis.values and study.strengths == FactorVae.axis.values
    assert study.grid.dims == ("scale", "gamma", "seed")


def test_difference_names_what_differs_by_its_flag():
    other = dataclasses.replace(VARIANT, seeds=3, world=Squares(n=2, m=4))
    assert "m: 3 → 4" in VARIANT.difference(other) and "seeds: 2 → 3" in VARIANT.difference(other)
    assert "objective: factor → beta_elbo" in VARIANT.difference(Study())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Study(bias=Resample()), "--bias resample is not for --world squares"),
        (lambda: Study(world=Table(data="x.npz")), "--bias shift is not for --world table"),
        (lambda: Study(world=Table(), bias=Resample()), "--data"),
        (lambda: Study(world=Squares(noise_variance=0.0)), "--likelihood-variance"),
        (lambda: Study(objective=BetaElbo(kl_warmup=9_999)), "--kl-warmup"),
        (lambda: Study(biases=(float("nan"),)), "--mu"),
        (lambda: Study(strengths=(-1.0,)), "--beta"),
        (lambda: Study(seeds=0), "--seeds"),
        (lambda: Study(training=Training(steps=0)), "--steps"),
        (lambda: Study(network=Convolutional()).sealed(), "64×64"),
    ],
)
def test_what_cannot_be_run_is_one_line_that_names_the_flag(make, message):
    with pytest.raises(ConfigError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def changed(**changes):
    values = json.loads(VARIANT.to_json())
    return json.dumps(values | changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "not an object"),
        ("{", "not valid JSON"),
        (changed(format=3), "format 3"),
        (changed(surprise=1), "surprise"),
        (changed(world={"kind": "nope"}), "--world nope"),
        (changed(world=3), "no kind"),
        (changed(training={"speed": 1}), "training"),
        (changed(axes={"mu": [1]}), "axes"),
        (changed(seeds="2"), "--seeds"),
    ],
)
def test_json_that_is_no_study_is_refused_in_one_line(text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Study.from_json(text)
    assert "\n" not in str(caught.value)


def test_a_study_of_an_unknown_kind_keeps_its_grid_and_says_what_is_missing():
    values = json.loads(VARIANT.to_json())
    values["objective"] = {"kind": "mine", "weight": 3}
    values["axes"] = {"scale": [0.5, 1.0], "nu": [0.0, 1.0, 2.0]}
    study = Study.from_values(values, strangers=True)
    assert study.grid.dims == ("scale", "nu", "seed") and study.grid.shape == (2, 3, 2)
    assert study.to_json() == json.dumps(values, indent=2)
    with pytest.raises(ConfigError, match=r"objective is of the kind mine.*components="):
        study.recipe  # noqa: B018
    with pytest.raises(ConfigError, match="--objective mine is unknown"):
        Study.from_values(values)
    assert "objective: mine → factor" in study.difference(VARIANT)


def test_a_changed_study_has_a_text_of_its_own():
    stored = Study.from_json(VARIANT.to_json())
    changed_ = dataclasses.replace(stored, seeds=3)
    assert (
        changed_.to_json() != stored.to_json() and Study.from_json(changed_.to_json()) == changed_
    )
    assert stored.sealed().to_json() == stored.to_json()


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        ("celeba", "list_attr_celeba.txt; then biasvae sweep --preset celeba --data FOLDER"),
        ("dsprites", "biasvae sweep --preset dsprites --data FILE"),
    ],
)
def test_a_preset_that_lacks_its_files_says_where_they_are_and_which_command(preset, words):
    draft = STUDIES[preset]()
    with pytest.raises(ConfigError) as caught:
        read_flags(["--preset", preset], Execution(), "", "")
    assert words in str(caught.value) and "https://" in str(caught.value)
    _, study, _ = read_flags(["--preset", preset, "--data", "there"], Execution(), "", "")
    assert Draft.of(study) == draft and study.world.data == "there"
    assert f"--preset {preset} --data there" in command(study)


def test_a_switch_is_written_into_the_command_without_a_value():
    arguments = ["--preset", "celeba", "--data", "there", "--skip-broken"]
    _, study, _ = read_flags(arguments, Execution(), "", "")
    assert command(study, "biasvae sweep").split()[2:] == arguments
