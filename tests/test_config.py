import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.axes import single
from biasvae_jax.config import PRESETS, Config, ConfigError

numbers = st.floats(-1e6, 1e6, allow_nan=False)
configs = st.builds(
    Config,
    mu=st.lists(numbers, min_size=1, max_size=4, unique_by=single).map(tuple),
    beta=st.lists(st.floats(0, 1e6), min_size=1, max_size=4, unique_by=single).map(tuple),
    seeds=st.integers(1, 100),
    steps=st.integers(100, 10**6),
    kl_warmup=st.integers(0, 95),
    hidden=st.lists(st.integers(1, 512), max_size=3).map(tuple),
    latent_dim=st.none() | st.integers(1, 64),
    activation=st.sampled_from(["relu", "leaky_relu", "gelu", "tanh"]),
    output=st.sampled_from(["sigmoid", "identity"]),
    n=st.integers(1, 3),
    noise_variance=st.floats(1e-6, 10),
    likelihood_variance=st.none() | st.floats(1e-6, 1e3),
    m=st.integers(1, 8),
)


@given(configs)
def test_json_round_trip_is_exact(config):
    again = Config.from_json(config.to_json())
    assert again == config
    assert hash(again) == hash(config)
    assert config.difference(again) == ""


def test_a_run_from_before_a_field_was_added_has_its_default_and_the_same_text():
    text = Config().to_json()
    assert "activation" not in text and Config.from_json(text).activation == "relu"
    assert "gelu" in Config(activation="gelu").to_json()
    assert "activation: relu → gelu" in Config().difference(Config(activation="gelu"))


def test_contrasts_round_trip_and_may_repeat():
    config = Config(n=2, contrast=(1.0, 0.5, 0.5, 2.0))
    assert Config.from_json(config.to_json()) == config


def test_difference_names_the_fields_that_differ():
    text = Config().difference(Config(steps=7, mu=(1.0,)))
    assert "steps: 10000 → 7" in text and "mu" in text and "beta" not in text


def test_presets_are_the_original_study_and_its_variants():
    blog, annealed, smoke = (PRESETS[name]() for name in ("blog", "annealed", "smoke"))
    assert blog.models == 121 and blog.steps == 10_000 and blog.kl_warmup == 0
    assert blog.mu == tuple(i / 2 for i in range(11))
    assert dataclasses.replace(annealed, kl_warmup=0) == blog and annealed.kl_warmup == 2_000
    assert smoke.models == 9 and smoke.kl_warmup > 0


def test_latents_and_likelihood_variance_follow_the_world():
    config = Config(n=2, noise_variance=0.5)
    assert (config.latents, config.sigma2) == (4, 0.5)
    config = dataclasses.replace(config, latent_dim=7, likelihood_variance=2.0)
    assert (config.latents, config.sigma2) == (7, 2.0)


@pytest.mark.parametrize(
    ("flag", "values"),
    [
        ("--mu", {"mu": ()}),
        ("--mu", {"mu": (1.0, 1.0)}),
        ("--mu", {"mu": (0.0, -0.0)}),
        ("--mu", {"mu": np.eye(2)}),
        ("--mu", {"mu": np.float64(1)}),
        ("--mu", {"mu": ("1",)}),
        ("--beta", {"beta": (0.3, 0.1 + 0.2)}),
        ("--seeds", {"seeds": np.True_}),
        ("--steps", {"steps": np.float64(100)}),
        ("--mu", {"mu": (float("nan"),)}),
        ("--mu", {"mu": (10**400,)}),
        ("--beta", {"beta": (-0.1,)}),
        ("--beta", {"beta": (float("inf"),)}),
        ("--seeds", {"seeds": 0}),
        ("--steps", {"steps": 1.5}),
        ("--steps", {"steps": True}),
        ("--batch-size", {"batch_size": -1}),
        ("--learning-rate", {"learning_rate": 0.0}),
        ("--learning-rate", {"learning_rate": float("nan")}),
        ("--kl-warmup", {"kl_warmup": -1}),
        ("--kl-warmup", {"steps": 100, "kl_warmup": 96}),
        ("--hidden", {"hidden": (0,)}),
        ("--hidden", {"hidden": "128"}),
        ("--latent-dim", {"latent_dim": 0}),
        ("--n", {"n": 0}),
        ("--n", {"n": 4}),
        ("--m", {"m": 0}),
        ("--noise-mean", {"noise_mean": float("inf")}),
        ("--noise-variance", {"noise_variance": -1.0}),
        ("--likelihood-variance", {"noise_variance": 0.0}),
        ("--likelihood-variance", {"likelihood_variance": 0.0}),
        ("--bins", {"bins": (0.0, 0.5)}),
        ("--bins", {"bins": tuple(i / 100 for i in range(1, 99))}),
        ("--output", {"output": "tanh"}),
        ("--activation", {"activation": "sigmoid"}),
        ("--contrast", {"contrast": (1.0,) * 8}),
        ("--contrast", {"contrast": (1.0,) * 8 + (0.0,)}),
        ("--contrast", {"contrast": (1.0,) * 8 + (-1.0,)}),
        ("--contrast", {"contrast": (1.0,) * 8 + (float("nan"),)}),
        ("--contrast", {"contrast": 0.5}),
        ("--contrast must be ≤ 1e15", {"contrast": (1.0,) * 8 + (1e29,)}),
        ("--contrast", {"n": 2, "contrast": (1.0,) * 9}),
    ],
)
def test_bad_values_name_their_flag_in_one_line(flag, values):
    with pytest.raises(ConfigError) as caught:
        Config(**values)
    assert flag in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"mu": [0.0]}', "[" * 100_000])
def test_json_that_is_no_config_is_refused(text):
    with pytest.raises(ConfigError):
        Config.from_json(text)


def test_json_with_an_unknown_field_is_refused():
    values = json.loads(Config().to_json()) | {"surprise": 1}
    with pytest.raises(ConfigError, match="surprise"):
        Config.from_dict(values)


def test_configs_of_equal_values_have_equal_texts():
    plain = Config(mu=(0.0, 1.0), beta=(0.5, 2.0), learning_rate=1.0, hidden=(4,), latent_dim=3)
    for mu in ((-0.0, 1), [0, 1], np.array([-0.0, 1.0]), np.arange(2)):
        same = Config(
            mu=mu,
            beta=[np.float32(0.5), np.int64(2)],
            learning_rate=1,
            hidden=np.array([4]),
            latent_dim=np.int32(3),
        )
        assert same == plain and same.to_json() == plain.to_json()


def test_a_stored_config_may_hold_two_values_that_are_one_in_single_precision():
    values = json.loads(Config().to_json()) | {"beta": [0.3, 0.1 + 0.2]}
    assert Config.from_dict(values).beta == (0.3, 0.1 + 0.2)


@pytest.mark.parametrize(
    ("value", "index"), [(0.1 + 0.2, 1), (np.float32(0.3), 1), (1e-10, 2), (0, 3), (1, 0)]
)
def test_a_value_is_found_where_single_precision_has_it(value, index):
    assert Config(beta=(1, 0.3, 1e-10, 0)).find("beta", value) == index


def test_a_near_miss_names_its_neighbours():
    with pytest.raises(KeyError, match=r"no mu 1\.0000005 .*nearest: 1\.0 and 2\.0"):
        Config(mu=(0, 1, 2)).find("mu", 1.0000005)
