"""What papers found, what is measured here, and whether the two agree."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from biasvae_jax.statistics.bounded import count_interval
from biasvae_jax.statistics.intervals import Interval, paired_interval, t_interval
from experiments.agreement.runs import DEPTHS
from experiments.findings.boundary import KINK
from experiments.pages.ratios import geometric_interval
from experiments.pages.run import Run, Runs
from experiments.pages.words import listed, number, of, sign, value

NEAR = 1.0  # nats: a loss this near the optimum's has reached it
FALL = 0.95  # of a loss's fall, after which training counts as done
MOST = 0.95  # share of models that makes "all" of a claim
VARIANCE = 0.05  # share of the noise variance within which it counts as found

AGREES, PARTLY, DIFFERS = "agrees", "agrees in part", "differs"


class Case(NamedTuple):
    """A published result beside ours."""

    source: str
    claim: str
    found: str
    verdict: str
    why: str
    """What explains a difference, or what the comparison leaves open."""


def optimum(runs: Runs) -> Case:
    """Lucas et al.: trained linear VAEs reach the closed-form optimum."""
    run = runs["cascade"]
    gap = run.values("gap")[0]
    loss = float(run.values("loss").mean())
    return Case(
        "Lucas, Tucker, Grosse & Norouzi 2019",
        "A linear VAE's ELBO has no bad local maxima: training reaches probabilistic PCA.",
        f"Linear encoder and decoder, nine eigenvalues, {len(run.beta)} β: the loss ends "
        f"{value(t_interval(gap.mean(0)))} nats above the optimum in the mean and "
        f"{number(float(gap.max()))} at most, of {number(loss, 0)} nats.",
        AGREES if gap.max() < NEAR else PARTLY if np.median(gap) < NEAR else DIFFERS,
        "A latent close to its threshold is worth less than that; the next line counts them.",
    )


def cascade(runs: Runs) -> Case:
    """Lucas et al., Hirn: latents collapse one by one, each at its eigenvalue."""
    run = runs["cascade"]
    expected = run.scores["linear_active_units"].transpose("mu", "beta").values[0]
    active = run.values("active_units")[0]
    right = active == expected[:, None]
    kl = np.abs(run.values("kl")[0] - run.scores["linear_kl"].values.reshape(-1, 1))
    return Case(
        "Lucas et al. 2019; Hirn 2026 (arXiv 2605.22691)",
        "As β σ² rises latents collapse one by one, each at its eigenvalue of the data's "
        "covariance.",
        f"With β between neighbouring λ/σ² the number of active latents is the number of larger "
        f"eigenvalues in {of(int(right.sum()), right.size, 'model')}; the KL is within "
        f"{number(float(kl.max()))} nats of the closed form.",
        AGREES if right.mean() >= MOST else PARTLY if right.mean() > 0.5 else DIFFERS,
        "A latent counts as active where its mean varies by more than 0.01.",
    )


def length(runs: Runs) -> Case:
    """Ichikawa & Hukushima: beyond the threshold no training is long enough."""
    run = runs["long"]
    active = run.course("active_units")[0]
    beyond = run.beta > run.threshold[0]
    gone = (active[beyond] == 0).all((0, 1))
    since = run.snapshots[np.flatnonzero(~gone).max(initial=-1) + 1] if gone[-1] else np.nan
    kept = t_interval(active[~beyond][..., -1].mean(0))
    return Case(
        "Ichikawa & Hukushima 2024",
        "Beyond a threshold of β collapse is inevitable however long one trains.",
        f"Linear, β = {listed(f'{b:.3g}' for b in run.beta[beyond] / run.threshold[0])} of β\\*: "
        + (
            f"no latent of any of {active[beyond].shape[0] * active.shape[1]} models is active "
            f"from step {since:,.0f} to step {run.snapshots[-1]:,.0f}"
            if np.isfinite(since)
            else f"latents are still active after {run.snapshots[-1]:,.0f} steps"
        )
        + f"; at {run.beta[0] / run.threshold[0]:.3g} β\\* {value(kept)} of "
        f"{run.study.latents} are.",
        AGREES if np.isfinite(since) and float(kept.low) > 0 else DIFFERS,
        "Their limit is of large images and one pass over them.",
    )


def spare(runs: Runs) -> Case:
    """Ichikawa & Hukushima: latents beyond the factors fit noise."""
    few, many = runs["spare-9"], runs["spare-18"]
    loss = [run.values("test_loss").reshape(-1) for run in (few, many)]
    active = [t_interval(run.values("active_units").reshape(-1)) for run in (few, many)]
    more = paired_interval(loss[1], loss[0])
    return Case(
        "Ichikawa & Hukushima 2024",
        "Latents beyond the number of factors overfit the background noise.",
        f"Linear, 1,000 images, β = 1: with 18 latents for nine factors {value(active[1])} are "
        f"active, with 9 {value(active[0])}, and the loss on unseen images is {value(more)} nats "
        "higher.",
        AGREES if sign(more) > 0 else PARTLY if sign(more) == 0 else DIFFERS,
        "With 9 latents some fit noise too where a training set's noise has larger eigenvalues.",
    )


def steps_until_done(run: Run) -> np.ndarray:
    """Return the step from which on a model's loss on unseen images has all but fallen.

    `[beta, seed]`; the objective at its full strength, whatever the warm-up.
    """
    loss = run.course("test_loss")[0]
    first, last = loss[..., :1], loss[..., -1:]
    there = loss <= last + (1 - FALL) * (first - last)
    return run.snapshots[there.argmax(-1)].astype(float)


def plateau(runs: Runs) -> Case:
    """Ichikawa & Hukushima: learning waits longer the nearer β is to the threshold."""
    run = runs["plateau"]
    steps = steps_until_done(run)
    ratio = _ratio(steps[-1], steps[0])
    return Case(
        "Ichikawa & Hukushima 2024",
        "Learning is held up on a plateau that grows with β.",
        f"Linear: {FALL:.0%} of the loss's fall takes {_times(ratio)} as many steps at "
        f"{run.beta[-1] / run.threshold[0]:.2g} β\\* as at {run.beta[0] / run.threshold[0]:.2g} "
        "β\\*.",
        AGREES if float(ratio.low) > 1 else DIFFERS if float(ratio.high) < 1 else PARTLY,
        "Adam, where theirs is plain gradient descent.",
    )


def annealing(runs: Runs) -> Case:
    """Ichikawa & Hukushima: a rising β speeds training up."""
    plain, warm = (steps_until_done(runs[name]) for name in ("plateau", "plateau-annealed"))
    run = runs["plateau"]
    ratios = [_ratio(w, p) for w, p in zip(warm, plain, strict=True)]
    faster = [float(r.high) < 1 for r in ratios]
    return Case(
        "Ichikawa & Hukushima 2024",
        "Well-tuned KL annealing speeds convergence up.",
        "Linear, steps until "
        f"{FALL:.0%} of the loss's fall, with a warm-up over those without: "
        + listed(
            f"{_times(r)} at {b:.2g} β\\*"
            for r, b in zip(ratios, run.beta / run.threshold[0], strict=True)
        )
        + ".",
        AGREES if all(faster) else PARTLY if any(faster) else DIFFERS,
        "One warm-up (2,000 of 10,000 steps) and Adam; none was tuned.",
    )


def _ratio(one: np.ndarray, other: np.ndarray) -> Interval:
    """Return the geometric mean of a ratio over seeds."""
    return geometric_interval(np.log(one) - np.log(other))


def _times(ratio: Interval) -> str:
    return f"{value(ratio)} times"


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


def _collapsed(run: Run) -> np.ndarray:
    """Tell which models below β* end without an active latent, `[cell, seed]`."""
    return (run.values("active_units") == 0)[run.below()]


def sigma(runs: Runs) -> Case:
    """Rybkin et al.: the likelihood's variance need not be tuned."""
    run = runs["sigma"]
    noise = run.study.world.noise_variance
    found = [t_interval(run.values("variance")[i, 0]) for i in range(len(run.mu))]
    near = [abs(float(f.mean) / noise - 1) < VARIANCE for f in found]
    return Case(
        "Rybkin, Daniilidis & Levine 2021",
        "The best variance of the likelihood is the mean squared error of a batch; it needs no "
        "tuning.",
        "The σ-VAE's variance ends at "
        + listed(f"{value(f)} at μ = {m:g}" for f, m in zip(found, run.mu, strict=True))
        + f"; the noise's is {noise:g}.",
        AGREES if all(near) else PARTLY if any(near) else DIFFERS,
        "A batch's own error is a little below that of unseen images.",
    )


CASES: tuple[Callable[[Runs], Case], ...] = (
    *(optimum, cascade, length, spare, plateau, annealing),
    *(kink, depth, sigma),
)
