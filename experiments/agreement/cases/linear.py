"""Linear VAEs, whose optimum is known: what training reaches, and which latents stay."""

import numpy as np

from biasvae_jax.statistics.intervals import paired_interval, t_interval
from experiments.agreement.cases.case import AGREES, DIFFERS, PARTLY, Case
from experiments.pages.run import Run, Runs
from experiments.pages.words import number, of, sign, value

NEAR = 1.0  # nats: a loss this near the optimum's has reached it
MOST = 0.95  # share of models that makes "all" of a claim


def optimum(runs: Runs) -> Case:
    """Lucas et al.: trained linear VAEs reach the closed-form optimum."""
    run, long = runs["cascade"], runs["cascade-long"]
    first, gap = (each.values("gap")[0] for each in (run, long))
    loss = float(long.values("loss").mean())
    return Case(
        "Lucas, Tucker, Grosse & Norouzi 2019",
        "A linear VAE's ELBO has no bad local maxima: training reaches probabilistic PCA.",
        f"Linear encoder and decoder, nine eigenvalues, {len(run.beta)} β: the loss ends "
        f"{value(t_interval(first.mean(0)))} nats above the optimum in the mean after "
        f"{run.study.training.steps:,} steps, and {value(t_interval(gap.mean(0)))} after "
        f"{long.study.training.steps:,}, {number(float(gap.max()))} at most, of "
        f"{number(loss, 0)} nats.",
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
    run, cascade = runs["long"], runs["cascade"]
    settled = cascade.values("active_units")[0, -1]
    active, kl = run.course("active_units")[0], run.values("kl")[0]
    beyond, ratio = run.beta > run.threshold[0], run.beta / run.threshold[0]
    gone = (active[beyond] == 0).all(1)  # [beta, snapshot]
    places = list(zip(ratio[beyond], active[beyond], kl[beyond], gone, strict=True))
    kept = t_interval(active[~beyond][..., -1].mean(0))
    ended = [bool(each[-1]) for each in gone]
    return Case(
        "Ichikawa & Hukushima 2024",
        "Beyond a threshold of β collapse is inevitable however long one trains.",
        f"Linear, {run.study.training.steps:,} steps: "
        + "; ".join(_beyond(run, *place) for place in places)
        + f"; at {ratio[0]:.3g} β\\* {value(kept)} of {run.study.latents} are active, with a KL of "
        f"{value(t_interval(kl[0]))} nats. With a learning rate that falls to 0, "
        f"{of(int((settled > 0).sum()), settled.size, 'model')} has an active latent at "
        f"{cascade.beta[-1] / cascade.threshold[0]:.3g} β\\*.",
        DIFFERS if not any(ended) or float(kept.low) <= 0 else AGREES if all(ended) else PARTLY,
        "At a constant rate Adam's steps keep moving the means of latents without a use. Theirs is "
        "a limit of large images and one pass over them.",
    )


def _beyond(run: Run, ratio: float, active: np.ndarray, kl: np.ndarray, gone: np.ndarray) -> str:
    """Say what is left at a β beyond the threshold."""
    at = f"at {ratio:.3g} β\\*"
    if gone[-1]:
        since = run.snapshots[int(np.flatnonzero(~gone).max(initial=-1)) + 1]
        return f"{at} no latent of any of {len(active)} models is active from step {since:,.0f} on"
    last = active[:, -1]
    return (
        f"{at} {last.min():.0f} to {last.max():.0f} latents are active at the end, with a KL of "
        f"{value(t_interval(kl))} nats"
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
