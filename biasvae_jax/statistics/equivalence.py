"""Is an effect absent, as far as it matters? Two one-sided tests. numpy and SciPy."""

from typing import Any, NamedTuple

import numpy as np

from biasvae_jax.statistics.intervals import Interval, t_interval

EQUIVALENT, DIFFERENT, UNDECIDED = "equivalent", "different", "undecided"


class Equivalence(NamedTuple):
    """What seeds say of an effect and a margin below which it does not matter."""

    interval: Interval
    """Student's at the level 2·level − 1 (0.90 for 0.95), which the verdict compares with ±margin.
    """
    verdict: Any
    """ "equivalent", "different" or "undecided": a text, or an array of texts."""
    margin: float


def equivalence(
    differences: np.ndarray, margin: float, level: float = 0.95, axis: int = -1
) -> Equivalence:
    """Test whether the mean of paired differences is 0 to within a margin stated beforehand.

    "equivalent": both one-sided t tests, of mean ≤ −margin and of mean ≥ margin, reject at
    1 − level, which is to say that the interval at 2·level − 1 lies within ±margin (Schuirmann
    1987). Else "different" if the two-sided t test of mean = 0 rejects at 1 − level. Else
    "undecided": the seeds can tell neither an effect nor its absence, as one seed never can.
    So an effect that is not 0 but surely below the margin is equivalent; read the interval.

    `differences` `[..., seed, ...]`, seeds along `axis`, in the unit of `margin`; what is not
    finite is left out and counted. False "equivalent" has a probability of at most 1 − level for
    normal differences. Raises ValueError unless margin > 0 and ½ < level < 1.
    """
    if not margin > 0 or not np.isfinite(margin):
        raise ValueError(f"margin must be > 0; got {margin}")
    if not 0.5 < level < 1:
        raise ValueError(f"level must lie between ½ and 1; got {level}")
    narrow = t_interval(differences, axis, 2 * level - 1)
    whole = t_interval(differences, axis, level)
    within = (narrow.low > -margin) & (narrow.high < margin)  # False where there is none
    apart = (whole.low > 0) | (whole.high < 0)
    verdict = np.where(within, EQUIVALENT, np.where(apart, DIFFERENT, UNDECIDED))
    return Equivalence(narrow, verdict if verdict.ndim else str(verdict), float(margin))
