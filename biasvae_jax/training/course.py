"""When a time course is measured: steps spread evenly in their logarithm."""

from collections.abc import Sequence

import numpy as np

from biasvae_jax.axes import thinned

PARTS = 200  # of a training, that a snapshot's step is a multiple of
FRAMES = 10  # measurements at which pictures are drawn


def snapshot_unit(steps: int) -> int:
    """Return the number of steps of which every snapshot's but the last is a multiple."""
    return max(1, steps // PARTS)


def snapshot_steps(steps: int, count: int) -> tuple[int, ...]:
    """Return at most `count` different steps from about steps/200 to `steps`, rising.

    All but the last are multiples of `snapshot_unit`, so that a few lengths of chunks end at them.
    """
    if count < 1:
        return ()
    unit = snapshot_unit(steps)
    wanted = np.geomspace(unit, steps, count) if count > 1 else np.array([steps])
    whole = np.unique(np.maximum(1, np.round(wanted[:-1] / unit)).astype(int) * unit)
    return (*(int(step) for step in whole if step < steps), steps)


def frame_steps(snapshots: Sequence[int]) -> tuple[int, ...]:
    """Pick the snapshots at which pictures are drawn too: ten at most, evenly, both ends."""
    return tuple(thinned(snapshots, FRAMES))
