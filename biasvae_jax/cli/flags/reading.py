"""The second pass over the flags: the fields of what was chosen, over their values."""

import dataclasses
import difflib
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from biasvae_jax.axes import Axis
from biasvae_jax.cli.common import UsageError, parse
from biasvae_jax.cli.flags.choice import Chosen, choose
from biasvae_jax.cli.flags.overview import overview
from biasvae_jax.components import ROLES, ConfigError, flag, kinds, require_numbers
from biasvae_jax.presets import STUDIES
from biasvae_jax.study import Draft, Study, Training

RESERVED = ("preset", "config", "use", *ROLES, "seeds", "latent_dim", "help", "seed", "step")
"""Names of flags that are the command's own, and of dimensions of every run."""
GRID_HELP = "Strengths of bias and regularisation: each pair is a cell, trained for every seed."


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
