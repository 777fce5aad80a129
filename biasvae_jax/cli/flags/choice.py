"""The first pass over the flags: `--preset`, `--config`, `--use` and kinds of components."""

import argparse
import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biasvae_jax.cli.common import UsageError
from biasvae_jax.components import ROLES, ConfigError, find_kind, kinds, use_file
from biasvae_jax.presets import STUDIES
from biasvae_jax.study import Draft, Study

FIRST = "blog"
"""The preset where none is named."""


@dataclass(frozen=True)
class Chosen:
    """What the first pass read."""

    preset: str
    study: Draft
    """The preset's or the file's study, with the chosen kinds at their defaults."""
    used: tuple[Path, ...]
    """Files of one's own that were run."""


def choose(arguments: Sequence[str]) -> Chosen:
    """Read the first pass; raises UsageError or ConfigError of one line."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    first.add_argument("--preset", nargs="?", default=FIRST)
    first.add_argument("--config", nargs="?", default="")
    first.add_argument("--use", nargs="*", action="extend", default=[])
    for role in ROLES:
        first.add_argument(f"--{role}", nargs="?", default="")
    try:
        given, _ = first.parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        raise UsageError(f"{error}; --help explains every flag") from None
    for name in ("preset", "config", *ROLES):
        if getattr(given, name) is None:
            raise UsageError(f"--{name} needs a value; --help explains every flag")
    used = tuple(Path(file) for file in given.use)
    for file in used:
        use_file(file)
    if given.preset not in STUDIES:
        near = difflib.get_close_matches(given.preset, STUDIES, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"--preset {given.preset} is unknown; {hint}it is {' or '.join(STUDIES)}")
    start = read_study(Path(given.config)) if given.config else STUDIES[given.preset]()
    wanted = {role: getattr(given, role) for role in ROLES if getattr(given, role)}
    return Chosen(given.preset, with_kinds(Draft.of(start), wanted), used)


def read_study(file: Path) -> Study:
    """Read the study of a run: its directory or its `config.json`; raises ConfigError."""
    file = file / "config.json" if file.is_dir() else file
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"--config {file} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"--config {file} is no JSON; name a run's config.json") from None
    if isinstance(values, dict) and isinstance(values.get("config"), dict):
        values = values["config"]
    return Study.from_values(values)


def with_kinds(study: Draft, wanted: dict[str, str]) -> Draft:
    """Return a draft with other kinds of components, at their defaults; the rest stays.

    A world that cannot take the bias gets its usual one, unless one is named.
    """
    parts: dict[str, Any] = {}
    for role in ROLES:
        part = getattr(study, role)
        kind = find_kind(role, wanted[role]) if role in wanted else type(part)
        parts[role] = part if kind is type(part) else kind
    world = parts["world"]
    accepts, usual = (getattr(world, name) for name in ("accepts", "usual"))
    bias = parts["bias"] if isinstance(parts["bias"], type) else type(parts["bias"])
    if not issubclass(bias, accepts):
        fitting = [k for k in kinds("bias").values() if issubclass(k, accepts)]
        if "bias" in wanted or not fitting:
            can = ", ".join(k.kind for k in fitting) or "none that is known"
            name = world.kind
            raise ConfigError(
                f"--bias {bias.kind} is not for --world {name}; its biases are: {can}"
            )
        parts["bias"] = next((k for k in fitting if k.kind == usual), fitting[0])
    made = {role: part() if isinstance(part, type) else part for role, part in parts.items()}
    bias, objective = made["bias"], made["objective"]
    return study._replace(
        **made,
        biases=study.biases if type(bias) is type(study.bias) else bias.axis.values,
        strengths=(
            study.strengths if type(objective) is type(study.objective) else objective.axis.values
        ),
    )
