"""What differs between the studies of runs that are compared."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """A setting that is not the same in all runs."""

    name: str
    """Its place in the study's JSON, such as `training.kl_warmup`."""
    values: list[str]
    """As each run has it, "–" where a run has none of the name."""


def differing(stored: Sequence[str]) -> list[Setting]:
    """Return the settings in which studies, each as JSON, differ, in the order of the first."""
    studies = [_flat("", json.loads(text)) for text in stored]
    names = dict.fromkeys(name for study in studies for name in study)
    rows = (Setting(name, [study.get(name, "–") for study in studies]) for name in names)
    return [row for row in rows if len(set(row.values)) > 1]


def _flat(name: str, value: Any) -> dict[str, str]:
    """Write nested settings as one table: dotted name → text."""
    if isinstance(value, dict):
        parts = [_flat(f"{name}.{key}" if name else key, part) for key, part in value.items()]
        return {key: text for part in parts for key, text in part.items()}
    if isinstance(value, list) and not any(isinstance(part, dict | list) for part in value):
        return {name: ", ".join(map(_text, value)) or "none"}
    return {name: _text(value)}


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return f"{value:.15g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
