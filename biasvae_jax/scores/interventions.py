"""Scores that hold one factor fixed and watch the code: the β-VAE and the FactorVAE score.

Both take two callables and draw data themselves:

- `sample(rng, rows)` draws truth `[rows, factors]`, the factors independent of each other;
- `encode(truth)` maps it to code `[rows, latents]`: it renders, adds noise and encodes.

A factor is held fixed by writing one row's value of it into all rows of a group (an intervention).
Code columns are scaled to variance 1 first. A constant latent has no say; a code of constant
latents only scores 0, although chance is 1/factors.
"""

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression

from biasvae_jax.scores.alignment import standardised

Sample = Callable[[np.random.Generator, int], np.ndarray]
Encode = Callable[[np.ndarray], np.ndarray]


def _groups(
    rng: np.random.Generator, encode: Encode, sample: Sample, repeats: int, groups: int, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Encode groups of rows that share a factor's value; every factor has its turn.

    Returns the factor of each point `[groups]` and the code, standardised over everything,
    `[groups, repeats, rows, latents]`: `repeats` groups of rows for each point.
    """
    total = groups * repeats * rows
    drawn = sample(rng, total)
    standardised(sample=drawn)
    truth = np.array(drawn)
    if len(truth) != total:
        raise ValueError(f"sample must return the {total} rows asked for; got {len(truth)}")
    factors = truth.shape[1]
    if factors < 2:
        raise ValueError(f"sample must return at least 2 factors; got {factors}")
    if groups < 2 * factors:
        raise ValueError(f"points must be at least 2·factors = {2 * factors}; got {groups}")
    factor = np.arange(groups) % factors
    truth = truth.reshape(groups, repeats, rows, factors)
    for j in range(factors):
        truth[j::factors, ..., j] = truth[j::factors, :, :1, j]
    truth = truth.reshape(-1, factors)
    _, code = standardised(sample=truth, encode=encode(truth))
    return factor, code.reshape(groups, repeats, rows, -1)


def beta_vae_score(
    rng: np.random.Generator,
    encode: Encode,
    sample: Sample,
    points: int = 900,
    pairs: int = 32,
) -> float:
    """Accuracy of a linear classifier that tells from the code which factor a pair shares.

    A point is mean |c − c'| over `pairs` pairs that agree in one factor, `[latents]`; logistic
    regression is fitted on one half of the points and scored on the other. Chance is 1/factors.
    Known blind spot: a code that lacks one factor still scores 1. Encodes 2·points·pairs rows at
    once. Raises ValueError naming `sample`, `encode` or `points`. Source: Higgins et al. 2017,
    "beta-VAE", section 3; the code is scaled and the classifier logistic as in Locatello et al.
    2019.
    """
    factor, code = _groups(rng, encode, sample, pairs, points, 2)
    if not code.any():
        return 0.0
    difference = np.abs(code[:, :, 0] - code[:, :, 1]).mean(1)
    half = points // 2
    classifier = LogisticRegression(max_iter=1_000).fit(difference[:half], factor[:half])
    return float(classifier.score(difference[half:], factor[half:]))


def factor_vae_score(
    rng: np.random.Generator,
    encode: Encode,
    sample: Sample,
    points: int = 900,
    rows: int = 64,
) -> float:
    """Accuracy of a majority vote: the latent that varies least tells which factor is fixed.

    A point is the latent with the least variance, relative to its variance overall, within `rows`
    rows that agree in one factor. The vote table is filled from one half of the points and scored
    on the other. Chance is 1/factors. Encodes points·rows rows at once. Posterior means of a
    collapsed latent vary a little and still vote, where the paper prunes them: pass samples, or
    active latents only. Raises ValueError naming `sample`, `encode` or `points`. Source: Kim &
    Mnih 2018, "Disentangling by Factorising", section 4.
    """
    factor, code = _groups(rng, encode, sample, 1, points, rows)
    varies = code.any(axis=(0, 1, 2))
    if not varies.any():
        return 0.0
    latent = np.where(varies, code.var(axis=2)[:, 0], np.inf).argmin(1)
    half = points // 2
    table = np.zeros((code.shape[-1], factor.max() + 1))
    np.add.at(table, (latent[:half], factor[:half]), 1)
    return float(np.mean(table.argmax(1)[latent[half:]] == factor[half:]))
