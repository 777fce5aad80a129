"""How long training takes: plateaus and annealing."""

import numpy as np

from biasvae_jax.statistics.intervals import Interval
from experiments.agreement.cases.case import AGREES, DIFFERS, PARTLY, Case
from experiments.pages.ratios import geometric_interval
from experiments.pages.run import Run, Runs
from experiments.pages.words import listed, of, value

FALL = 0.95  # of a loss's fall, after which training counts as done


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
        f"β\\*. {_never_waited(run)}",
        AGREES if float(ratio.low) > 1 else DIFFERS if float(ratio.high) < 1 else PARTLY,
        "Their plateau is of plain gradient descent from small weights. Ours is Adam from weights "
        "of the usual size.",
    )


def _never_waited(run: Run) -> str:
    """Say from when on latents are active: a plateau would be a time without any."""
    first = run.course("active_units")[0][..., 0]
    return (
        f"All latents are active at the first measurement, step {run.snapshots[0]:,}, in "
        f"{of(int((first == run.study.latents).sum()), first.size, 'model')}: nothing has to be "
        "left."
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
