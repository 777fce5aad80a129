"""The variance of the likelihood."""

from biasvae_jax.statistics.intervals import t_interval
from experiments.agreement.cases.case import AGREES, DIFFERS, PARTLY, Case
from experiments.pages.run import Runs
from experiments.pages.words import listed, value

VARIANCE = 0.05  # share of the noise variance within which it counts as found


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
