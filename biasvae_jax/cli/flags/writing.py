"""The way back: a study as the shell command that trains it."""

import dataclasses
import shlex

from biasvae_jax.cli.flags.choice import FIRST, with_kinds
from biasvae_jax.components import ROLES, flag
from biasvae_jax.presets import STUDIES
from biasvae_jax.study import Draft, Study, settings


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
