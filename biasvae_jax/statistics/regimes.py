"""What became of a model, by what was measured of it: arrays in, codes out (numpy only)."""

import enum
from typing import NamedTuple

import numpy as np

ACTIVE_THRESHOLD = 0.01
"""Variance of a posterior mean above which its latent is active (Burda et al. 2016)."""
FOLLOWS = 0.5
"""`signal_share` from which a code follows the factors: half of its variance or more."""
RECOVERED_R2 = 0.9
"""`recovery_r2` from which a model recovered the factors; nothing else earns the word."""


class Regime(enum.IntEnum):
    """What became of a model; each is in exactly one. A stored code is never given a new meaning.

    "Follows the factors" is `signal_share` ≥ ½; where that was not measured, activity alone counts.
    """

    RECOVERED = 0
    """A name of old files alone: as many latents are active as there are factors to find, be it on
    noise and whatever the R². What is read has FOLLOWING or ACTIVE_ON_NOISE in its place."""
    PARTIAL = 1
    """Some latents are active, but fewer than there are factors; the code follows the factors."""
    COLLAPSED_BEYOND = 2
    """None is active, and at the linear optimum none would be."""
    COLLAPSED_BELOW = 3
    """None is active, although the linear optimum has active latents."""
    ACTIVE_BEYOND = 4
    """Some are active where the linear optimum has none; the code follows the factors."""
    DIVERGED = 5
    """Losses, parameters or optimiser left the finite numbers."""
    COLLAPSED = 6
    """None is active, and no theory says whether one would be at the optimum."""
    FOLLOWING = 7
    """As many are active as there are factors to find, or more, and the code follows them."""
    ACTIVE_ON_NOISE = 8
    """Some are active, and less than half of the code's variance follows the factors."""
    # their names until 0.2.0, which claim a cause that was not measured
    COLLAPSED_BY_OBJECTIVE = 2
    COLLAPSED_BY_OPTIMISER = 3


WORDS = {
    Regime.FOLLOWING: "following the factors (all latents wanted are active)",
    Regime.ACTIVE_ON_NOISE: "active on noise (less than half of the code follows the factors)",
    Regime.PARTIAL: "partly active (fewer latents than wanted; they follow the factors)",
    Regime.COLLAPSED_BELOW: "collapsed below {s}* (none active, although {s} < 0.99·{s}*)",
    Regime.COLLAPSED_BEYOND: "collapsed beyond {s}* (none active, {s} ≥ 0.99·{s}*)",
    Regime.ACTIVE_BEYOND: "active beyond {s}* ({s} ≥ 1.01·{s}*; following the factors)",
    Regime.COLLAPSED: "collapsed (none active)",
    Regime.DIVERGED: "diverged",
    Regime.RECOVERED: "with all latents wanted active, be it on noise (an old file's name)",
}
"""What became of models, `{s}` standing for the strength's symbol, in the order of telling."""
UNMEASURED = {
    Regime.FOLLOWING: "with all latents wanted active (what they follow was not measured)",
    Regime.PARTIAL: "partly active (fewer latents than wanted; what they follow: not measured)",
    Regime.ACTIVE_BEYOND: "active beyond {s}* ({s} ≥ 1.01·{s}*)",
}
"""The same of studies without `signal_share`, where it differs."""
GIVEN = tuple(code for code in Regime if code is not Regime.RECOVERED)
"""The regimes that a model can be in today."""


def regime(
    beta: np.ndarray,
    threshold: np.ndarray | None,
    active_units: np.ndarray,
    finite: np.ndarray,
    wanted: int,
    signal_share: np.ndarray | None = None,
) -> np.ndarray:
    """Classify models by their active latents, what these follow, and the side of β*: int8 codes.

    The first that holds: diverged; none active, beyond or below 0.99·β*, since the optimum's
    largest Var(posterior mean) is 1 − β/β*, which counts as active up to there; active on noise,
    signal_share < ½, on either side of β*, since what a code follows was measured and the side is
    only its place; active beyond, from β = 1.01·β* on, as far on the other side; following, if at
    least `wanted` are active; else partial.

    `beta`, `threshold` (β*, the largest over the directions of the data) and `signal_share`
    broadcast with the others. Without a threshold (None) there is one kind of collapse and nothing
    beyond. Without a signal_share (None, or NaN for a model), activity alone decides.
    """
    active = np.asarray(active_units) > 0
    noise = np.zeros(np.shape(active), bool) if signal_share is None else on_noise(signal_share)
    if threshold is None:
        share, collapsed = np.zeros(np.shape(active)), Regime.COLLAPSED
    else:
        share, collapsed = beta / threshold, Regime.COLLAPSED_BELOW
    codes = np.select(
        [
            ~np.asarray(finite, bool),
            ~active & (share >= 1 - ACTIVE_THRESHOLD),
            ~active,
            noise,
            share >= 1 + ACTIVE_THRESHOLD,
            active_units >= wanted,
        ],
        [
            Regime.DIVERGED,
            Regime.COLLAPSED_BEYOND,
            collapsed,
            Regime.ACTIVE_ON_NOISE,
            Regime.ACTIVE_BEYOND,
            Regime.FOLLOWING,
        ],
        Regime.PARTIAL,
    )
    return codes.astype(np.int8)


def in_words(code: Regime, symbol: str, measured: bool = True) -> str:
    """Say what became of models; `measured` is whether the study has a `signal_share`."""
    text = WORDS[code] if measured else UNMEASURED.get(code, WORDS[code])
    return text.format(s=symbol)


def counts_in_words(codes: np.ndarray, symbol: str, measured: bool = True) -> str:
    """Count models by what became of them, in one phrase; NaN, still to score, is left out."""
    counts = [(int((codes == code).sum()), code) for code in WORDS]
    told = [f"{n} {in_words(code, symbol, measured)}" for n, code in counts if n]
    return "; ".join(told) or "none is scored yet"


def on_noise(signal_share: np.ndarray) -> np.ndarray:
    """Tell whether a code is known to follow the factors by less than half; not where it is NaN."""
    return np.asarray(signal_share, float) < FOLLOWS


def renewed(codes: np.ndarray, signal_share: np.ndarray | None) -> np.ndarray:
    """Return today's regimes of models from the codes that any version stored.

    A code tells all that the law asks but what the code follows: activity, whether all wanted are
    active, side of β* and finiteness. So with `signal_share` (as in `regime`) the result is
    that of `regime`, without a need for theory or data; codes of today stay as they are. NaN, a
    model still to score, stays NaN.
    """
    codes = np.asarray(codes)
    found = np.where(codes == Regime.RECOVERED, Regime.FOLLOWING, codes)
    if signal_share is not None:
        active = (Regime.FOLLOWING, Regime.PARTIAL, Regime.ACTIVE_BEYOND)
        noise = np.isin(found, active) & on_noise(signal_share)
        found = np.where(noise, Regime.ACTIVE_ON_NOISE, found)
    return found.astype(codes.dtype)


class Recovered(NamedTuple):
    """How many models recovered the factors."""

    models: int
    """Those with `recovery_r2` ≥ 0.9."""
    of: int
    """Those whose `recovery_r2` is defined."""


def recovered(recovery_r2: np.ndarray) -> Recovered:
    """Count models by their R² alone: those with 0.9 or more, of those where it is defined."""
    r2 = np.asarray(recovery_r2, float)
    r2 = r2[np.isfinite(r2)]
    return Recovered(int((r2 >= RECOVERED_R2).sum()), r2.size)
