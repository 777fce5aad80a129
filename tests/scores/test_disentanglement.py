import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVR

from biasvae_jax.scores.disentanglement import dci, mig, sap

GRID = np.stack(np.meshgrid(*[np.linspace(-1, 1, 5)] * 2, indexing="ij"), -1).reshape(-1, 2)
ROTATED = GRID @ np.array([[1, 1], [-1, 1]])  # by 45°: a − b and a + b
LINEAR = LinearRegression()


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def linear_dci(truth, code):
    return dci(truth, code, LINEAR)


@pytest.mark.parametrize(
    "code", [GRID, GRID[:, ::-1], 1 - 3 * GRID], ids=["same", "permuted", "flipped"]
)
def test_one_factor_in_each_latent_is_perfect(code):
    np.testing.assert_allclose(linear_dci(GRID, code), 1)
    assert mig(GRID, code) == pytest.approx(1)
    assert sap(GRID, code) == pytest.approx(1)


def test_rotation_by_45_degrees_informs_but_does_not_disentangle():
    score = linear_dci(GRID, ROTATED)
    assert score.informativeness == pytest.approx(1)
    assert score.disentanglement == pytest.approx(0, abs=1e-9)
    assert score.completeness == pytest.approx(0, abs=1e-9)
    assert mig(GRID, ROTATED) == pytest.approx(0, abs=1e-9)
    assert sap(GRID, ROTATED) == pytest.approx(0, abs=1e-9)


def test_duplicated_latents_disentangle_but_are_not_complete():
    """Least squares shares a factor between its two copies: entropy ln 2 of a possible ln 4."""
    code = np.hstack([GRID, GRID])
    np.testing.assert_allclose(linear_dci(GRID, code), [1, 0.5, 1])
    assert mig(GRID, code) == pytest.approx(0, abs=1e-9)
    assert sap(GRID, code) == pytest.approx(0, abs=1e-9)


def test_one_latent_for_two_factors_is_complete_but_not_disentangled():
    """The other way round: each factor needs one latent, which serves both alike."""
    code = GRID.sum(1, keepdims=True)
    score = linear_dci(GRID, code)
    assert score.disentanglement == pytest.approx(0, abs=0.05)
    assert score.completeness == pytest.approx(1)
    assert sap(GRID, code) == pytest.approx(0.5)


def test_independent_codes_score_0():
    truth, code = normal(4_000, 3), normal(4_000, 3, seed=1)
    assert 0 <= mig(truth, code) < 0.01
    assert 0 <= sap(truth, code) < 0.005
    assert linear_dci(truth, code).informativeness == pytest.approx(0, abs=0.01)


def test_independent_latents_do_not_matter_beside_good_ones():
    score = dci(GRID, np.hstack([GRID, normal(25, 1)]), LINEAR)
    np.testing.assert_allclose(score, 1)


def test_disentanglement_weighs_latents_by_importance():
    """A latent of both factors, hardly used beside a clean one for each, must hardly count."""
    truth = normal(2_000, 2)
    mixed = truth.sum(1, keepdims=True) + 10 * normal(2_000, 1, seed=1)
    code = np.hstack([truth + 0.1 * normal(2_000, 2, seed=2), mixed])
    assert linear_dci(truth, code).disentanglement > 0.95


def test_boosted_trees_by_default():
    truth = normal(600, 3)
    np.testing.assert_allclose(dci(truth, np.exp(truth[:, [1, 2, 0]])), 1, atol=0.03)
    score = dci(truth, normal(600, 3, seed=1))
    assert max(score) < 0.1
    mixed = dci(truth, truth @ np.linalg.qr(normal(3, 3, seed=2))[0])
    assert mixed.disentanglement < 0.6 < mixed.informativeness


def test_dci_refuses_a_regressor_without_importances():
    with pytest.raises(ValueError, match="regressor"):
        dci(GRID, GRID, KNeighborsRegressor(2))


@pytest.mark.parametrize("regressor", [SVR(kernel="linear", C=100), PLSRegression(2)])
def test_a_matrix_of_coefficients_is_a_row(regressor):
    np.testing.assert_allclose(dci(GRID, 2 * GRID[:, ::-1], regressor), 1, atol=0.02)


def test_dci_refuses_coefficients_of_something_else_than_the_latents():
    class Curved(LinearRegression):
        def fit(self, x, y):
            return super().fit(PolynomialFeatures().fit_transform(x), y)

    with pytest.raises(ValueError, match=r"regressor .* 2 latents; coef_ has the shape \(6,\)"):
        dci(GRID, GRID, Curved())


def leveled(levels, rows=5_000):
    return np.random.default_rng(0).integers(levels, size=(rows, 1)) / (levels - 1)


@pytest.mark.parametrize("edges", ["width", "quantile"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [3, 40, 41])
def test_mig_knows_neither_unit_nor_sign_where_levels_lie_on_bin_edges(levels, dtype, edges):
    truth = leveled(levels)
    for code in (-truth, 3 * truth, 7.3 * truth - 2, 1 - truth / 3):
        assert mig(truth, code.astype(dtype), edges=edges) == pytest.approx(1)
        assert mig(code.astype(dtype), truth, edges=edges) == pytest.approx(1)


def test_mig_of_quantiles_sees_through_monotone_maps_and_outliers():
    """And bins of equal width warn that they do not."""
    truth = normal(5_000, 3)
    code = truth + 0.2 * normal(5_000, 3, seed=1)
    plain = mig(truth, code, edges="quantile")
    assert plain > 0.45
    assert mig(truth, np.exp(code), edges="quantile") == pytest.approx(plain)
    code[0] = 1_000
    assert mig(truth, code, edges="quantile") == pytest.approx(plain, abs=0.005)
    with pytest.warns(UserWarning, match=r"code column 0: outliers .*quantile"):
        assert mig(truth, code) < 0.01
    with pytest.raises(ValueError, match="edges"):
        mig(truth, code, edges="equal")  # type: ignore[arg-type]


def test_a_rare_value_is_no_outlier():
    truth = (np.arange(1_000) < 3).astype(float)[:, None]
    assert mig(truth, truth) == pytest.approx(1)


def test_mig_is_the_gap_in_units_of_the_entropy():
    """A latent that tells |a| only: 3 of 5 levels, against one that tells all of a."""
    truth = GRID[:, :1]
    magnitude = np.abs(truth)
    entropy, known = np.log(5), -0.2 * np.log(0.2) - 2 * 0.4 * np.log(0.4)
    assert mig(truth, magnitude) == pytest.approx(known / entropy)
    assert mig(truth, np.hstack([magnitude, truth])) == pytest.approx(1 - known / entropy)


def test_mig_bins():
    """Two bins cannot tell the five levels apart, but they can tell the halves."""
    code = np.sign(GRID + 0.1)
    assert mig(GRID, code, bins=2) == pytest.approx(1)
    assert mig(GRID, code, bins=5) < 0.5
    with pytest.raises(ValueError, match="bins"):
        mig(GRID, code, bins=1)


def test_sap_is_a_gap_of_squared_correlations():
    code = GRID @ np.array([[3, 1], [4, 2]])  # 3a + 4b and a + 2b
    assert sap(GRID[:, :1], code) == pytest.approx(9 / 25 - 1 / 5)
    assert sap(GRID[:, 1:], code) == pytest.approx(4 / 5 - 16 / 25)
    assert sap(GRID, code) == pytest.approx(4 / 25)


@pytest.mark.parametrize("value", [0.0, 0.1, np.float32(0.1)])
def test_constant_columns_score_0(value):
    constant = np.full((25, 1), value)
    for score in (mig, sap):
        assert score(GRID, np.hstack([constant, GRID, constant])) == pytest.approx(1)
        assert score(np.hstack([GRID, constant]), GRID) == pytest.approx(2 / 3)
        assert score(GRID, constant) == 0
    np.testing.assert_allclose(dci(GRID, constant), 0, atol=1e-12)
    np.testing.assert_allclose(linear_dci(GRID, constant), 0, atol=1e-12)
    np.testing.assert_allclose(linear_dci(GRID, np.hstack([constant, GRID])), 1)
    np.testing.assert_allclose(
        linear_dci(np.hstack([GRID, constant]), GRID), [1, 2 / 3, 2 / 3], atol=1e-9
    )


@pytest.mark.parametrize("score", [linear_dci, mig, sap])
@pytest.mark.parametrize(
    "bad",
    [GRID[:20], np.where(GRID == 0, np.nan, GRID), GRID[:1], GRID[:, 0]],
    ids=["length", "nan", "few", "shape"],
)
def test_bad_input_is_named(score, bad):
    with pytest.raises(ValueError, match=r"^code "):
        score(GRID, bad)


@pytest.mark.parametrize("score", [linear_dci, mig, sap])
def test_bad_truth_is_named(score):
    with pytest.raises(ValueError, match=r"^truth "):
        score(np.where(GRID == 0, np.nan, GRID), GRID)


@settings(deadline=None, max_examples=15)
@given(
    st.permutations(range(3)),
    st.lists(st.sampled_from([0.01, 1.0, 300.0]), min_size=3, max_size=3),
    st.lists(st.sampled_from([-1.0, 1.0]), min_size=3, max_size=3),
)
def test_order_scale_and_sign_of_latents_change_nothing(order, scale, sign):
    truth = normal(90, 3)
    code = truth + 0.7 * truth[:, [1, 2, 0]] + 0.2 * normal(90, 3, seed=1)
    other = code[:, order] * scale - 4
    assert mig(truth, other) == pytest.approx(mig(truth, code))
    other = other * sign
    assert sap(truth, other) == pytest.approx(sap(truth, code))
    np.testing.assert_allclose(linear_dci(truth, other), linear_dci(truth, code))
