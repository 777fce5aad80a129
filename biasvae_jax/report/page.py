"""One self-contained page from one or two runs: maps, panels and tables that open offline.

Plotly's script, the pictures and the numbers are all in it. A content security policy allows
nothing else: no request, and no script but the two written here, whatever names a run brings.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from biasvae_jax.axes import Axis
from biasvae_jax.report import maps
from biasvae_jax.report.sentences import about_cell, about_pair, about_run
from biasvae_jax.report.view import PICTURES, RunView

HIDDEN = ("finite",)  # told in a sentence, no map
FIRST = "recovery_r2"
SCRIPT = ("state", "maps", "panels", "curves", "start")
"""Files of `script/` in the order in which they are joined, within one function."""


def page(views: Sequence[RunView]) -> str:
    """Write the page of one run, or of two beside each other with the difference map.

    Two runs must share their axes (`experiments.report` cuts them to the cells they share).
    """
    first = views[0]
    names = [n for n in first.scores if n not in HIDDEN and all(n in v.scores for v in views)]
    titles = [view.name for view in views] if len(views) > 1 else [""]
    if len(views) > 1:
        titles.append(f"{views[1].name} minus {first.name}")
    data = {
        "rows": _axis(first.rows),
        "columns": _axis(first.columns),
        "labels": {name: first.labels[name] for name in names},
        "maps": {name: [_plain(figure) for figure in _maps(views, name)] for name in names},
        "runs": [_run(view, names) for view in views],
        "start": _start(first),
        "first": FIRST if np.isfinite(first.mean(FIRST)).any() else names[0],
    }
    script, plotly = _script(), get_plotlyjs()
    return _template().render(
        policy=Markup(
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            f"script-src {_digest(plotly)} {_digest(script)}"
        ),
        views=views,
        first=first,
        several=len(views) > 1,
        summaries=[about_run(view) for view in views],
        difference=about_pair(*views) if len(views) > 1 else [],
        thin=any(v.lines is not None and v.lines.shape[1] > 1 for v in views),
        thresholds=list(dict.fromkeys(v.threshold for v in views if v.boundary is not None)),
        kinds=list(dict.fromkeys(view.models for view in views)),
        titles=titles,
        names=names,
        captions=PICTURES,
        headings=_headings,
        number=lambda value: maps.number(float(value)),
        data=Markup(_json(data)),
        styles=Markup(_resource("page.css")),
        plotly=Markup(plotly),
        script=Markup(script),
    )


def _template() -> jinja2.Template:
    """Read the page's template; whatever is put into it is escaped, unless it is Markup."""
    environment = jinja2.Environment(
        autoescape=True,
        finalize=_text,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(_resource("page.html"))


def _resource(name: str) -> str:
    return resources.files("biasvae_jax.report").joinpath(name).read_text(encoding="utf-8")


def _script() -> str:
    """Join the page's own script; its parts see each other, and nothing else sees them."""
    parts = "\n".join(_resource(f"script/{name}.js") for name in SCRIPT)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _text(value: object) -> str:
    """Make text of a value; bytes of a path that are no text become question marks."""
    if isinstance(value, Markup):
        return value
    return str(value).encode("utf-8", "replace").decode()


def _json(value: Any) -> str:
    """Write JSON that cannot end the script element it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _axis(axis: Axis) -> dict[str, Any]:
    return {"symbol": _text(axis.symbol), "values": [f"{value:g}" for value in axis]}


def _headings(view: RunView) -> list[str]:
    """Name the columns of a model's table, in the order of `_rows`."""
    seeds = ["mean of seeds", "95 % interval"] if view.grid.seeds > 1 else ["this model"]
    return ["score", *seeds, "random networks", *(["linear theory"] if view.theory else [])]


def _rows(view: RunView, names: Sequence[str], i: int, j: int) -> list[list[str]]:
    """Write a model's table."""
    rows = []
    for name in names:
        score = view.scores[name]
        values = [score.mean[i, j], view.random.get(name, np.nan)]
        if view.theory:
            values.append(view.theory[name][i, j] if name in view.theory else np.nan)
        row = [name, *(maps.number(float(v)) for v in values)]
        if view.grid.seeds > 1:
            row.insert(2, " to ".join(maps.number(v[i, j]) for v in (score.low, score.high)))
        rows.append(row)
    return rows


def _run(view: RunView, names: Sequence[str]) -> dict[str, Any]:
    """Gather what the panel of a model needs, for each cell."""
    lines = 3 if view.grid.seeds > 1 else 1  # mean alone, or mean, lowest, highest

    def cell(i: int, j: int) -> dict[str, Any]:
        return {
            "sentences": about_cell(view, i, j),
            "rows": _rows(view, names, i, j),
            "curves": {
                name: [_rounded(values[i, j, :, k]) for k in range(lines)]
                for name, values in view.curves.items()
            },
            "pictures": view.pictures.get((i, j), {}),
        }

    rows, columns = view.grid.shape[:2]
    return {
        "name": _text(view.name),
        "step": _rounded(view.step),
        "steps": view.steps,
        "cells": [[cell(i, j) for j in range(columns)] for i in range(rows)],
    }


def _maps(views: Sequence[RunView], name: str) -> list[Any]:
    """Draw a score of each run on one colour scale, and the difference of two."""
    cells = [view.scores[name] for view in views]
    rows, columns = views[0].rows, views[0].columns
    means = np.stack([c.mean for c in cells])
    finite = means[np.isfinite(means)]
    limits = (float(finite.min()), float(finite.max())) if finite.size else None
    drawn = [
        maps.heat_map(c, rows, columns, "", view.lines, limits)
        for c, view in zip(cells, views, strict=True)
    ]
    if len(views) > 1:
        nothing = np.full_like(means[0], np.nan)
        gap = means[1] - means[0]
        difference = maps.Cells(gap, nothing, nothing, np.isfinite(gap).astype(int))
        figure = maps.heat_map(difference, rows, columns, "", None, difference=True)
        figure.data[0].hovertext = [
            [
                f"{maps.place(rows, columns, i, j)}<br>{maps.number(float(gap[i, j]))} = "
                f"{maps.number(float(means[1, i, j]))} − {maps.number(float(means[0, i, j]))}"
                for j in range(len(columns))
            ]
            for i in range(len(rows))
        ]
        drawn.append(figure)
    return drawn


def _plain(figure: Any) -> dict[str, Any]:
    plain = json.loads(figure.to_json())
    plain["layout"].pop("template", None)  # the page sets its own colours
    return plain


def _start(view: RunView) -> list[int]:
    """Choose the cell shown first: the one of highest R², or with most KL."""
    for name in (FIRST, "kl"):
        mean = view.mean(name)
        if np.isfinite(mean).any():
            return [int(k) for k in np.unravel_index(np.nanargmax(mean), mean.shape)]
    return [0, 0]


def _rounded(values: np.ndarray) -> list[float | None]:
    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in values]
