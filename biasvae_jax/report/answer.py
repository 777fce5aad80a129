"""The answer of a grid in one sentence: how recovery changes as regularisation rises."""

import numpy as np

from biasvae_jax.axes import Axis

TIE = 0.01  # differences in R² up to this are called none
WAYS = {
    "falls": "falls",
    "rises": "rises",
    "both": "goes up and down",
    "level": f"changes by no more than {TIE:g}",
}
"""What recovery can do along a row, in words."""


def answer(r2: np.ndarray, rows: Axis, columns: Axis) -> str:
    """Say how the mean recovery R² `[rows, columns]` changes along each row, and in how many.

    It falls if it is nowhere higher than at a weaker strength, and somewhere lower, by more than
    0.01; it rises likewise. A row is judged if all its cells have a value.
    """
    symbol, r2 = columns.symbol, np.asarray(r2, float)
    if len(columns) < 2:
        return f"How recovery depends on {symbol} cannot be told from one {symbol}."
    whole = np.isfinite(r2).all(1)
    judged, left = int(whole.sum()), int((~whole).sum())
    if not judged:
        return (
            f"How recovery depends on {symbol} cannot be told: no {rows.symbol} has a recovery R² "
            f"at every {symbol}."
        )
    found = [way(row) for row in r2[whole][:, np.argsort(columns.values)]]
    counts = sorted(((found.count(name), text) for name, text in WAYS.items()), key=lambda c: -c[0])
    (most, first), *others = [each for each in counts if each[0]]
    where = f"{most} of {judged} biases" if judged > 1 else "the one bias"
    said = [f"Recovery R² {first} as {symbol} rises at {where}"]
    said += [f"at {count} it {text}" for count, text in others]
    said += [f"{left} more {'has' if left == 1 else 'have'} cells without a value"] if left else []
    return "; ".join(said) + "."


def way(row: np.ndarray) -> str:
    """Name what values do from the weakest to the strongest regularisation: a key of `WAYS`."""
    up = bool((row - np.minimum.accumulate(row)).max() > TIE)
    down = bool((np.maximum.accumulate(row) - row).max() > TIE)
    return {(True, False): "rises", (False, True): "falls", (True, True): "both"}.get(
        (up, down), "level"
    )
