"""Against closed forms, scikit-learn's information of tables, and the definition written out."""

import numpy as np
import pytest
from scipy.special import digamma, ndtri
from scipy.stats import norm, rankdata
from sklearn.metrics import mutual_info_score

from biasvae_jax.scores.information import gaussian_information, ksg_error, ksg_information

PAIR = 0.4133  # nats, correlation 0.75
STRONG = 0.8304  # correlation 0.9


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def correlated(rows, rho, seed=0):
    """Truth and code whose columns j have the correlation rho[j], by chance only nearly so."""
    rho = np.asarray(rho)
    truth, noise = normal(2, rows, len(rho), seed=seed)
    return truth, rho * truth + np.sqrt(1 - rho**2) * noise


def test_ksg_of_gaussian_pairs():
    assert ksg_information(*correlated(1_000, [0.75] * 12)).mean() == pytest.approx(PAIR, abs=0.02)
    estimate = ksg_information(*correlated(2_000, [0.0, 0.5, 0.95]))
    np.testing.assert_allclose(estimate, -0.5 * np.log(1 - np.square([0, 0.5, 0.95])), atol=0.06)


def test_ksg_where_gaussian_is_wrong():
    """Y = X + noise, both uniform on (0, 1): I = h(Y) − h(noise) = ½ − 0 nats."""
    x, noise = np.random.default_rng(0).uniform(size=(2, 1_500, 8))
    assert ksg_information(x, x + noise).mean() == pytest.approx(0.5, abs=0.04)
    assert gaussian_information(x[:, :1], (x + noise)[:, :1]) < 0.4


@pytest.mark.parametrize("neighbours", [1, 3, 10])
def test_ksg_is_unchanged_by_monotone_maps_of_either_side(neighbours):
    truth, code = correlated(500, [0.75, 0.2])
    plain = ksg_information(truth, code, neighbours)
    np.testing.assert_array_equal(ksg_information(np.exp(truth), code**3, neighbours), plain)
    np.testing.assert_allclose(ksg_information(-5 * truth, np.arctan(code), neighbours), plain)
    np.testing.assert_allclose(ksg_information(code, truth, neighbours), plain)


def test_ksg_counts_as_the_paper_defines():
    """Against the definition written out, on all pairs of distances."""
    truth, code = correlated(80, [0.8])
    x, y = (ndtri((rankdata(a) - 0.5) / 80) for a in (truth[:, 0], code[:, 0]))
    dx, dy = (np.abs(a[:, None] - a) for a in (x, y))
    for k in (1, 3):
        radius = np.sort(np.maximum(dx, dy), axis=1)[:, [k]]  # the row itself stands first
        inside = radius * (1 - 1e-9)  # scores are symmetric: some distances tie but for rounding
        nx, ny = ((d < inside).sum(1) - 1 for d in (dx, dy))
        expected = digamma(k) + digamma(80) - np.mean(digamma(nx + 1) + digamma(ny + 1))
        assert ksg_information(truth, code, k)[0] == pytest.approx(expected)


def test_ksg_of_constants_is_0():
    constant = np.full((50, 2), 0.1)
    np.testing.assert_array_equal(ksg_information(constant, normal(50, 2)), 0)
    np.testing.assert_array_equal(ksg_information(constant, constant), 0)


@pytest.mark.parametrize("neighbours", [0, 50])
def test_ksg_names_bad_neighbours(neighbours):
    with pytest.raises(ValueError, match="neighbours"):
        ksg_information(normal(50, 1), normal(50, 1), neighbours)


def test_ksg_names_unpaired_columns():
    with pytest.raises(ValueError, match=r"code .*shape"):
        ksg_information(normal(30, 3), normal(30, 2))


# Ties and repeats ---------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [2, 3, 50])
def test_a_discrete_column_with_itself_has_its_entropy(values):
    x = np.random.default_rng(0).integers(values, size=(2_000, 1))
    entropy = mutual_info_score(x[:, 0], x[:, 0])
    assert ksg_information(x, x)[0] == pytest.approx(entropy, abs=0.015)
    assert ksg_information(x, np.random.default_rng(1).permutation(x))[0] < 0.01
    assert entropy == pytest.approx(np.log(values), abs=0.02)


@pytest.mark.parametrize(
    ("decimals", "true"), [(2, STRONG), (1, 0.828), (0, 0.588)], ids=["fine", "coarse", "integers"]
)
def test_rounded_columns_have_their_own_information(decimals, true):
    """The true values are scikit-learn's for the table of 4 million rounded rows."""
    pairs = np.round(correlated(2_000, [0.9] * 8), decimals)
    assert ksg_information(*pairs).mean() == pytest.approx(true, abs=0.025)
    independent = np.round(correlated(2_000, [0.0] * 8), decimals)
    assert ksg_information(*independent).mean() == pytest.approx(0, abs=0.025)


def test_one_rounded_column_of_a_pair():
    """I(round(x); y) by quadrature: h(y) − Σ P(v) h(y | round(x) = v)."""
    truth, code = correlated(2_000, [0.9] * 8)
    v, y = np.arange(-5, 6), np.linspace(-6, 6, 2_001)
    edges = (v[:, None] + np.array([-0.5, 0.5]))[..., None]
    # x | y ~ N(0.9y, 0.19)
    below, above = norm.cdf((edges - 0.9 * y) / np.sqrt(0.19)).swapaxes(0, 1)
    joint = (above - below) * norm.pdf(y)
    ratio = joint / (norm.pdf(y) * joint.sum(1, keepdims=True) * (y[1] - y[0]))
    exact = (joint * np.log(np.where(joint > 0, ratio, 1))).sum() * (y[1] - y[0])
    assert ksg_information(np.round(truth), code).mean() == pytest.approx(exact, abs=0.025)


def test_a_discrete_and_a_continuous_column():
    """Gao et al. 2017: y uniform on (x, x + 2), x of m values: ln m − (m − 1) ln 2/m."""
    rng = np.random.default_rng(0)
    x = rng.integers(5, size=(2_000, 6)).astype(float)
    estimate = ksg_information(x, x + rng.uniform(0, 2, x.shape)).mean()
    assert estimate == pytest.approx(np.log(5) - 0.8 * np.log(2), abs=0.02)


def test_columns_that_are_0_together_half_of_the_time():
    """Whether they are is ln 2, and the other half adds its own."""
    present = np.random.default_rng(0).random((2_000, 6)) < 0.5
    truth, code = correlated(2_000, [0.9] * 6)
    estimate = ksg_information(truth * present, code * present).mean()
    assert estimate == pytest.approx(np.log(2) + STRONG / 2, abs=0.03)


def test_repeated_rows_are_refused_and_a_few_do_no_harm():
    truth, code = correlated(2_000, [0.5, 0.9])
    for rows in (np.random.default_rng(0).integers(2_000, size=2_000), np.arange(4_000) % 2_000):
        with pytest.raises(ValueError, match=r"repeated rows \(pair 0: .*each row once"):
            ksg_information(truth[rows], code[rows])
    few = np.r_[:2_000, :20]
    plain = ksg_information(truth, code)
    np.testing.assert_allclose(ksg_information(truth[few], code[few]), plain, atol=0.02)


def test_the_error_is_the_deviation_over_samples():
    samples = [correlated(500, [0.0, 0.7, 0.9], seed=s) for s in range(40)]
    deviation = np.std([ksg_information(*pair) for pair in samples], axis=0)
    errors = np.mean([ksg_error(*pair) for pair in samples], axis=0)
    np.testing.assert_allclose(errors, deviation, rtol=0.35)
    with pytest.raises(ValueError, match="parts"):
        ksg_error(*samples[0], parts=1)
