"""A component of a kind that is not known here, kept so that its run can be opened."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from biasvae_jax.axes import Axis
from biasvae_jax.components import Role
from biasvae_jax.errors import ConfigError


@dataclass(frozen=True)
class Stranger:
    """A stored component of a kind that is not known here; a run of it still has its scores."""

    role: Role
    kind: str
    stored: str
    """Its JSON."""
    axis: Axis | None = None
    """A bias's or an objective's, by the name that the run has stored."""
    meanings: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @classmethod
    def of(cls, role: Role, values: Mapping[str, Any], axes: Any) -> "Stranger":
        """Keep a component's JSON, with its axis's name: the first for a bias, else the last."""
        names = list(axes) if isinstance(axes, Mapping) else []
        axis = None
        if role in ("bias", "objective"):
            if len(names) != 2:
                raise ConfigError("the config's axes are not two")
            name = str(names[0 if role == "bias" else 1])
            axis = Axis(name, name, name, (0.0,))
        return cls(role, str(values["kind"]), json.dumps(values), axis)

    def moved(self, file: str) -> "Stranger":
        """Return itself: where its files lie is not known here."""
        return self

    @property
    def missing(self) -> str:
        """Say what is missing, in one line."""
        return (
            f"this run's {self.role} is of the kind {self.kind}, which is not known here; give its "
            "class to load_run(path, components=[…]), or its file to --use"
        )
