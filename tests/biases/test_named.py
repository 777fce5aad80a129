import pytest

from biasvae_jax.biases import Missing, Probability
from biasvae_jax.biases.named import find_pair, find_pairs
from biasvae_jax.components import ConfigError
from biasvae_jax.factors import Factor

HAIR, SKIN = Factor("dark hair", "binary"), Factor("skin", "binary")
FACTORS = (HAIR, Factor("turn"), SKIN)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", ((0, 1),)),
        ("skin & Dark hair", ((2, 0),)),
        ("skin&turn; turn & dark hair", ((2, 1), (1, 0))),
        ("turn & *", ((1, 0), (1, 2))),
    ],
)
def test_pairs_are_found_by_name(text, pairs):
    assert find_pairs("pairs", text, FACTORS) == pairs


@pytest.mark.parametrize(
    ("find", "text", "factors", "message"),
    [
        (find_pairs, "skim & turn", FACTORS, "--pairs skim is no factor.*did you mean skin"),
        (find_pairs, "skin", FACTORS, 'such as "dark hair & turn"; got skin'),
        (find_pairs, "skin & turn & skin", FACTORS, "must name pairs of factors"),
        (find_pairs, "skin & turn;", FACTORS, "must name pairs of factors"),
        (find_pairs, "skin & Skin", FACTORS, "pairs skin with itself"),
        (find_pairs, "", FACTORS[:1], "needs two factors, and these images have dark hair"),
        (find_pair, "skin & turn; skin & dark hair", FACTORS, "must name two factors"),
    ],
)
def test_what_names_no_pair_is_one_line(find, text, factors, message):
    with pytest.raises(ConfigError, match=message) as caught:
        find("pairs", text, factors)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("bias", "factors", "message"),
    [
        (Missing(combination="hair & skin"), FACTORS, "--combination hair.*did you mean dark hair"),
        (Probability(), FACTORS[1:2], "is of binary factors, and these images have none"),
        (Probability(binary="turn"), FACTORS, "--binary turn is continuous; binary are: dark hair"),
        (Probability(binary="skin & arm"), FACTORS, "--binary arm is no factor"),
    ],
)
def test_a_bias_of_factors_that_a_world_has_not_is_one_line(bias, factors, message):
    with pytest.raises(ConfigError, match=message) as caught:
        bias.on(factors)
    assert "\n" not in str(caught.value)
