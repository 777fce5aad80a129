import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

from biasvae_jax.scores.alignment import linear_r2, match, mcc, probe_r2, standardised

GRID = np.stack(np.meshgrid(*[np.linspace(-1, 1, 5)] * 3, indexing="ij"), -1).reshape(-1, 3)
ROTATION = np.array([[1, 1, 0], [-1, 1, 0], [0, 0, np.sqrt(2)]]) / np.sqrt(
    2
)  # 45°, one factor free


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_standardised_columns_have_mean_0_and_variance_1():
    (x,) = standardised(x=5 + 3 * normal(100, 4))
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(x.var(0), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_constant_to_rounding_is_0(dtype):
    value = dtype(0.1)
    column = np.full(20_000, value)
    column[::3] = np.nextafter(value, dtype(1))
    x, y = standardised(x=column[:, None], y=np.arange(20_000.0)[:, None])
    assert not x.any() and y.all()


@pytest.mark.parametrize("power", [-570, -20, 1, 530])
def test_scale_changes_no_bit_even_where_squares_are_no_floats(power):
    """2^-570 is about 1e-172, 2^530 about 1e159; a power of 2 scales without rounding."""
    x = 3 + normal(50, 2)
    np.testing.assert_array_equal(standardised(x=np.ldexp(x, power)), standardised(x=x))
    assert mcc(x, 1e-170 * x) == pytest.approx(1) == mcc(1e160 * x, x)


def test_frames_are_arrays_with_names():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(GRID, columns=["a", "b", "c"])
    assert linear_r2(frame, frame @ ROTATION) == linear_r2(GRID, GRID @ ROTATION)
    assert mcc(frame, frame) == pytest.approx(1)
    assert probe_r2(frame, frame) == probe_r2(GRID, GRID)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (np.ma.masked_less(GRID, 0), "masked"),
        (GRID + 1j, "real numbers.*complex"),
        (GRID.astype(str), "real numbers"),
        (np.where(GRID > 0, None, GRID), "real numbers.*object"),  # type: ignore[call-overload]
    ],
    ids=["masked", "complex", "text", "none"],
)
def test_what_is_no_real_number_is_refused(bad, why):
    for score in (linear_r2, mcc, probe_r2):
        with pytest.raises(ValueError, match=why):
            score(GRID, bad)
    assert linear_r2(GRID, np.ma.array(GRID)) == linear_r2(GRID, GRID)  # nothing is masked


def test_integers_are_taken():
    assert linear_r2(np.arange(10)[:, None], 3 * np.arange(10)[:, None]) == pytest.approx(1)


@pytest.mark.parametrize("score", [linear_r2, probe_r2])
def test_r2_sees_through_any_invertible_linear_map(score):
    truth = normal(400, 3)
    assert score(truth, truth @ ROTATION) > 0.99
    assert score(truth @ ROTATION, truth) > 0.99


def test_linear_r2_takes_nearly_collinear_and_duplicate_columns():
    source = GRID @ np.array([[1, 1, 1], [1, 1.001, 0], [0, 0, 1]])
    assert linear_r2(source, GRID) == pytest.approx(1)
    assert linear_r2(np.hstack([GRID, GRID]), GRID) == pytest.approx(1)


def test_linear_r2_is_the_mean_over_columns():
    # u → u, noise-free; uncorrelated with it, a square
    target = np.stack([GRID[:, 0], GRID[:, 0] ** 2], axis=1)
    assert linear_r2(GRID[:, :1], target) == pytest.approx(0.5)


def test_linear_r2_has_a_direction():
    assert linear_r2(GRID, GRID[:, :2]) == pytest.approx(1)
    assert linear_r2(GRID[:, :2], GRID) == pytest.approx(2 / 3)


def test_linear_r2_of_noise_is_columns_over_rows():
    values = [linear_r2(normal(300, 30, seed=s), normal(300, 5, seed=99 - s)) for s in range(10)]
    assert np.mean(values) == pytest.approx(30 / 299, abs=0.015)


def test_probe_finds_what_a_line_cannot():
    x = normal(600, 2)
    assert linear_r2(x, x**2) < 0.05
    assert probe_r2(x, x**2) > 0.95


def test_probe_is_honest_about_noise():
    """On the rows it was fitted on, a nearest neighbour would score 1."""
    memory = KNeighborsRegressor(1)
    assert probe_r2(normal(400, 2), normal(400, 2, seed=1), memory) < -0.5
    assert abs(probe_r2(normal(400, 2), normal(400, 2, seed=1))) < 0.05


def test_probe_takes_any_regressor_and_split():
    x = normal(200, 2)
    y = x + normal(200, 2, seed=1)
    one, again, other = (probe_r2(x, y, LinearRegression(), seed) for seed in (0, 0, 1))
    assert one == again != other
    assert one == pytest.approx(0.5, abs=0.15)


def test_probe_takes_few_rows_and_one_target():
    x = normal(30, 1)
    assert probe_r2(x, 2 * x) > 0.9


@pytest.mark.parametrize("score", [linear_r2, probe_r2])
def test_constant_columns_count_0_in_r2(score):
    constant = np.full((len(GRID), 1), 0.1)
    assert score(GRID, np.hstack([GRID, constant])) == pytest.approx(0.75, abs=0.01)
    assert score(constant, GRID) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("correlation", ["pearson", "spearman"])
def test_mcc_of_permuted_flipped_scaled_factors_is_1(correlation):
    code = GRID[:, [2, 0, 1]] * [-1, 5, -0.1] + 7
    assert mcc(GRID, code, correlation) == pytest.approx(1)
    matching = match(GRID, code, correlation)
    np.testing.assert_array_equal(matching.latent, [1, 2, 0])
    np.testing.assert_allclose(matching.correlation, [1, -1, -1])


def test_mcc_of_a_rotation_by_45_degrees():
    assert mcc(GRID, GRID @ ROTATION) == pytest.approx((np.sqrt(2) + 1) / 3)


def test_mcc_of_random_rotations_in_nine_dimensions():
    truth = normal(2_000, 9)
    rotations = ortho_group.rvs(9, size=40, random_state=np.random.default_rng(0))
    assert np.mean([mcc(truth, truth @ r) for r in rotations]) == pytest.approx(0.61, abs=0.015)


def test_mcc_assigns_globally():
    """Greedy matching would give factor 0 its favourite, latent 0, and end lower."""
    a, b, c = GRID.T
    truth = np.stack([a, b], 1)
    code = np.stack([a + 0.9 * b, a + 0.5 * c], 1)
    np.testing.assert_array_equal(match(truth, code).latent, [1, 0])


def test_spearman_sees_through_monotone_maps():
    truth = normal(500, 2)
    assert mcc(truth, np.exp(3 * truth), "spearman") == pytest.approx(1)
    assert mcc(truth, np.exp(3 * truth), "pearson") < 0.6


def test_mcc_without_enough_latents_and_with_spare_ones():
    assert mcc(GRID, GRID[:, :1]) == pytest.approx(1 / 3)
    assert mcc(GRID, np.hstack([GRID, GRID])) == pytest.approx(1)


@pytest.mark.parametrize("correlation", ["pearson", "spearman"])
def test_constant_columns_count_0_in_mcc(correlation):
    code = GRID.copy()
    code[:, 1] = 0.1
    assert mcc(GRID, code, correlation) == pytest.approx(2 / 3)
    assert mcc(code, GRID, correlation) == pytest.approx(2 / 3)


def test_unknown_correlation():
    with pytest.raises(ValueError, match="correlation"):
        mcc(GRID, GRID, "kendall")  # type: ignore[arg-type]


NAN = np.where(np.arange(375).reshape(125, 3) == 7, np.nan, GRID)


@pytest.mark.parametrize("score", [linear_r2, probe_r2, mcc])
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (GRID[:100], "as many rows"),
        (NAN, "finite"),
        (np.where(np.isnan(NAN), np.inf, NAN), "finite"),
        (GRID[:2], "at least"),
        (GRID[:, 0], "shape"),
        (GRID[:, :0], "shape"),
    ],
)
def test_bad_input_is_named(score, bad, why):
    first, second = ("truth", "code") if score is mcc else ("source", "target")
    with pytest.raises(ValueError, match=f"{second} .*{why}"):
        score(GRID, bad)
    if why != "as many rows":  # which the second argument is told of
        with pytest.raises(ValueError, match=f"{first} .*{why}"):
            score(bad, GRID)


factors = st.permutations(range(3))
scales = st.lists(st.sampled_from([-100.0, -1.0, 0.01, 3.0]), min_size=3, max_size=3)


@settings(deadline=None, max_examples=15)
@given(factors, scales)
def test_order_sign_and_scale_of_latents_change_nothing(order, scale):
    truth = normal(80, 3)
    code = truth @ ROTATION + 0.5 * normal(80, 3, seed=1)
    other = code[:, order] * scale + 2
    for score in (mcc, linear_r2):
        assert score(truth, other) == pytest.approx(score(truth, code))
    assert mcc(truth, other, "spearman") == pytest.approx(mcc(truth, code, "spearman"))
