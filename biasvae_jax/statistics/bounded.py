"""Intervals that stay in range: of correlations, of shares and of counts. numpy and SciPy."""

import numpy as np
from scipy import special

from biasvae_jax.statistics.intervals import Interval, t_interval

ROUNDING = 1e-6  # of the range; single precision may leave it by as much


def bounded_interval(
    values: np.ndarray, least: float, most: float, axis: int = -1, level: float = 0.95
) -> Interval:
    """Interval over seeds of a number between `least` and `most`, which stays between them.

    Student's interval of logit((value − least)/(most − least)), mapped back; `mean` is the mean of
    the logits mapped back, so that it lies within whatever the level, and not quite the mean of
    the values. Where a value is `least` or `most` itself its logit is infinite: that interval is
    Student's of the values, cut to the range, around their plain mean. Exact where the logits are
    normal. What is not finite is left out and counted. An estimate that may pass a bound by chance,
    as an unbiased `signal_share` near 0 does, is not for this: take `t_interval`.

    Raises ValueError for a value out of range (by more than rounding), least ≥ most, or a level
    outside 0 … 1.
    """
    values = np.asarray(values, float)
    finite = np.isfinite(values)
    slack = ROUNDING * (most - least)
    known = values[finite]
    if not least < most or np.any((known < least - slack) | (known > most + slack)):
        out = known[(known < least - slack) | (known > most + slack)]
        raise ValueError(f"values must lie between {least:g} and {most:g}; got {out[:3]}")
    share = np.where(finite, np.clip((values - least) / (most - least), 0, 1), np.nan)
    within = ((share > 0) & (share < 1)) | ~finite
    logits = special.logit(np.where(within, share, np.nan))
    mapped, plain = t_interval(logits, axis, level), t_interval(share, axis, level)
    inside = within.all(axis)

    def place(logit: np.ndarray, share: np.ndarray) -> np.ndarray:
        found = np.where(inside, special.expit(logit), np.clip(share, 0, 1))
        return (least + (most - least) * found)[()]

    mean, low, high = (place(*pair) for pair in zip(mapped[:3], plain[:3], strict=True))
    return Interval(mean, low, high, plain.seeds, plain.left_out)


def correlation_interval(values: np.ndarray, axis: int = -1, level: float = 0.95) -> Interval:
    """Interval over seeds of a correlation, by Fisher's z = artanh r: Student's of z, mapped back.

    As `bounded_interval` between −1 and 1, since artanh r = ½ logit((r + 1)/2).
    """
    return bounded_interval(values, -1, 1, axis, level)


def share_interval(values: np.ndarray, axis: int = -1, level: float = 0.95) -> Interval:
    """Interval over seeds of a share or probability: `bounded_interval` between 0 and 1."""
    return bounded_interval(values, 0, 1, axis, level)


def count_interval(count: np.ndarray | int, of: np.ndarray | int, level: float = 0.95) -> Interval:
    """Exact binomial interval (Clopper & Pearson 1934) for the probability behind `count` in `of`.

    From the (1 − level)/2 quantile of Beta(k, n − k + 1) to the (1 + level)/2 quantile of
    Beta(k + 1, n − k): it covers at least its level whatever the probability, and 0 in n still has
    an upper end. `mean` is k/n, `seeds` is n; no value for n = 0. It asks for independent trials,
    which models that share a seed are not: for those take each seed's share and `share_interval`.
    Raises ValueError unless whole numbers with 0 ≤ count ≤ of.
    """
    k, n = np.broadcast_arrays(np.asarray(count), np.asarray(of))
    if np.any((k < 0) | (k > n) | (k != np.round(k)) | (n != np.round(n))):
        raise ValueError(f"count must be whole numbers from 0 to of; got {count} in {of}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1; got {level}")
    tail, some = (1 - level) / 2, np.maximum(n, 1)
    low = np.where(k > 0, special.betaincinv(np.maximum(k, 1), some - k + 1, tail), 0.0)
    high = np.where(k < n, special.betaincinv(k + 1, np.maximum(n - k, 1), 1 - tail), 1.0)
    mean, low, high = (np.where(n > 0, each, np.nan)[()] for each in (k / some, low, high))
    return Interval(mean, low, high, n[()], np.zeros_like(n)[()])
