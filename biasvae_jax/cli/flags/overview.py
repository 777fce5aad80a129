"""All flags of a sweep on one screen, by group and with their values; --help explains each."""

import dataclasses
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from biasvae_jax.cli.flags.choice import Chosen
from biasvae_jax.components import ROLES, flag, kinds
from biasvae_jax.presets import STUDIES

WIDTH = 78


def overview(chosen: Chosen, execution: Any, command: str, description: str) -> str:
    """Return the screen that `-h` shows of what was chosen, with the values flags override."""
    study, lines = (
        chosen.study,
        [f"usage: {command} [FLAG …]", "", *description.strip().split("\n")],
    )
    lines += ["", *_group("what is chosen, and from what", _choices(chosen))]
    axes = {study.bias.axis.name: study.biases, study.objective.axis.name: study.strengths}
    grid = {**axes, "seeds": study.seeds, "latent_dim": study.latent_dim}
    lines += _group("grid", map(_flag, grid.items()))
    for role in ROLES:
        part = getattr(study, role)
        lines += _group(f"of --{role} {part.kind}", map(_flag, _fields(part).items()))
    lines += _group("training", map(_flag, _fields(study.training).items()))
    lines += _group("how it is computed", map(_flag, _fields(execution).items()))
    return "\n".join([*lines, "", f"{command} --help explains every flag."])


def _choices(chosen: Chosen) -> Iterable[str]:
    known = {"preset": tuple(STUDIES)} | {role: tuple(sorted(kinds(role))) for role in ROLES}
    for name, values in known.items():
        now = chosen.preset if name == "preset" else getattr(chosen.study, name).kind
        yield f"{flag(name)} {now} (of {', '.join(values)})"
    yield "--config RUN"
    yield "--use FILE.py …"


def _fields(part: Any) -> Mapping[str, Any]:
    return {f.name: getattr(part, f.name) for f in dataclasses.fields(part) if f.init}


def _flag(item: tuple[str, Any]) -> str:
    name, value = item
    if isinstance(value, bool):
        return flag(name)
    values = value if isinstance(value, tuple) else ("None" if value is None else value,)
    texts = [f"{each:g}" if isinstance(each, float) else str(each) for each in values]
    return " ".join([flag(name), *texts]).strip()


def _group(title: str, words: Iterable[str]) -> list[str]:
    """Write flags behind each other, three spaces apart, none broken unless it is too long."""
    lines, line = [], ""
    for each in words:
        if line and len(line) + 3 + len(each) > WIDTH - 2:
            lines, line = [*lines, line], ""
        line = f"{line}   {each}" if line else each
    lines = [*lines, line] if line else []
    broken = [part for each in lines for part in textwrap.wrap(each, WIDTH - 2)]
    return [f"{title}:", *(f"  {part}" for part in broken)] if broken else []
