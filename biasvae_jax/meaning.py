"""What a number of the results is: its names, its unit, and which way is good.

A meaning is stated where its score is, travels as attributes of the stored variable, and reaches
whoever draws it, so that a stranger's score brings its own.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast, get_args

import numpy as np

Group = Literal["recovery", "disentanglement", "information", "generation", "training", "traps"]
GROUPS: dict[str, str] = {
    "recovery": "Recovery of the factors",
    "disentanglement": "Disentanglement",
    "information": "Information",
    "generation": "Drawing images",
    "training": "Training and collapse",
    "traps": "Traps (easily misread)",
}
"""Heading of each group, in the order of telling."""
Better = Literal["higher", "lower", ""]
COLOURS: dict[Better, str] = {"higher": "cividis", "lower": "cividis_r", "": "Blues"}
"""Colour scale, as matplotlib and plotly name it: yellow is good, and where no direction is better
there is no yellow. The first two are even in lightness, and the same to colour-blind readers."""
Need = Literal[
    "binary", "continuous", "discrete", "event", "features", "latents", "noise", "numbers",
    "optimum", "render", "training_set",
]  # fmt: skip


class Meaning(NamedTuple):
    """What a variable of the results is."""

    long_name: str
    units: str
    better: Better = ""
    """Which way is good, if either."""
    group: Group = "recovery"
    dtype: Any = np.float32
    along: str = ""
    """A dimension beside the grid's: `factor` or `latent`."""
    need: Need | None = None
    """What the variable needs beside its score."""
    title: str = ""
    """A plain name for readers who do not know the variable's own."""
    worst: float = np.nan
    """Where colours end: what lies beyond says no more than this value does (0 of an R²)."""

    @property
    def direction(self) -> str:
        """Which way is good, in words."""
        return f"{self.better} is better" if self.better else "neither higher nor lower is better"

    def attributes(self, prefix: str = "") -> dict[str, Any]:
        """Return it as attributes of a stored variable; `prefix` begins its names."""
        about: dict[str, Any] = {"long_name": prefix + self.long_name, "units": self.units}
        about["group"] = self.group
        if self.better:
            about["better"] = self.better
        if self.title:
            about["title"] = prefix + self.title
        if not np.isnan(self.worst):
            about["worst"] = float(self.worst)
        return about

    def limits(self, values: np.ndarray) -> tuple[float, float] | None:
        """Return the values at which its colours end; None where no value is finite."""
        known = np.asarray(values)[np.isfinite(values)]
        if not known.size:
            return None
        low, high = float(known.min()), float(known.max())
        if self.better == "higher" and low < self.worst:
            return self.worst, max(high, self.worst)
        if self.better == "lower" and high > self.worst:
            return min(low, self.worst), self.worst
        return low, high


def stored_meaning(name: str, attributes: Mapping[str, Any]) -> Meaning:
    """Read the meaning of a variable from its attributes; what is not told there is not known.

    Of a variable without a plain name, `title` is its own name; without a direction there is none.
    """
    better, worst = attributes.get("better", ""), attributes.get("worst", np.nan)
    return Meaning(
        long_name=str(attributes.get("long_name", name)),
        units=str(attributes.get("units", "1")),
        better=cast(Better, better) if str(better) in get_args(Better) else "",
        group=cast(Group, str(attributes.get("group", ""))),
        title=str(attributes.get("title", "") or name),
        worst=float(worst) if isinstance(worst, int | float | np.number) else np.nan,
    )
