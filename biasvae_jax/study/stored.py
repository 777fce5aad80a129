"""Reading a stored config: from JSON's values to the parts of a study."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from biasvae_jax.biases import Shift
from biasvae_jax.components import (
    ROLES,
    ConfigError,
    UnknownKind,
    from_values,
    require_numbers,
    settle,
)
from biasvae_jax.networks import Dense
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.stranger import Stranger
from biasvae_jax.study.training import Training
from biasvae_jax.worlds import Squares

FORMAT = 2
WHOLE = ("seeds", "latent_dim")
# of the flat form: fields that it lacks, and those that were added since runs were first stored
LATER = {"activation"}
NOT_FLAT = {
    *("kl", "training_images", "snapshots", "learning_rate_decay", "weight_decay", "input_noise")
}


def parse(text: str) -> object:
    """Parse a config's JSON; raises ConfigError of one line if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the config is not valid JSON: {error}") from None


def parts(values: object, strangers: bool = False) -> dict[str, Any]:
    """Return the fields of a study from parsed JSON, as `Study.from_values` says."""
    if isinstance(values, Mapping) and "format" not in values:
        return flat_parts(values)
    if not isinstance(values, Mapping):
        raise ConfigError(f"the config is not an object of JSON but {type(values).__name__}")
    if values["format"] != FORMAT:
        raise ConfigError(
            f"the config is of format {values['format']!r}, and this version knows up to "
            f"{FORMAT}; install the newer package"
        )
    known = {"format", *ROLES, "training", "axes", *WHOLE}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(f"the config's fields are not this version's: {unknown}")
    axes = values.get("axes", {})
    found: dict[str, Any] = {}
    for role in ROLES:
        if role not in values:
            continue
        try:
            found[role] = from_values(role, values[role])
        except UnknownKind:
            if not strangers:
                raise
            found[role] = Stranger.of(role, values[role], axes)
    training = values.get("training", {})
    names = {f.name for f in dataclasses.fields(Training)}
    if not isinstance(training, Mapping) or not set(training) <= names:
        raise ConfigError("the config's training is not this version's")
    bias = found.get("bias", Shift).axis.name
    strength = found.get("objective", BetaElbo).axis.name
    if not isinstance(axes, Mapping) or not set(axes) <= {bias, strength}:
        raise ConfigError(f"the config's axes are not {bias} and {strength}")
    whole = {name: values[name] for name in WHOLE if name in values}
    return {
        **found,
        **whole,
        "training": Training(**training),
        "biases": axes.get(bias, ()),
        "strengths": axes.get(strength, ()),
    }


def flat_parts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a study from flat ones, as `Study.from_flat` says."""
    kinds: dict[str, Any] = {
        "world": Squares, "objective": BetaElbo, "network": Dense, "training": Training
    }  # fmt: skip
    of_part = {name: {f.name for f in dataclasses.fields(kind)} for name, kind in kinds.items()}
    names = set().union(*of_part.values(), {"mu", "beta"}, WHOLE) - NOT_FLAT
    unlike = sorted((set(values) | LATER) ^ names)
    if unlike:
        raise ConfigError(f"the config's fields are not this version's: {unlike}")
    for name in ("mu", "beta"):  # none at all is no default
        require_numbers(name, settle(values[name], tuple[float, ...]))
    found = {
        name: kind(**{field: values[field] for field in of_part[name] if field in values})
        for name, kind in kinds.items()
    }
    whole = {name: values[name] for name in WHOLE}
    axes = {"biases": values["mu"], "strengths": values["beta"]}
    return {**found, **axes, **whole}
