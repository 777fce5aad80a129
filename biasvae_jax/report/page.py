"""One self-contained page from one or two runs: maps, panels and tables that open offline.

Plotly's script, the pictures and the numbers are all in it. A content security policy allows
nothing else: no request, and no script but the two written here, whatever names a run brings.
"""

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from string import Template
from typing import Any

import numpy as np
from plotly.offline import get_plotlyjs

from biasvae_jax.report import maps
from biasvae_jax.report.sentences import about_cell, about_pair, about_run
from biasvae_jax.report.view import PICTURES, RunView

HIDDEN = ("finite",)  # told in a sentence, no map
FIRST = "recovery_r2"


def page(views: Sequence[RunView]) -> str:
    """Write the page of one run, or of two beside each other with the difference map.

    Two runs must share their μ and β (`experiments.report` cuts them to what they share).
    """
    names = [n for n in views[0].scores if n not in HIDDEN and all(n in v.scores for v in views)]
    grids = {name: _maps(views, name) for name in names}
    titles = [view.name for view in views] if len(views) > 1 else [""]
    if len(views) > 1:
        titles.append(f"{views[1].name} minus {views[0].name}")
    data = {
        "mu": [f"{m:g}" for m in views[0].config.mu],
        "beta": [f"{b:g}" for b in views[0].config.beta],
        "labels": {name: views[0].labels[name] for name in names},
        "maps": {name: [_plain(figure) for figure in figures] for name, figures in grids.items()},
        "runs": [_run(view, names) for view in views],
        "start": _start(views[0]),
        "first": FIRST if np.isfinite(views[0].scores[FIRST].mean).any() else "loss",
    }
    script, styles = _resource("page.js"), _resource("page.css")
    plotly = get_plotlyjs()
    return Template(_resource("page.html")).substitute(
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src {_digest(plotly)} {_digest(script)}",
        title=_text(" and ".join(view.name for view in views)),
        banners="".join(
            f'<p class="banner" role="status">{_text(v.name)}: {_text(v.banner)}</p>'
            for v in views
            if v.banner
        ),
        summary=_summary(views),
        options="".join(f'<option value="{_text(n)}">{_text(n)}</option>' for n in names),
        maps="".join(_map(k, title) for k, title in enumerate(titles)),
        tables="".join(_tables(views, name) for name in names),
        panels="".join(_panel(k, view, len(views) > 1) for k, view in enumerate(views)),
        facts="".join(_facts(view) for view in views),
        count=str(len(titles)),
        data=_json(data),
        styles=styles,
        plotly=plotly,
        script=script,
    )


def _resource(name: str) -> str:
    return resources.files("biasvae_jax.report").joinpath(name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _text(value: object) -> str:
    """Escape text for the page; bytes of a path that are no text become question marks."""
    return html.escape(str(value).encode("utf-8", "replace").decode())


def _json(value: Any) -> str:
    """Write JSON that cannot end the script element it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _list(sentences: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(s)}</li>" for s in sentences) + "</ul>"


def _summary(views: Sequence[RunView]) -> str:
    if len(views) == 1:
        return _list(about_run(views[0]))
    difference = views[1].scores[FIRST].mean - views[0].scores[FIRST].mean
    parts = [_list([about_pair(views[0], views[1], difference)])]
    parts += [f"<h3>{_text(view.name)}</h3>{_list(about_run(view))}" for view in views]
    return "".join(parts)


def _maps(views: Sequence[RunView], name: str) -> list[Any]:
    """Draw a score of each run on one colour scale, and the difference of two."""
    cells = [view.scores[name] for view in views]
    mu, beta = views[0].config.mu, views[0].config.beta
    means = np.stack([c.mean for c in cells])
    finite = means[np.isfinite(means)]
    limits = (float(finite.min()), float(finite.max())) if finite.size else None
    drawn = [
        maps.heat_map(c, mu, beta, "", view.boundary, limits)
        for c, view in zip(cells, views, strict=True)
    ]
    if len(views) > 1:
        nothing = np.full_like(means[0], np.nan)
        gap = means[1] - means[0]
        difference = maps.Cells(gap, nothing, nothing, np.isfinite(gap).astype(int))
        figure = maps.heat_map(difference, mu, beta, "", None, difference=True)
        figure.data[0].hovertext = [
            [
                f"μ = {m:g}, β = {b:g}<br>{maps.number(float(gap[i, j]))} = "
                f"{maps.number(float(means[1, i, j]))} − {maps.number(float(means[0, i, j]))}"
                for j, b in enumerate(beta)
            ]
            for i, m in enumerate(mu)
        ]
        drawn.append(figure)
    return drawn


def _plain(figure: Any) -> dict[str, Any]:
    plain = json.loads(figure.to_json())
    plain["layout"].pop("template", None)  # the page sets its own colours
    return plain


def _start(view: RunView) -> list[int]:
    """Choose the cell shown first: the best recovered, or the first with curves."""
    score = view.scores[FIRST]
    if not np.isfinite(score.mean).any():
        score = view.scores["kl"]
    if not np.isfinite(score.mean).any():
        return [0, 0]
    return [int(k) for k in np.unravel_index(np.nanargmax(score.mean), score.mean.shape)]


def _rounded(values: np.ndarray) -> list[float | None]:
    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in values]


def _run(view: RunView, names: Sequence[str]) -> dict[str, Any]:
    """Gather what the panel of a model needs, for each cell."""
    lines = 3 if view.config.seeds > 1 else 1  # mean alone, or mean, lowest, highest

    def cell(i: int, j: int) -> dict[str, Any]:
        rows = []
        for name in names:
            score = view.scores[name]
            theory = view.theory[name][i, j] if name in view.theory else np.nan
            values = (score.mean[i, j], view.random.get(name, np.nan), theory)
            row = [name, *(maps.number(float(v)) for v in values)]
            if lines > 1:
                row.insert(2, " to ".join(maps.number(v[i, j]) for v in (score.low, score.high)))
            rows.append(row)
        return {
            "sentences": about_cell(view, i, j),
            "rows": rows,
            "curves": {
                name: [_rounded(values[i, j, :, k]) for k in range(lines)]
                for name, values in view.curves.items()
            },
            "pictures": view.pictures.get((i, j), {}),
        }

    rows, columns = len(view.config.mu), len(view.config.beta)
    return {
        "name": view.name.encode("utf-8", "replace").decode(),
        "step": _rounded(view.step),
        "steps": view.config.steps,
        "cells": [[cell(i, j) for j in range(columns)] for i in range(rows)],
    }


def _map(k: int, title: str) -> str:
    heading = f"<h3>{_text(title)}</h3>" if title else ""
    return (
        f'<div class="map">{heading}<div class="plot" id="map{k}" tabindex="0" role="application" '
        f'aria-roledescription="heat map" aria-describedby="keys"></div></div>'
    )


def _tables(views: Sequence[RunView], name: str) -> str:
    """Write a score's maps as tables, for readers who do not see them."""
    tables = []
    for view in views:
        head = "".join(f'<th scope="col">{b:g}</th>' for b in view.config.beta)
        body = "".join(
            f'<tr><th scope="row">{m:g}</th>'
            + "".join(f"<td>{maps.number(float(v))}</td>" for v in row)
            + "</tr>"
            for m, row in zip(view.config.mu, view.scores[name].mean, strict=True)
        )
        caption = f"{name}: {view.labels[name]}" + (f" ({view.name})" if len(views) > 1 else "")
        tables.append(
            f'<table><caption>{_text(caption)}</caption><thead><tr><th scope="col">μ \\ β</th>'
            f"{head}</tr></thead><tbody>{body}</tbody></table>"
        )
    return f'<div class="scroll" tabindex="0" data-score="{_text(name)}">{"".join(tables)}</div>'


def _panel(k: int, view: RunView, named: bool) -> str:
    """Write the empty panel of a model; the page's script fills it."""
    title = f"<h3>{_text(view.name)}</h3>" if named else ""
    pictures = "".join(
        f'<figure data-kind="{kind}"><figcaption>{_text(caption)}</figcaption><img alt=""></figure>'
        for kind, caption in PICTURES.items()
    )
    shown = ""
    if view.test_images:
        shown = (
            "<figure><figcaption>Test images G(u), without noise</figcaption>"
            f'<img src="{view.test_images}" alt="Test images of squares in greys"></figure>'
        )
    note = "" if view.config.output == "sigmoid" else " Intensities are drawn clipped to [0, 1]."
    part = "h4" if named else "h3"  # no level is skipped
    columns = ["score", "this model", "random networks", "linear theory"]
    if view.config.seeds > 1:
        columns[1:2] = ["mean of seeds", "95 % interval"]
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    return (
        f'<article class="panel" id="panel{k}">{title}<ul class="sentences"></ul>'
        f'<div class="scroll" tabindex="0"><table class="scores"><thead><tr>'
        f"{head}</tr></thead><tbody></tbody></table></div>"
        f"<{part}>Training curves, nats over steps</{part}>"
        f'<div class="plot curves" role="img"></div><{part}>Pictures (seed 0)</{part}>'
        f'<p class="nopictures" hidden>No pictures of this cell.</p>'
        f'<div class="pictures">{shown}{pictures}</div><p class="note">{note}</p></article>'
    )


def _facts(view: RunView) -> str:
    rows = "".join(f"<dt>{_text(k)}</dt><dd>{_text(v)}</dd>" for k, v in view.facts.items())
    return (
        f"<h3>{_text(view.name)}</h3><dl>{rows}</dl><p>The same again:</p>"
        f'<pre tabindex="0">{_text(view.command)}</pre><details><summary>Config</summary>'
        f'<pre tabindex="0">{_text(view.stored)}</pre></details>'
    )
