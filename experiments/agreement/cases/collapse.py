"""Collapse: its place, its form, and what depth adds."""

import numpy as np

from biasvae_jax.statistics.bounded import count_interval
from biasvae_jax.statistics.intervals import paired_interval, t_interval
from experiments.agreement.cases.case import AGREES, DIFFERS, PARTLY, Case
from experiments.agreement.runs import DEPTHS, FROZEN
from experiments.findings.boundary import KINK
from experiments.pages.run import Run, Runs
from experiments.pages.words import listed, number, of, sign, value


def kink(runs: Runs) -> Case:
    """Li et al.: whether the KL jumps at the threshold."""
    run = runs["kink"]
    kl, active, ratio = run.values("kl")[0], run.values("active_units")[0], run.beta / run.threshold
    some = np.flatnonzero((active > 0).any(1))
    if not some.size:
        found, verdict = "No latent is active at any of these β.", DIFFERS
    else:
        last = int(some.max())
        before = t_interval(kl[last])
        nearest = f"{ratio[last]:.3g}"
        found = (
            f"One hidden layer: no latent is active beyond {nearest} β\\*, and there the KL is "
            f"{value(before)} nats, from {value(t_interval(kl[0]))} at {ratio[0]:.3g} β\\*."
        )
        verdict = PARTLY if float(before.high) < KINK else AGREES
    return Case(
        "Li et al. 2025 (arXiv 2510.01621)",
        "Collapse begins where the decoder's variance exceeds the largest eigenvalue of the data's "
        "covariance (our β\\*), and the KL is discontinuous there.",
        found,
        verdict,
        "The place is theirs to within the grid; a KL that falls to 0 through small values is a "
        "kink, as in the linear closed form.",
    )


def depth(runs: Runs) -> Case:
    """Dai, Wang & Wipf: deeper networks fall into worse minima."""
    lost = {d: _collapsed(runs[f"depth-{d}"]) for d in DEPTHS}
    words = []
    for d, counts in lost.items():
        count, whole = int(counts.sum()), counts.size
        ends = count_interval(count, whole)
        words.append(
            f"{count} of {whole} ({100 * ends.low:.0f} to {100 * ends.high:.0f} %) with {d}"
        )
    more = paired_interval(*(lost[d].sum(0).astype(float) for d in (4, 1)))
    return Case(
        "Dai, Wang & Wipf 2020",
        "Collapse is in part a bad local minimum of deep networks, and deeper ones have more.",
        f"Collapsed models below β\\*, by hidden layers of 128: {listed(words)}; from 1 to 4 "
        f"layers {value(more)} more a seed.",
        AGREES if sign(more) > 0 else PARTLY if sign(more) == 0 else DIFFERS,
        "One-sample KL and no warm-up, as the original study trains.",
    )


def frozen(runs: Runs) -> Case:
    """Wang & Ziyin: the prior's pull on the mean makes latents collapse, with no variance to learn.

    A linear latent of variance v, given an image, whose mean varies by A over images costs
    λv/(2σ²(A + v)) + βA/2, least at A = √(λv/(βσ²)) − v: 0 from β = λ/(vσ²) on.
    """
    run = runs["frozen"]
    active, ratio = run.values("active_units")[0], run.beta / run.threshold[0]
    own = 1 / FROZEN
    varies = np.maximum(0, np.sqrt(FROZEN / ratio) - FROZEN)
    expected = run.study.latents * 0.5 * (varies + FROZEN - 1 - np.log(FROZEN))
    off = np.abs(run.values("kl")[0] - expected[:, None]).max()
    kept, gone = active[ratio < own] == run.study.latents, active[ratio > own] == 0
    counts = [of(int(each.sum()), each.size, "model") for each in (kept, gone)]
    return Case(
        "Wang & Ziyin 2022",
        "In a linear model latents collapse in a competition between the likelihood and the "
        "prior's regularisation of the mean.",
        f"Linear, each latent's variance, given an image, frozen at {FROZEN:g}, so that the KL "
        f"pulls at the mean alone: all latents are active in {counts[0]} at β = "
        f"{_at(ratio[ratio < own])} of β\\*, and none in {counts[1]} at {_at(ratio[ratio > own])}. "
        f"With that variance the closed form collapses at {own:g} β\\*; the KL is within "
        f"{number(float(off))} nats of it.",
        AGREES if kept.all() and gone.all() else PARTLY if gone.all() else DIFFERS,
        "With no variance to learn the KL's pull on the mean is all that can make latents "
        "collapse. A learned variance ends at 1, which puts the place at β\\*.",
    )


def _at(ratios: np.ndarray) -> str:
    return listed(f"{ratio:.3g}" for ratio in ratios)


def _collapsed(run: Run) -> np.ndarray:
    """Tell which models below β* end without an active latent, `[cell, seed]`."""
    return (run.values("active_units") == 0)[run.below()]
