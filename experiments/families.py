"""The scores that `experiments.score` knows: the variables of each and how one model gets them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from biasvae_jax.files import first_line
from biasvae_jax.networks import Params
from biasvae_jax.scores.alignment import linear_r2, match, mcc, probe_r2
from biasvae_jax.scores.disentanglement import dci, mig, sap
from biasvae_jax.scores.information import (
    canonical_directions,
    gaussian_information,
    info_nce,
    ksg_information,
    mine,
    neural_information,
)
from biasvae_jax.scores.interventions import beta_vae_score, factor_vae_score
from biasvae_jax.sweep import Models, Sweep
from experiments.subject import FEW, Subject, joint_sample, score_key


class Family(NamedTuple):
    """Variables that are computed together."""

    variables: dict[str, tuple[str, str]]
    """(long_name, units) of each, in the order in which `compute` returns them."""
    compute: Callable[[Subject], Sequence[float | str]]
    """A text in place of a number says why there is none; a ValueError, why there is none at all"""

    def of(self, subject: Subject) -> Sequence[float | str]:
        """Return each variable of one model, or why it is undefined."""
        try:
            return self.compute(subject)
        except ValueError as error:  # a world or code that the score is not for
            return [first_line(error)] * len(self.variables)


def _or_why(score: Callable[..., float], *pair: np.ndarray) -> float | str:
    """Return one score, or why it is undefined, where others of its family may be defined."""
    try:
        return score(*pair)
    except ValueError as error:
        return first_line(error)


def _intervention(score: Callable) -> Callable[[Subject], Sequence[float]]:
    """Score one model on interventions that are the same for every model."""
    return lambda subject: [score(np.random.default_rng(0), subject.encode, subject.sample)]


def _ksg(subject: Subject) -> Sequence[float]:
    """Pair columns on all rows, estimate on 2,000: choosing the pairs adds nothing to them.

    Without a direction that varies there is no pair, and the sum is 0.
    """
    z, z_hat = subject.joint
    pairs = match(z, z_hat)
    canonical = canonical_directions(z, z_hat)
    return [
        ksg_information(truth[:FEW], code[:FEW]).sum() if truth.shape[1] else 0.0
        for truth, code in (
            (z[:, pairs.factor], z_hat[:, pairs.latent]),
            (canonical.truth, canonical.code),
        )
    ]


FAMILIES = {
    "encoder": Family(
        {"encoder_threshold": ("β below which the encoder can leave a collapse", "1")},
        lambda s: [s.encoder_threshold],
    ),
    "r2": Family(
        {
            "r2": ("R² of the least-squares map z_hat → u, all test images", "1"),
            "r2_reverse": ("R² of the least-squares map u → z_hat, all test images", "1"),
        },
        lambda s: [linear_r2(*s.test[::-1]), linear_r2(*s.test)],
    ),
    "mcc": Family(
        {"mcc": ("mean |correlation| of factors with matched latents, all test images", "1")},
        lambda s: [mcc(*s.test)],
    ),
    "mig": Family(
        {"mig": ("mutual information gap, 20 bins, all test images", "1")},
        lambda s: [mig(*s.test)],
    ),
    "sap": Family(
        {"sap": ("separated attribute predictability, 2,000 test images", "1")},
        lambda s: [sap(*s.few)],
    ),
    "dci": Family(
        {
            f"dci_{part}": (f"DCI {part}, boosted trees, 2,000 test images", "1")
            for part in ("disentanglement", "completeness", "informativeness")
        },
        lambda s: dci(*s.few),
    ),
    "probe": Family(
        {
            "probe_r2": ("held-out R² of a kernel probe z_hat → u, 2,000 test images", "1"),
            "probe_r2_reverse": ("held-out R² of a kernel probe u → z_hat, 2,000 test images", "1"),
        },
        lambda s: [probe_r2(*s.few[::-1]), probe_r2(*s.few)],
    ),
    "beta_vae": Family(
        {"beta_vae_score": ("β-VAE score: accuracy, chance is 1/factors", "1")},
        _intervention(beta_vae_score),
    ),
    "factor_vae": Family(
        {"factor_vae_score": ("FactorVAE score: accuracy, chance is 1/factors", "1")},
        _intervention(factor_vae_score),
    ),
    "gaussian": Family(
        {
            "mi_gaussian": ("I(z; z_hat) from canonical correlations, as if Gaussian", "nat"),
            "mi_gaussian_test": ("the same of u and z_hat over the test images", "nat"),
        },
        lambda s: [_or_why(gaussian_information, *pair) for pair in (s.joint, s.test)],
    ),
    "ksg": Family(
        {
            "mi_ksg_matched": ("sum of I(z_j; matched z_hat), nearest neighbours", "nat"),
            "mi_ksg_canonical": ("sum of I over canonical pairs, nearest neighbours", "nat"),
        },
        _ksg,
    ),
}

# The neural bounds are trained for many models at once; the number is InfoNCE's cap, ln 2,048.
NEURAL = {
    "info_nce": {"mi_info_nce": ("InfoNCE lower bound of I(z; z_hat), at most 7.62", "nat")},
    "mine": {"mi_mine": ("MINE (Donsker–Varadhan) lower bound of I(z; z_hat)", "nat")},
}


def neural_bound(name: str, sweep: Sweep) -> Callable[[Models, Params], np.ndarray]:
    """Return (models, stacked params) → nats `[models]`; all critics are trained together."""
    bound = {"info_nce": info_nce, "mine": mine}[name]

    def of_one(model: Any, params: Params):  # Models of scalars: one seed, one bias
        def sample(key, rows):
            return joint_sample(key, rows, params, model.bias, sweep.recipe)

        return neural_information(score_key(model.seed, 2), sample, bound).nats

    return sweep.lift(of_one)


VARIABLES = {name: family.variables for name, family in FAMILIES.items()} | NEURAL
"""Variables of every score that can be asked for: name of the score → variable → meaning."""
