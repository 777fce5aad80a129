"""Cells named in sentences as links: the page chooses the cell that its address names."""

import re
from urllib.parse import urlencode

from markupsafe import Markup, escape

from biasvae_jax.axes import Axis
from biasvae_jax.report.maps import place


def address(rows: Axis, columns: Axis, i: int, j: int) -> str:
    """Return the part of an address that names a cell, such as `#mu=0&beta=1`."""
    return "#" + urlencode({rows.name: f"{rows[i]:g}", columns.name: f"{columns[j]:g}"})


def linked(sentence: str, rows: Axis, columns: Axis) -> Markup:
    """Escape a sentence, and make a link of each place in it that is a cell of the grid."""
    cells = [(i, j) for i in range(len(rows)) for j in range(len(columns))]
    known = {place(rows, columns, i, j): address(rows, columns, i, j) for i, j in cells}
    number = r"[-+\d.e]*\d"
    symbols = re.escape(rows.symbol), re.escape(columns.symbol)
    parts = re.split(f"({symbols[0]} = {number}, {symbols[1]} = {number})", sentence)
    return Markup("").join(
        Markup('<a href="{}">{}</a>').format(known[part], part) if part in known else escape(part)
        for part in parts
    )
