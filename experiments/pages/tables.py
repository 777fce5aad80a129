"""A table for people in a page, and for programs as CSV beside it: written once."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from biasvae_jax.statistics.intervals import Interval
from experiments.pages.words import NONE, table, value


class Cell(NamedTuple):
    """What a cell says, and what is behind it.

    Most cells need none of these: a table takes a text, a number or an Interval as it is.
    """

    text: str
    """As in the page, in markdown."""
    behind: Mapping[str, str | float]
    """As in the CSV: the endings of the columns' names, "" for none, and what stands there."""


Content = Cell | Interval | str | float


class Table(NamedTuple):
    r"""A table of a page, and the CSV `NAME.csv` that is linked below it.

    `columns` are headings, each with its plain name in the CSV, which ends in the unit if there is
    one. A row has a text, a number, an Interval or a Cell for each:

        Table(
            "kl_near_threshold",
            {"β/β\\*": "beta_over_threshold", "KL": "kl_nats"},
            [[0.8, t_interval(kl[0])], [0.9, t_interval(kl[1])]],
        )

    A page shows numbers in four digits. The CSV has them in full, and of an Interval the columns
    `kl_nats`, `kl_nats_low`, `kl_nats_high` and `kl_nats_seeds`. What has no value is a dash in the
    page and empty in the CSV.
    """

    name: str
    columns: Mapping[str, str]
    rows: Sequence[Sequence[Content]]

    def markdown(self) -> str:
        """Lay the table out for a page."""
        rows = [[cell(content).text for content in row] for row in self.rows]
        return table(list(self.columns), rows)

    def csv(self) -> str:
        """Write the table for programs."""
        rows = [
            {
                name + ending: _plain(part)
                for name, content in zip(self.columns.values(), row, strict=True)
                for ending, part in cell(content).behind.items()
            }
            for row in self.rows
        ]
        names = [
            name
            for column in range(len(self.columns))
            for name in dict.fromkeys(n for row in self.rows for n in self._names(row, column))
        ]
        file = io.StringIO()
        writer = csv.DictWriter(file, names or list(self.columns.values()), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return file.getvalue()

    def _names(self, row: Sequence[Content], column: int) -> list[str]:
        name = list(self.columns.values())[column]
        return [name + ending for ending in cell(row[column]).behind]


def cell(content: Content) -> Cell:
    """Return the cell of a text, a number or an Interval."""
    if isinstance(content, Cell):
        return content
    if isinstance(content, Interval):
        ends = {"": content.mean, "_low": content.low, "_high": content.high}
        return Cell(value(content), {**ends, "_seeds": int(content.seeds)})
    if isinstance(content, str):
        return Cell(content, {"": "" if content == NONE else content})
    return fixed(content)


def fixed(number: float, places: int | None = None) -> Cell:
    """Return the cell of a number that the page shows with so many places, or four digits."""
    if not math.isfinite(number):
        return Cell(NONE, {"": number})
    if places is None:
        text = f"{number:,}" if isinstance(number, int) else f"{number:.4g}"
    else:
        text = f"{number:.{places}f}"
    return Cell(text.replace("-", "−"), {"": number})


def code(name: str) -> Cell:
    """Return the cell of a name that the page shows as code."""
    return Cell(f"`{name}`", {"": name})


def _plain(part: str | float) -> str | float:
    """Return a value as the CSV has it: in full, and empty if there is none."""
    if isinstance(part, str):
        return part
    if not math.isfinite(part):
        return ""
    return int(part) if isinstance(part, int) else float(part)
