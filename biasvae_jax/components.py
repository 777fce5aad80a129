"""Components of a study: frozen dataclasses whose fields are their flags and their JSON.

A world, a bias, an objective and a network are components. Each class has a `role`, a `kind` (its
name in a command and in JSON) and a `version`; `register` makes a kind known. A run directory
stores kind, version and fields, never a module path. Nothing here imports jax.
"""

import dataclasses
import difflib
import importlib.util
import math
import sys
import typing
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

from biasvae_jax.errors import ConfigError

Kind = TypeVar("Kind", bound="Component")
Role = Literal["world", "bias", "objective", "network"]
ROLES: tuple[Role, ...] = get_args(Role)
ENTRY_POINTS = "biasvae.components"


class UnknownKind(ConfigError):
    """A kind that no registered component has."""


class Component:
    """What is chosen by kind and set by its fields; a subclass is a frozen dataclass.

    Fields hold numbers, texts, None or tuples of numbers, so that they are flags and JSON. Text
    from JSON is put into the declared types (lists become tuples, whole numbers floats) before
    `check` is called, which raises ConfigError for values that cannot be run.
    """

    role: ClassVar[Role]
    kind: ClassVar[str]
    version: ClassVar[int] = 1

    def __post_init__(self):
        settle_fields(self)
        self.check()

    def check(self) -> None:
        """Raise ConfigError of one line if a field's value is out of range."""

    @classmethod
    def migrate(cls, values: dict[str, Any], version: int) -> dict[str, Any]:
        """Bring the fields of an older `version` up to this one's; the default changes nothing."""
        return values


# Values ------------------------------------------------------------------------------------------


def flag(name: str) -> str:
    """Write a field's name as its flag."""
    return "--" + name.replace("_", "-")


def require(ok: bool, name: str, value: object, rule: str) -> None:
    """Raise a ConfigError that names the flag, the rule and the value, unless `ok`."""
    if not ok:
        raise ConfigError(f"{flag(name)} {rule}; got {value}")


def is_number(value: object) -> bool:
    """Tell whether a value is a finite number whose square float32 can hold."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value) and abs(value) < 1e30
    except OverflowError:
        return False


def require_number(name: str, value: object, least: float = -math.inf) -> None:
    """Raise ConfigError unless `value` is a finite number ≥ `least`."""
    require(is_number(value), name, value, "must be a finite number")
    require(typing.cast(float, value) >= least, name, value, f"must be ≥ {least:g}")


def require_positive(name: str, value: object) -> None:
    """Raise ConfigError unless `value` is a finite number > 0."""
    require(is_number(value), name, value, "must be a finite number")
    require(typing.cast(float, value) > 0, name, value, "must be > 0")


def require_whole(name: str, value: object, least: int = 1) -> None:
    """Raise ConfigError unless `value` is a whole number from `least` to 2³¹ − 1."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    ok = whole and least <= typing.cast(int, value) < 2**31
    require(ok, name, value, f"must be a whole number ≥ {least}")


def require_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Raise ConfigError unless `value` is one of the choices."""
    choices = tuple(choices)
    require(value in choices, name, value, f"is {' or '.join(choices)}")


def require_numbers(name: str, values: object) -> None:
    """Raise ConfigError unless `values` is a tuple of one or more different finite numbers."""
    numbers = isinstance(values, tuple) and len(values) > 0 and all(map(is_number, values))
    require(numbers, name, values, "must be one or more finite numbers")
    different = len(set(typing.cast(tuple, values))) == len(typing.cast(tuple, values))
    require(different, name, values, "must not hold a value twice")


def settle_fields(instance: Any) -> None:
    """Put each field of a frozen dataclass into its declared type, where that loses nothing."""
    hints = typing.get_type_hints(type(instance))
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        settled = settle(value, hints[field.name])
        if settled is not value:
            object.__setattr__(instance, field.name, settled)


def settle(value: Any, hint: Any) -> Any:
    """Return `value` in the type `hint` where it is the same value: 1 → 1.0, [1] → (1.0,), −0 → 0.

    Numbers of numpy become Python's. What does not fit is returned as it is, for `check` to refuse.
    """
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):  # numpy
        value = value.tolist()
    if isinstance(value, list):
        value = tuple(value)
    options = get_args(hint) if get_origin(hint) not in (tuple, Literal) else ()
    options = options or (hint,)
    if isinstance(value, tuple):
        inner = next((get_args(h)[0] for h in options if get_origin(h) is tuple), None)
        return tuple(settle(v, inner) for v in value) if inner is not None else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if float in options and int not in options:
        try:
            return float(value) + 0.0  # −0 becomes 0
        except OverflowError:
            return value
    return value


# Registry ----------------------------------------------------------------------------------------

_kinds: dict[Role, dict[str, type[Component]]] = {role: {} for role in ROLES}


def register(component: type[Kind]) -> type[Kind]:
    """Make a component's kind known; usable as a class decorator.

    A class of one's own may be registered again (a notebook's cell run twice); a kind of another
    class is not replaced. Raises ConfigError if the class is no component or lacks a member, or
    if its kind is taken.
    """
    role, kind = getattr(component, "role", None), getattr(component, "kind", None)
    if role not in ROLES or not isinstance(kind, str) or not dataclasses.is_dataclass(component):
        name = getattr(component, "__name__", component)
        raise ConfigError(f"{name} is no component: a frozen dataclass with a role and a kind")
    known = _kinds[role].get(kind)
    if known is not None and known.__qualname__ != component.__qualname__:
        raise ConfigError(f"there is a {role} of the kind {kind} already; choose another name")
    lacking = _lacking(component)
    if lacking:
        raise ConfigError(f"the {role} {kind} {lacking}")
    _kinds[role][kind] = component
    return component


def _lacking(component: type[Component]) -> str:
    """Say what a class lacks of its role's protocol, empty if nothing: members, and defaults."""
    fields = {f.name: f for f in dataclasses.fields(component)}  # type: ignore[arg-type]
    declared = [n for base in component.__mro__ for n in vars(base).get("__annotations__", {})]
    missing = sorted(n for n in declared if n not in fields and not hasattr(component, n))
    if missing:
        return f"lacks {missing[0]}, which every {component.role} has"
    none = dataclasses.MISSING
    bare = [
        name
        for name, f in fields.items()
        if f.init and f.default is none and f.default_factory is none
    ]
    return f"has a field without a default, {bare[0]}" if bare else ""


def kinds(role: Role) -> dict[str, type[Component]]:
    """Return the known components of a role, by kind: built in, installed, or registered."""
    _load_installed()
    return dict(_kinds[role])


def find_kind(role: Role, kind: object) -> type[Component]:
    """Return the component of a kind; raises UnknownKind naming the known and the nearest."""
    known = kinds(role)
    if isinstance(kind, str) and kind in known:
        return known[kind]
    near = difflib.get_close_matches(str(kind), known, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UnknownKind(
        f"--{role} {str(kind)[:80]} is unknown; {hint}it can be {', '.join(sorted(known))}; "
        "name the file of one of your own with --use"
    )


def use_file(path: str | Path) -> list[type[Component]]:
    """Run a Python file of one's own and register the components that it defines.

    Raises ConfigError of one line if it cannot be read, fails, or defines none.
    """
    file = Path(path)
    if not file.is_file():
        raise ConfigError(f"--use {file}: there is no such file")
    name = f"biasvae_use_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"--use {file} is no Python file; name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        line = next(iter(str(error).splitlines()), "")
        raise ConfigError(f"--use {file} failed: {type(error).__name__}: {line}") from error
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Component)
        and value.__module__ == name
        and isinstance(getattr(value, "kind", None), str)
    ]
    if not found:
        raise ConfigError(
            f"--use {file} defines no component: a class with a kind that is a World, a Bias, "
            "an Objective or an Architecture"
        )
    try:
        return [register(component) for component in found]
    except ConfigError as error:
        raise ConfigError(f"--use {file}: {error}") from None


_installed = False


def _load_installed() -> None:
    """Register what is built in, then what installed packages declare, once."""
    global _installed
    if _installed:
        return
    _installed = True
    importlib.import_module("biasvae_jax.builtin")
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        try:
            register(entry.load())
        except Exception as error:
            raise ConfigError(f"the installed component {entry.name} failed: {error}") from error


# JSON --------------------------------------------------------------------------------------------


def to_values(component: Component) -> dict[str, Any]:
    """Return a component as JSON's values: kind, version, and its fields."""
    fields = {f.name: getattr(component, f.name) for f in dataclasses.fields(component)}  # type: ignore[arg-type]
    return {"kind": component.kind, "version": component.version, **fields}


def from_values(role: Role, values: object) -> Any:
    """Build a component from `to_values`; a missing field takes its default.

    Raises UnknownKind, or ConfigError for an unknown field, a newer version, or a wrong value.
    """
    if not isinstance(values, Mapping) or not isinstance(values.get("kind"), str):
        raise ConfigError(f"the {role} has no kind")
    rest = {str(name): value for name, value in values.items() if name not in ("kind", "version")}
    component = find_kind(role, values["kind"])
    version = values.get("version", 1)
    if type(version) is not int or version < 1:
        raise ConfigError(f"the version of {role} {component.kind} must be a whole number")
    if version > component.version:
        raise ConfigError(
            f"{role} {component.kind} is of version {version}, and this is {component.version}; "
            "install the newer package"
        )
    if version < component.version:
        rest = component.migrate(rest, version)
    fields = {f.name: f for f in dataclasses.fields(component)}  # type: ignore[arg-type]
    unknown = sorted(set(rest) - set(fields))
    if unknown:
        raise ConfigError(f"{role} {component.kind} has no {unknown[0]}")
    made = component(**{name: value for name, value in rest.items() if fields[name].init})
    for name, value in rest.items():
        if not fields[name].init:  # what is no flag, such as the fingerprint of a file
            object.__setattr__(made, name, value)
    made.check()
    return made
