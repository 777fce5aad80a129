"""The variables that generate an image, by name and kind. Nothing here imports jax."""

import difflib
from collections.abc import Sequence
from typing import Literal, NamedTuple

from biasvae_jax.errors import ConfigError

Kind = Literal["continuous", "binary", "categorical"]


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
