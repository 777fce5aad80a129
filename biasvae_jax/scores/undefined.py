"""Which scores are undefined for which models, and why, as the attribute of a variable.

Text: a JSON object, reason → ranges [first, last] of models in the order of `Grid.models`.
"""

import json

import numpy as np

NAN = "the estimate is not a number"
Reasons = dict[str, np.ndarray]  # reason → [models], True for those it holds for


def to_attribute(reasons: Reasons) -> str:
    """Write the reasons of one variable."""
    return json.dumps({why: _ranges(models) for why, models in reasons.items()})


def from_attribute(text: object, models: int) -> Reasons:
    """Read the reasons of one variable; none where there is no attribute or a damaged one."""
    try:
        stored = json.loads(text) if isinstance(text, str) else {}
        return {str(why): _mask(ranges, models) for why, ranges in stored.items()}
    except (AttributeError, RecursionError, TypeError, ValueError):
        return {}  # the score is computed again


def _ranges(models: np.ndarray) -> list[list[int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], models, [0]])))
    return [[first, after - 1] for first, after in edges.reshape(-1, 2).tolist()]


def _mask(ranges: list[list[int]], models: int) -> np.ndarray:
    mask = np.zeros(models, bool)
    for first, last in ranges:
        if not 0 <= first <= last < models:
            raise ValueError(f"no models {first} to {last}")
        mask[first : last + 1] = True
    return mask
