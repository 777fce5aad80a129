"""Linear VAEs, whose optimum is known: what training reaches, and which latents stay."""

import numpy as np

from biasvae_jax.statistics.intervals import paired_interval, t_interval
from experiments.agreement.cases.case import AGREES, DIFFERS, PARTLY, Case
from experiments.pages.run import Runs
from experiments.pages.words import listed, number, of, sign, value

NEAR = 1.0  # nats: a loss this near the optimum's has reached it
MOST = 0.95  # share of models that makes "all" of a claim


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
    run, long = runs["cascade"], runs["cascade-long"]
    surplus, later = (
        r.values("active_units")[0] - r.scores["linear_active_units"].values.reshape(-1, 1)
        for r in (run, long)
    )
    kl = np.abs(long.values("kl")[0] - long.scores["linear_kl"].values.reshape(-1, 1))
    right = later == 0
    return Case(
        "Lucas et al. 2019; Hirn 2026 (arXiv 2605.22691)",
        "As β σ² rises latents collapse one by one, each at its eigenvalue of the data's "
        "covariance.",
        f"With β between neighbouring λ/σ² the number of active latents is the number of larger "
        f"eigenvalues in {of(int((surplus == 0).sum()), surplus.size, 'model')} after "
        f"{run.study.training.steps:,} steps and in {int(right.sum())} after "
        f"{long.study.training.steps:,}; {int((later > 0).sum())} have more then and "
        f"{int((later < 0).sum())} fewer. The KL is within {number(float(kl.max()))} nats of the "
        "closed form.",
        AGREES if right.mean() >= MOST else PARTLY if right.mean() > 0.5 else DIFFERS,
        "Neighbouring eigenvalues are 14 % apart. Until a latent has turned into the direction of "
        "one of them it carries a little of several, and the loss hardly asks it to turn.",
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
    few, many, endless = runs["spare-9"], runs["spare-18"], runs["spare-endless"]
    loss = [run.values("test_loss").reshape(-1) for run in (few, many)]
    active = [t_interval(run.values("active_units").reshape(-1)) for run in (few, many, endless)]
    more = paired_interval(loss[1], loss[0])
    return Case(
        "Ichikawa & Hukushima 2024",
        "Latents beyond the number of factors overfit the background noise.",
        f"Linear, 1,000 images, β = 1: with 18 latents for nine factors {value(active[1])} are "
        f"active, with 9 {value(active[0])}, and the loss on unseen images is {value(more)} nats "
        f"higher. With endless data {value(active[2])} of the 18 are active.",
        AGREES
        if sign(more) > 0 and float(active[2].mean) < float(active[1].mean)
        else PARTLY
        if sign(more) >= 0
        else DIFFERS,
        "Where all latents are active with endless data too, they still share directions, so that "
        "being active shows no noise that is learned by heart. The loss on unseen images does.",
    )
