"""The variables that generate an image, by name and kind. Nothing here imports jax."""

import difflib
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from biasvae_jax.errors import ConfigError

Kind = Literal["continuous", "binary", "categorical"]
MOST_CLASSES = 100  # that are told apart; of more values a factor is hardly made of labels


class Factor(NamedTuple):
    """One of the variables that generate the images."""

    name: str
    kind: Kind = "continuous"


def find_factor(flag: str, name: str, factors: Sequence[Factor]) -> int:
    """Return the place of the factor of a name; raises ConfigError naming the flag and the nearest.

    Upper and lower case are one.
    """
    names = [factor.name for factor in factors]
    folded = [each.casefold() for each in names]
    if name.casefold() in folded:
        return folded.index(name.casefold())
    near = difflib.get_close_matches(name.casefold(), folded, 1)
    hint = f"did you mean {names[folded.index(near[0])]}? " if near else ""
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    raise ConfigError(f"{flag} {name} is no factor of these images; {hint}they have {shown}")


def as_columns(u: Any, factors: Sequence[Factor]) -> Any:
    """Return factors `[rows, factors]` as the columns of numbers that a linear head takes.

    A label is no number: a categorical factor becomes a column of 0 and 1 for each of its values in
    `u`, in rising order (of more than 100, the most frequent), in its place. `u` itself where no
    factor is categorical.
    """
    if all(factor.kind != "categorical" for factor in factors):
        return u
    columns = []
    for column, factor in zip(np.asarray(u).T, factors, strict=True):
        if factor.kind == "categorical":
            columns.append(column[:, None] == classes(column))
        else:
            columns.append(column[:, None])
    return np.hstack(columns, dtype=np.float32, casting="unsafe")


def classes(column: np.ndarray) -> np.ndarray:
    """Return the values of a categorical factor in rising order; the 100 most frequent of more."""
    values, counts = np.unique(column, return_counts=True)
    return values[np.sort(np.argsort(-counts, kind="stable")[:MOST_CLASSES])]
