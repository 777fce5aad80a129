"""Words that follow numbers: intervals into verdicts, rows into tables."""

from collections.abc import Iterable, Sequence

import numpy as np

from biasvae_jax.statistics.intervals import Interval, describe

NONE = "–"  # where a table has nothing to say


def sign(interval: Interval) -> int:
    """Return 1 or −1 where an interval lies above or below 0, else 0 (also where there is none)."""
    low, high = float(interval.low), float(interval.high)
    return int(low > 0) - int(high < 0)


def by_sign(interval: Interval, up: str, down: str, neither: str) -> str:
    """Choose a word by the sign of an interval."""
    return {1: up, -1: down, 0: neither}[sign(interval)]


def value(interval: Interval, unit: str = "") -> str:
    """Write an interval in four digits: a dash if it has no value, one number if its ends agree."""
    mean = float(interval.mean)
    if not np.isfinite(mean):
        return NONE
    low, high = (f"{float(end):.4g}" for end in (interval.low, interval.high))
    if low == high != "nan":
        return f"{mean:.4g}{unit and ' ' + unit}".replace("-", "−")
    return describe(interval, unit).replace("-", "−")


def number(x: float, places: int = 2) -> str:
    """Write a number with fixed places, or a dash for none."""
    return f"{x:.{places}f}".replace("-", "−") if np.isfinite(x) else NONE


def escaped(text: str) -> str:
    """Keep markdown from reading β* as emphasis."""
    return text.replace("*", "\\*")


def short(number: float) -> str:
    """Write a number as short as it is, with a minus sign that is no hyphen."""
    return f"{number:g}".replace("-", "−")


def of(count: int, whole: int, one: str, many: str | None = None) -> str:
    """Write "3 of 11 rows"."""
    return f"{count} of {whole} {one if whole == 1 else many or one + 's'}"


def listed(names: Iterable[str], none: str = "none") -> str:
    """Join names by commas and an "and"."""
    names = list(names)
    if len(names) < 2:
        return names[0] if names else none
    return f"{', '.join(names[:-1])} and {names[-1]}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a markdown table; columns of numbers, and dashes, go to the right."""
    rows = list(rows)
    columns = list(zip(*rows, strict=True))
    numbers = [all(_is_number(cell) for cell in column) for column in columns]
    rule = ["---:" if right else "---" for right in numbers] or ["---"] * len(head)
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))


def _is_number(cell: str) -> bool:
    return cell == NONE or cell.lstrip("*−")[:1].isdigit()


def paragraphs(*parts: str) -> str:
    """Join what is not empty by blank lines."""
    return "\n\n".join(part for part in parts if part)
