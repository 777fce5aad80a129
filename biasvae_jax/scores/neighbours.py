"""Mutual information of paired columns by nearest neighbours, also where values or rows repeat."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import KDTree
from scipy.special import digamma, ndtri
from scipy.stats import rankdata

from biasvae_jax.scores.alignment import standardised

HEAVY = 0.05  # share of the rows above which a value counts as discrete
OFTEN = 10  # times that a row of two discrete columns repeats, on average


def ksg_information(truth: ArrayLike, code: ArrayLike, neighbours: int = 3) -> np.ndarray:
    """Nearest-neighbour estimate of I(truth column j; code column j), nats, for each pair j.

    ⟨ψ(kᵢ) + ψ(N) − ψ(n_x + 1) − ψ(n_y + 1)⟩, n the rows strictly nearer in one column than the k-th
    neighbour in both (maximum norm), kᵢ = k. Columns are first mapped to normal scores by rank, so
    that monotone maps of either side change nothing. Shapes: `[rows, pairs]` both → `[pairs]`.

    Where that neighbour is at distance 0, kᵢ, n_x + 1 and n_y + 1 are the rows that equal row i, so
    discrete values, mixed with continuous ones or not, count as they should. Fine ties, as of
    rounded numbers, are not discrete at this number of rows: values of up to 5 % of the rows have
    their ties broken at random (fixed seed), which adds or hides no information. Repeated rows of
    continuous columns (a bootstrap sample) look like a shared discrete value and cannot be scored;
    they are told by repeating less than 10 times on average while each value of one column has
    one value of the other.

    For columns paired beforehand (`alignment.match`, `canonical_directions`); for independent truth
    columns the sum estimates a lower bound of I(truth; code). It is never given whole vectors: with
    9 + 9 dimensions and 2,000 rows the estimate is hopelessly biased (3.8 for a true 9.7). May fall
    slightly below 0, and stays below ln(rows) even for equal columns, whose information is
    infinite; a constant column gives 0. Raises ValueError as `standardised`, for unequal shapes,
    for `neighbours` outside 1 … rows − 1, or for repeated rows. Sources: Kraskov, Stögbauer &
    Grassberger 2004, "Estimating mutual information", algorithm 1 and, on ties, section II; Gao,
    Kannan, Oh & Viswanath 2017, "Estimating Mutual Information for Discrete-Continuous Mixtures".
    """
    truth, code = standardised(truth=truth, code=code)
    if truth.shape != code.shape:
        raise ValueError(f"code must have truth's shape {truth.shape}; got {code.shape}")
    if not 0 < neighbours < len(truth):
        raise ValueError(f"neighbours must be in 1 … {len(truth) - 1}; got {neighbours}")
    pairs = zip(truth.T, code.T, strict=True)
    return np.array([_ksg(x, y, neighbours, j) for j, (x, y) in enumerate(pairs)])


def ksg_error(
    truth: ArrayLike, code: ArrayLike, neighbours: int = 3, parts: int = 10
) -> np.ndarray:
    """Standard error of each estimate of `ksg_information`, nats, `[pairs]`.

    s/√parts, s the deviation of the estimates over `parts` disjoint parts of the rows in order, as
    the variance falls like 1/rows; that of a sum of independent pairs is √(Σ error²). It does not
    hold the bias, which falls with rows too. Raises ValueError as `ksg_information` for one part.
    Source: Holmes & Nemenman 2019, "Estimation of mutual information for real-valued data with
    error bars and controlled bias".
    """
    if parts < 2:
        raise ValueError(f"parts must be at least 2; got {parts}")
    truth, code = standardised(truth=truth, code=code)
    each = [
        ksg_information(x, y, neighbours)
        for x, y in zip(np.array_split(truth, parts), np.array_split(code, parts), strict=True)
    ]
    return np.std(each, axis=0, ddof=1) / np.sqrt(parts)


def _ksg(x: np.ndarray, y: np.ndarray, neighbours: int, pair: int) -> float:
    if not (x.any() and y.any()):
        return 0.0
    rows = np.unique(np.stack([x, y], axis=1), axis=0, return_counts=True)[1]
    # each value of one column has one value of the other: no ties, or ties of whole rows alone
    together = len(rows) == max(len(np.unique(x)), len(np.unique(y)))
    repeats = rows[rows > 1]
    if together and repeats.sum() > HEAVY * len(x) and repeats.mean() < OFTEN:
        raise ValueError(
            f"truth and code have repeated rows (pair {pair}: {len(rows)} distinct of {len(x)}), "
            "from which neighbours tell nothing; pass each row once"
        )
    light = 0 if together else max(neighbours, HEAVY * len(x))
    rng = np.random.default_rng(0)
    x, y = (_normal_scores(a, light, rng) for a in (x, y))
    points = np.stack([x, y], axis=1)
    # the row itself is its own first neighbour, and is counted in n + 1
    distance = KDTree(points).query(points, neighbours + 1, p=np.inf)[0][:, -1]
    nearest = np.where(distance > 0, neighbours, _equal(points))
    counts = [np.where(distance > 0, _strictly_within(a, distance), _equal(a)) for a in (x, y)]
    return float(digamma(len(x)) + np.mean(digamma(nearest) - digamma(counts).sum(0)))


def _normal_scores(a: np.ndarray, light: float, rng: np.random.Generator) -> np.ndarray:
    """Normal scores of the ranks; ties of up to `light` rows are broken, others share one rank."""
    broken = np.empty(len(a))
    broken[np.lexsort((rng.random(len(a)), a))] = np.arange(1, len(a) + 1)
    return ndtri((np.where(_equal(a) > light, rankdata(a), broken) - 0.5) / len(a))


def _equal(a: np.ndarray) -> np.ndarray:
    """How many entries (or rows) of `a` equal each, itself among them."""
    _, inverse, counts = np.unique(a, axis=0, return_inverse=True, return_counts=True)
    return counts[inverse.reshape(-1)]


def _strictly_within(a: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """How many entries of `a` are nearer than `distance` to each, itself among them."""
    ordered = np.sort(a)
    radius = distance * (1 - 1e-10)  # the rounding of a ± radius must not let the neighbour in
    above = np.searchsorted(ordered, a + radius, side="right")
    return above - np.searchsorted(ordered, a - radius, side="left")
