import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, mutual_info_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from biasvae_jax.scores.discrete import class_halves, dci_discrete, mig_discrete, sap_discrete
from biasvae_jax.scores.disentanglement import mig

BITS = np.stack(np.meshgrid(*[[0.0, 1.0]] * 3, indexing="ij"), -1).reshape(-1, 3)
BINARY = np.tile(BITS, (20, 1))  # three independent binary factors
MIXED = np.column_stack([BINARY, np.arange(160) % 5])  # and one of five labels
LOGISTIC = LogisticRegression(class_weight="balanced")
SCORES = [mig_discrete, sap_discrete, dci_discrete]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def noisy():
    """A code that says something of every factor of `MIXED`, less of it in other latents."""
    code = MIXED + 0.4 * MIXED[:, [1, 2, 0, 3]] + 0.3 * normal(160, 4)
    return code


@pytest.mark.parametrize(
    "code", [BINARY, BINARY[:, ::-1], 1 - 3 * BINARY], ids=["same", "permuted", "flipped"]
)
def test_one_label_in_each_latent_is_perfect(code):
    """The second latent of an accuracy has chance, so that the gap of two classes is a half."""
    assert mig_discrete(BINARY, code) == pytest.approx(1)
    np.testing.assert_allclose(dci_discrete(BINARY, code), 1)
    assert sap_discrete(BINARY, code) == pytest.approx(0.5, abs=0.05)


def test_one_factor_and_one_latent():
    truth = BINARY[:, :1]
    assert mig_discrete(truth, truth) == pytest.approx(1)
    assert sap_discrete(truth, truth) == pytest.approx(0.5)  # no second latent has chance too
    assert dci_discrete(truth, truth).informativeness == 1


@pytest.mark.parametrize("code", [np.zeros((160, 3)), np.full((160, 1), 0.1)])
def test_a_code_that_says_nothing_scores_0(code):
    assert mig_discrete(MIXED, code) == 0 == sap_discrete(MIXED, code)
    disentanglement, completeness, accuracy = dci_discrete(MIXED, code)
    assert disentanglement == 0 == completeness
    assert accuracy == pytest.approx((3 * 0.5 + 0.2) / 4, abs=0.02)  # the largest class


def test_independent_codes_score_next_to_nothing():
    truth = np.tile(BINARY, (10, 1))
    code = normal(1_600, 3)
    assert 0 <= mig_discrete(truth, code) < 0.02
    assert 0 <= sap_discrete(truth, code) < 0.05
    assert max(dci_discrete(truth, code)[:2]) < 0.1


def test_duplicated_latents_have_no_gap():
    code = np.hstack([BINARY, BINARY])
    assert mig_discrete(BINARY, code) == pytest.approx(0, abs=1e-9)
    assert sap_discrete(BINARY, code) == 0


def test_mig_is_that_of_scikit_learns_mutual_information():
    """Labels themselves, the code in 20 bins of equal width: as `disentanglement_lib` has it."""
    code = noisy()
    binned = [np.digitize(c, np.histogram(c, 20)[1][:-1]) for c in code.T]
    gaps = []
    for factor in MIXED.T:
        second, first = sorted(mutual_info_score(factor, c) for c in binned)[-2:]
        gaps.append((first - second) / mutual_info_score(factor, factor))
    assert mig_discrete(MIXED, code) == pytest.approx(np.mean(gaps))


def test_sap_is_a_double_loop_over_linear_machines():
    code = noisy()
    scaled = (code - code.mean(0)) / code.std(0)
    gaps = []
    for factor in MIXED.T:
        fit, held = class_halves(factor.astype(int), 0)
        found = []
        for latent in scaled.T:
            machine = LinearSVC(C=0.01, class_weight="balanced")
            machine.fit(latent[fit].reshape(-1, 1), factor[fit])
            told = machine.predict(latent[held].reshape(-1, 1))
            found.append(balanced_accuracy_score(factor[held], told))
        gaps.append(np.diff(np.sort(found))[-1])
    assert sap_discrete(MIXED, code) == pytest.approx(np.mean(gaps))


def test_a_linear_machine_misses_the_middle_of_three_classes_and_thresholds_do_not():
    truth = np.arange(300)[:, None] % 3
    assert sap_discrete(truth, truth) < 0.5
    thresholds = DecisionTreeClassifier(max_leaf_nodes=3, class_weight="balanced")
    assert sap_discrete(truth, truth, thresholds) == pytest.approx(1 - 1 / 3)


def test_labels_share_no_bin():
    """Forty labels are one each, where twenty bins of the continuous score hold two."""
    truth = np.arange(4_000)[:, None] % 40
    halves = truth // 2
    assert mig(truth, halves) == pytest.approx(1)
    assert mig_discrete(truth, halves) == pytest.approx(np.log(20) / np.log(40))


@settings(max_examples=4)
@given(st.permutations([-7.0, 0.5, 1.0, 3.0, 1e6]))
def test_labels_are_no_numbers(names):
    """What they are called, and in which order, changes nothing."""
    truth, code = MIXED[:, 3:], noisy()
    renamed = np.asarray(names)[truth.astype(int)]
    assert mig_discrete(renamed, code) == pytest.approx(mig_discrete(truth, code))
    again = dci_discrete(renamed, code, LOGISTIC)
    np.testing.assert_allclose(again[:2], dci_discrete(truth, code, LOGISTIC)[:2], atol=0.15)


@settings(max_examples=4)
@given(
    st.permutations(range(4)),
    st.lists(st.sampled_from([-100.0, -1.0, 0.01, 3.0]), min_size=4, max_size=4),
)
def test_order_scale_and_sign_of_latents_change_nothing(order, scale):
    code = noisy()
    other = code[:, order] * scale - 4
    assert mig_discrete(MIXED, np.abs(scale) * code[:, order]) == pytest.approx(
        mig_discrete(MIXED, code)
    )
    assert sap_discrete(MIXED, other) == pytest.approx(sap_discrete(MIXED, code), abs=0.01)
    np.testing.assert_allclose(
        dci_discrete(MIXED, other, LOGISTIC), dci_discrete(MIXED, code, LOGISTIC), atol=1e-3
    )


def test_a_constant_factor_counts_as_0_and_spoils_nothing():
    truth = np.column_stack([BINARY, np.full(160, 0.1)])
    assert mig_discrete(truth, BINARY) == pytest.approx(0.75)
    assert sap_discrete(truth, BINARY) == pytest.approx(0.75 * sap_discrete(BINARY, BINARY))
    np.testing.assert_allclose(dci_discrete(truth, BINARY), [1, 0.75, 0.75])
    lone = np.column_stack([BINARY, np.arange(160) == 7])  # a class of one row: nothing to learn
    np.testing.assert_allclose(dci_discrete(lone, BINARY), [1, 0.75, 0.75])


def test_a_rare_class_gives_a_collapsed_code_no_gap():
    """Of plain accuracies, a latent that says nothing may have 0.95 beside 0.05."""
    truth = (np.arange(400)[:, None] % 20 == 0).astype(float)
    known = truth + 0.1 * normal(400, 1)
    assert sap_discrete(truth, np.zeros((400, 4))) == 0
    assert sap_discrete(truth, np.hstack([np.zeros((400, 4)), known])) == pytest.approx(0.5)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=60))
def test_each_class_is_halved_and_no_row_is_on_both_sides(labels):
    labels = np.asarray(labels)
    fit, held = class_halves(labels, 0)
    assert not set(fit) & set(held)
    for each in np.unique(labels):
        rows = (labels == each).sum()
        sides = (labels[fit] == each).sum(), (labels[held] == each).sum()
        assert sum(sides) == (rows if rows > 1 else 0) and abs(sides[0] - sides[1]) <= 1


def test_dci_takes_coefficients_of_several_classes():
    score = dci_discrete(MIXED[:, 3:], np.eye(5)[MIXED[:, 3].astype(int)], LOGISTIC)
    assert score.informativeness == pytest.approx(1)
    assert score.disentanglement == pytest.approx(1)
    assert score.completeness == pytest.approx(0, abs=0.05)
    with pytest.raises(ValueError, match="classifier must have"):
        dci_discrete(BINARY, BINARY, KNeighborsClassifier(2))


@pytest.mark.parametrize("score", SCORES)
def test_bad_input_is_named(score):
    for truth, code, named in (
        (BINARY, BINARY[:100], "code must have as many rows"),
        (np.where(BINARY == 0, np.nan, 1), BINARY, "truth must be finite"),
        (np.arange(160.0)[:, None], BINARY, "truth column 0 has 160 values, over the 100"),
    ):
        with pytest.raises(ValueError, match=named):
            score(truth, code)
    with pytest.raises(ValueError, match="bins"):
        mig_discrete(BINARY, BINARY, bins=1)
