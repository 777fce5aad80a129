"""The scores that can be asked of a finished run, and how one model gets each."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from biasvae_jax.errors import first_line
from biasvae_jax.networks import Params
from biasvae_jax.scores import decomposition as decomposition  # registers its own
from biasvae_jax.scores.alignment import linear_r2, match, mcc, probe_r2
from biasvae_jax.scores.base import SCORES, Meaning, Need, Value, register_score
from biasvae_jax.scores.by_factor import factor_scores, summaries
from biasvae_jax.scores.discrete import dci_discrete, mig_discrete, sap_discrete
from biasvae_jax.scores.disentanglement import DCI, dci, mig, sap
from biasvae_jax.scores.information import (
    canonical_directions,
    gaussian_information,
    info_nce,
    ksg_information,
    mine,
    neural_information,
)
from biasvae_jax.scores.interventions import beta_vae_score, factor_vae_score
from biasvae_jax.scores.subject import FEW, Pair, Subject, joint_sample, score_key

LABELS = "binary", "categorical"


def _numbers(subject: Subject, pair: Pair) -> Pair:
    """Leave out categorical factors, whose labels are no numbers; those of binary ones are 0, 1."""
    return subject.of(pair, "continuous", "binary")


def _both_ways(score: Callable[..., float], subject: Subject, pair: Pair) -> Sequence[float]:
    u, z_hat = _numbers(subject, pair)
    return [score(z_hat, u), score(u, z_hat)]


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


def _factors(subject: Subject) -> Sequence[Value]:
    found = factor_scores(*subject.test, subject.kinds)
    return [*found, *summaries(found, subject.kinds)]


def _dci_discrete(subject: Subject) -> Sequence[Value]:
    u, z_hat = subject.of(subject.few, *LABELS)
    found: list[Value] = list(dci_discrete(u, z_hat))
    if u.shape[1] == 1:  # an entropy over one factor, 0 of a possible 0
        found[0] = "of one factor alone, each latent is important for one"
    return found


def _share(title: str, text: str, worst: float = np.nan) -> Meaning:
    return Meaning(text, "1", "higher", "disentanglement", title=title, worst=worst)


def _nats(title: str, text: str) -> Meaning:
    return Meaning(text, "nat", "higher", "information", title=title)


def _r2(title: str, text: str, need: Need | None = None) -> Meaning:
    return Meaning(text, "1", "higher", need=need, title=title, worst=0.0)


register_score(
    "encoder",
    {
        "encoder_threshold": Meaning(
            "β above which a collapse is stable for the encoder's features",
            "1",
            "",
            "training",
            title="β above which the encoder keeps a collapse",
        )
    },
    lambda s: [s.encoder_threshold],
    ["features", "optimum"],
)
register_score(
    "factors",
    {
        "factor_recovery": Meaning(
            "of each factor, from z_hat by a linear head: R² of a continuous one, balanced "
            "accuracy of another, test images",
            "1", "higher", along="factor", title="Recovery of each factor", worst=0.0,
        ),
        "factor_auroc": Meaning(
            "AUROC of each binary factor, logistic head, held-out test images", "1", "higher",
            along="factor", need="binary", title="AUROC of each binary factor",
        ),
        "recovery_accuracy": Meaning(
            "mean balanced accuracy of binary and categorical factors, logistic heads, held-out "
            "test images",
            "1", "higher", need="discrete", title="Balanced accuracy of classes",
        ),
        "recovery_auroc": Meaning(
            "mean AUROC of binary factors, logistic heads, held-out test images", "1", "higher",
            need="binary", title="AUROC of binary factors",
        ),
        "factor_r2": _r2(
            "R² of continuous factors",
            "mean R² of continuous factors, least squares, all test images",
            need="continuous",
        ),
    },
    _factors,
)  # fmt: skip
register_score(
    "r2",
    {
        "r2": _r2(
            "R² from code to factors", "R² of the least-squares map z_hat → u, all test images"
        ),
        "r2_reverse": _r2(
            "R² from factors to code", "R² of the least-squares map u → z_hat, all test images"
        ),
    },
    lambda s: _both_ways(linear_r2, s, s.test),
    ["numbers"],
)
register_score(
    "mcc",
    {
        "mcc": _share(
            "Correlation with matched latents (MCC)",
            "mean |correlation| of factors with matched latents, all test images",
        )
    },
    lambda s: [mcc(*_numbers(s, s.test))],
    ["numbers"],
)
register_score(
    "mig",
    {
        "mig": _share(
            "Mutual information gap (MIG)", "mutual information gap, 20 bins, all test images"
        )
    },
    lambda s: [mig(*s.of(s.test, "continuous"))],
    ["continuous"],
)
register_score(
    "mig_discrete",
    {
        "mig_discrete": _share(
            "Mutual information gap of labels",
            "mutual information gap of labels, 20 bins of z_hat, all test images",
        )
    },
    lambda s: [mig_discrete(*s.of(s.test, *LABELS))],
    ["discrete"],
)
register_score(
    "sap",
    {
        "sap": _share(
            "Separated predictability (SAP)",
            "separated attribute predictability, 2,000 test images",
        )
    },
    lambda s: [sap(*s.of(s.few, "continuous"))],
    ["continuous"],
)
register_score(
    "sap_discrete",
    {
        "sap_discrete": _share(
            "Separated predictability of labels",
            "gap of balanced accuracies of linear SVMs, 2,000 test images",
        )
    },
    lambda s: [sap_discrete(*s.of(s.few, *LABELS))],
    ["discrete"],
)
register_score(
    "dci",
    {
        f"dci_{part}": _share(
            f"DCI: {part}", f"DCI {part}, boosted trees, 2,000 test images", worst=0.0
        )
        for part in DCI._fields
    },
    lambda s: dci(*s.of(s.few, "continuous")),
    ["continuous"],
)
register_score(
    "dci_discrete",
    {
        f"dci_discrete_{part}": _share(
            f"DCI of labels: {part}", f"DCI {part} of labels, boosted trees, 2,000 test images"
        )
        for part in DCI._fields
    },
    _dci_discrete,
    ["discrete"],
)
register_score(
    "probe",
    {
        "probe_r2": _r2(
            "R² from code to factors, curved map",
            "held-out R² of a kernel probe z_hat → u, 2,000 test images",
        ),
        "probe_r2_reverse": _r2(
            "R² from factors to code, curved map",
            "held-out R² of a kernel probe u → z_hat, 2,000 test images",
        ),
    },
    lambda s: _both_ways(probe_r2, s, s.few),
    ["numbers"],
)
register_score(
    "beta_vae",
    {"beta_vae_score": _share("β-VAE score", "β-VAE score: accuracy, chance is 1/factors")},
    _intervention(beta_vae_score),
    ["render"],
)
register_score(
    "factor_vae",
    {
        "factor_vae_score": _share(
            "FactorVAE score", "FactorVAE score: accuracy, chance is 1/factors"
        )
    },
    _intervention(factor_vae_score),
    ["render"],
)
register_score(
    "gaussian",
    {
        "mi_gaussian": _nats(
            "Information of the code, as if Gaussian",
            "I(z; z_hat) from canonical correlations, as if Gaussian",
        ),
        "mi_gaussian_test": _nats(
            "Information of the code, as if Gaussian, test images",
            "the same of u and z_hat over the test images",
        )._replace(need="numbers"),
    },
    lambda s: [_or_why(gaussian_information, *pair) for pair in (s.joint, _numbers(s, s.test))],
    ["latents"],
)
register_score(
    "ksg",
    {
        "mi_ksg_matched": _nats(
            "Information of matched latents (KSG)",
            "sum of I(z_j; matched z_hat), nearest neighbours",
        ),
        "mi_ksg_canonical": _nats(
            "Information of canonical pairs (KSG)",
            "sum of I over canonical pairs, nearest neighbours",
        ),
    },
    _ksg,
    ["latents"],
)
# trained for many models at once by `neural_bound`; the number is InfoNCE's cap, ln 2,048
register_score(
    "info_nce",
    {
        "mi_info_nce": _nats(
            "Information, InfoNCE bound", "InfoNCE lower bound of I(z; z_hat), at most 7.62"
        )
    },
    needs=["latents"],
)
register_score(
    "mine",
    {
        "mi_mine": _nats(
            "Information, MINE bound", "MINE (Donsker–Varadhan) lower bound of I(z; z_hat)"
        )
    },
    needs=["latents"],
)

NEURAL = ("info_nce", "mine")
FAMILIES = {name: score for name, score in SCORES.items() if score.compute is not None}
"""Scores that one model gets by itself."""
VARIABLES = {name: SCORES[name].variables for name in (*FAMILIES, *NEURAL)}
"""Variables of every score that can be asked for: name of the score → variable → meaning."""


def neural_bound(name: str, sweep: Any) -> Callable[[Any, Params], np.ndarray]:
    """Return (models, stacked params) → nats `[models]`; a `Sweep` trains all critics together."""
    bound = {"info_nce": info_nce, "mine": mine}[name]

    def of_one(data: Any, model: Any, params: Params):  # Models of scalars: one seed, one bias
        def sample(key, rows):
            return joint_sample(key, rows, params, model.bias, sweep.recipe, data)

        return neural_information(score_key(model.seed, 2), sample, bound).nats

    return sweep.lift(of_one)
