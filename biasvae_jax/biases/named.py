"""Factors that a bias is about, named in one field: "a & b", "a & b; c & d", "a & *"."""

from collections.abc import Sequence

import numpy as np

from biasvae_jax.components import ConfigError, flag
from biasvae_jax.factors import Factor, find_factor


def find_pair(field: str, text: str, factors: Sequence[Factor]) -> tuple[int, int]:
    """Return the places of the two factors of "a & b"; of empty text, the first two.

    Raises ConfigError of one line unless the text names two different factors.
    """
    pairs = find_pairs(field, text, factors)
    if len(pairs) != 1:
        raise ConfigError(
            f"{flag(field)} {text} must name two factors, such as {_example(factors)}"
        )
    return pairs[0]


def find_pairs(field: str, text: str, factors: Sequence[Factor]) -> tuple[tuple[int, int], ...]:
    """Return the places of the pairs of "a & b; c & d"; of empty text, of the first two factors.

    "a & *" pairs a with every other factor. Raises ConfigError of one line unless each pair names
    two different factors, and where there are not two.
    """
    if len(factors) < 2:
        have = ", ".join(f.name for f in factors) or "none"
        raise ConfigError(f"{flag(field)} needs two factors, and these images have {have}")
    if not text.strip():
        return ((0, 1),)
    found: list[tuple[int, int]] = []
    for pair in text.split(";"):
        names = [name.strip() for name in pair.split("&")]
        if len(names) != 2 or not all(names):
            rule = f"must name pairs of factors, such as {_example(factors)}"
            raise ConfigError(f"{flag(field)} {rule}; got {text}")
        first = find_factor(flag(field), names[0], factors)
        if names[1] == "*":
            found += [(first, other) for other in range(len(factors)) if other != first]
            continue
        second = find_factor(flag(field), names[1], factors)
        if first == second:
            raise ConfigError(f"{flag(field)} pairs {names[0]} with itself; name two factors")
        found.append((first, second))
    return tuple(found)


def upper_half(column: np.ndarray) -> np.ndarray:
    """Tell which of a factor's values `[rows]` are in the upper half of those that occur."""
    values, rank = np.unique(column, return_inverse=True)
    return 2 * rank.reshape(-1) > len(values) - 1


def _example(factors: Sequence[Factor]) -> str:
    return f'"{factors[0].name} & {factors[1].name}"'
