"""A study from flat flags, in two passes: what is chosen, then the flags of what is chosen.

The first pass reads `--preset`, `--config`, `--use` and the kinds of the components; the second
reads the fields of just these, over their values.
"""

import argparse
import dataclasses
import difflib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from biasvae_jax.axes import Axis
from biasvae_jax.cli.common import UsageError, parse
from biasvae_jax.cli.overview import overview
from biasvae_jax.components import (
    ROLES,
    ConfigError,
    find_kind,
    flag,
    kinds,
    require_numbers,
    use_file,
)
from biasvae_jax.presets import STUDIES
from biasvae_jax.study import Draft, Study, Training, settings

FIRST = "blog"
RESERVED = ("preset", "config", "use", *ROLES, "seeds", "latent_dim", "help", "seed", "step")
"""Names of flags that are the command's own, and of dimensions of every run."""
GRID_HELP = "Strengths of bias and regularisation: each pair is a cell, trained for every seed."


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


# The second pass ---------------------------------------------------------------------------------


def read_flags(
    arguments: Sequence[str], execution: Any, command: str, description: str
) -> tuple[Chosen, Study, Any]:
    """Read all flags: (what was chosen, the study, the execution with its flags read).

    `execution` is the default of a dataclass of flags that do not belong to the study. Raises
    UsageError or ConfigError of one line.
    """
    chosen = choose(arguments)
    start = chosen.study
    _refuse_clashes(start, execution)
    if "-h" in arguments:
        print(overview(chosen, execution, command, description))
        raise SystemExit(0)
    default = default_flags(chosen, execution)
    _refuse_strangers(arguments, start, execution)
    found = parse(type(default), arguments, default, command, description)
    axes = found.axes
    for axis in (start.bias.axis, start.objective.axis):
        require_numbers(axis.name, getattr(axes, axis.name))  # none at all is no default
    study = Study(
        world=found.image,
        bias=found.bias,
        objective=found.objective,
        network=found.network,
        training=found.training,
        biases=getattr(axes, start.bias.axis.name),
        strengths=getattr(axes, start.objective.axis.name),
        seeds=found.seeds,
        latent_dim=found.latent_dim,
    )
    return chosen, study, found.run


def default_flags(chosen: Chosen, execution: Any) -> Any:
    """Make the flags of what was chosen, at their defaults: a dataclass that tyro reads."""
    start = chosen.study
    axes_type = _axes_type(start)
    flags = _flags_type(start, axes_type, type(execution))
    return flags(
        preset=chosen.preset,
        image=start.world,
        bias=start.bias,
        objective=start.objective,
        network=start.network,
        axes=axes_type(start.biases, start.strengths),
        training=start.training,
        run=execution,
        seeds=start.seeds,
        latent_dim=start.latent_dim,
    )


def _flags_type(start: Draft, axes: type, execution: type) -> type:
    """Make the dataclass of all flags of a study with these components."""
    choices = {role: Literal[tuple(sorted(kinds(role)))] for role in ROLES}  # type: ignore[valid-type]
    presets = Literal[tuple(STUDIES)]  # type: ignore[valid-type]

    def help_of(text: str, hint: Any) -> Any:
        return Annotated[hint, tyro.conf.arg(help=text)]

    def selected(role: str, text: str) -> tuple[str, Any, Any]:
        hint = Annotated[choices[role], tyro.conf.arg(name=role, help=text)]
        return (f"choose_{role}", hint, field(default=getattr(start, role).kind))

    return dataclasses.make_dataclass(
        "Flags",
        [
            ("preset", help_of("Study whose values the other flags override.", presets)),
            selected("world", "Kind of the world: what the images are made of."),
            selected("bias", "Kind of the bias: how the training data differ."),
            selected("objective", "Kind of the objective: what is minimised."),
            selected("network", "Kind of the network."),
            (
                "config",
                help_of("Start from a run's config.json instead of a preset.", Path | None),
                field(default=None),
            ),
            (
                "use",
                help_of("Python files with components of your own.", tuple[Path, ...]),
                field(default=()),
            ),
            ("image", type(start.world), field(default=start.world)),
            ("bias", type(start.bias), field(default=start.bias)),
            ("objective", type(start.objective), field(default=start.objective)),
            ("network", type(start.network), field(default=start.network)),
            ("axes", axes, field(default_factory=axes)),
            ("training", Training, field(default=start.training)),
            (
                "seeds",
                help_of("Independent replicates of the whole grid.", int),
                field(default=start.seeds),
            ),
            (
                "latent_dim",
                help_of("Number of learned latents (None: one for each factor).", int | None),
                field(default=start.latent_dim),
            ),
            ("run", execution, field(default_factory=execution)),
        ],
        frozen=True,
    )


def _axes_type(start: Draft) -> type:
    """Make the dataclass of the two axes' flags."""

    def one(axis: Axis, values: tuple[float, ...]) -> tuple[str, Any, Any]:
        text = f"{axis.symbol}: {axis.long_name}."
        hint = Annotated[tuple[float, ...], tyro.conf.arg(help=text)]
        return (axis.name, hint, field(default=values))

    axes = (start.bias.axis, start.biases), (start.objective.axis, start.strengths)
    fields = [one(*axis) for axis in axes]
    return dataclasses.make_dataclass("Grid", fields, frozen=True, namespace={"__doc__": GRID_HELP})


def _names(part: Any) -> set[str]:
    """Return the flags of a dataclass."""
    return {flag(f.name) for f in dataclasses.fields(part) if f.init}


def _flags(component: Any) -> set[str]:
    """Return the flags of a component, that of its axis among them."""
    axis = getattr(component, "axis", None)
    return _names(component) | ({flag(axis.name)} if axis is not None else set())


def _refuse_clashes(start: Draft, execution: Any) -> None:
    """Raise ConfigError if two parts of a study want the same flag, or an axis a name in use."""
    owners = dict.fromkeys(map(flag, RESERVED), "the command")
    owners |= dict.fromkeys(_names(start.training) | _names(execution), "the command")
    for role in ROLES:
        part = getattr(start, role)
        for name in sorted(_flags(part)):
            if name in owners:
                raise ConfigError(
                    f"--{role} {part.kind} has a flag {name}, and so has {owners[name]}; "
                    "give the field or the axis another name"
                )
            owners[name] = f"--{role} {part.kind}"


def _refuse_strangers(arguments: Sequence[str], start: Draft, execution: Any) -> None:
    """Raise UsageError for a flag that belongs to a component which was not chosen."""
    parts = (start.world, start.bias, start.objective, start.network, start.training, execution)
    known = set(map(flag, RESERVED)) - {"--seed", "--step"}
    known |= {"-h"}.union(*map(_names, parts))
    known |= {flag(axis.name) for axis in (start.bias.axis, start.objective.axis)}
    for word in arguments:
        name = word.split("=", 1)[0]
        if not name.startswith("--") or name in known or name.replace("_", "-") in known:
            continue
        for role in ROLES:
            owners = [kind for kind, c in kinds(role).items() if name in _flags(c)]
            if owners:
                raise UsageError(
                    f"{name} belongs to --{role} {' or '.join(sorted(owners))}, and this study's "
                    f"is {getattr(start, role).kind}"
                )
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"{name} is no flag{hint}; --help explains every flag")


# And back ----------------------------------------------------------------------------------------


def command(study: Study, program: str = "python -m experiments.full_sweep") -> str:
    """Return the shell command of a study: the nearest preset, and what differs from it."""

    def words(preset: str) -> list[str]:
        out = ["--preset", preset] if preset != FIRST else []
        base = STUDIES[preset]()
        wanted = {role: getattr(study, role).kind for role in ROLES}
        other = {r: k for r, k in wanted.items() if k != getattr(base, r).kind}
        for role, kind in other.items():
            out += [f"--{role}", kind]
        before = settings(with_kinds(Draft.of(base), other))
        for name, value in settings(study).items():
            if name not in ROLES and value != before.get(name, dataclasses.MISSING):
                values = value if isinstance(value, tuple) else (value,)
                # a switch has no value, and no preset has one turned on
                out += [flag(name), *(() if value is True else map(_word, values))]
        return out

    shortest = min(map(words, STUDIES), key=len)
    return " ".join([program, *map(shlex.quote, shortest)])


def _word(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)
