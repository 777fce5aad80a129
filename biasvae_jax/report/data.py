"""What the page's script draws from: axes, maps, curves and numbers of each run, as plain JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.report import film, live, maps, regimes
from biasvae_jax.report.sentences import about_cell
from biasvae_jax.report.view import RunView

FIRST = "recovery_r2"
REGIME = "regime"


def page_data(views: Sequence[RunView], groups: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Gather everything; `groups` are the variables that have a map, by their heading."""
    first, names = views[0], [name for members in groups.values() for name in members]
    scores = [name for name in names if name != REGIME]
    return {
        "rows": _axis(first.rows),
        "columns": _axis(first.columns),
        "ticks": [maps.names_up(first.rows), maps.names_across(first.columns)],
        "gap": maps.gap_between(first.rows, first.columns),
        "groups": {known_text(heading): members for heading, members in groups.items()},
        "meanings": {name: _meaning(first, name) for name in names},
        "maps": {name: [_plain(figure) for figure in _maps(views, name)] for name in names},
        "runs": [_run(view, scores) for view in views],
        "start": list(first.start),
        "first": FIRST if np.isfinite(first.mean(FIRST)).any() else names[0],
    }


def known_text(value: object) -> str:
    """Make text of a value; bytes of a path that are no text become question marks."""
    return str(value).encode("utf-8", "replace").decode()


def _axis(axis: Axis) -> dict[str, Any]:
    values = [f"{value:g}" for value in axis]
    return {"name": axis.name, "symbol": known_text(axis.symbol), "values": values}


def _meaning(view: RunView, name: str) -> dict[str, Any]:
    meaning = view.meanings[name]
    about = {"title": meaning.title, "text": meaning.long_name, "better": meaning.better}
    told = {key: known_text(value) for key, value in about.items()}
    return told | {"worst": rounded(np.array([meaning.worst]))[0]}


def _run(view: RunView, names: Sequence[str]) -> dict[str, Any]:
    """Gather what the panel of a model needs, for each cell."""
    lines = 3 if view.grid.seeds > 1 else 1  # mean alone, or mean, lowest, highest

    def cell(i: int, j: int) -> dict[str, Any]:
        return {
            "sentences": about_cell(view, i, j),
            "curves": {
                name: [rounded(values[i, j, :, k]) for k in range(lines)]
                for name, values in view.curves.items()
            },
            "pictures": view.pictures.get((i, j), {}),
            "live": live.of_cell(view.live, (i, j)),
            "film": film.of_cell(view.film, (i, j)),
        }

    rows, columns = view.grid.shape[:2]
    return {
        "name": known_text(view.name),
        "seeds": view.grid.seeds,
        "step": rounded(view.step),
        "steps": view.steps,
        "live": live.shared(view.live),
        "film": film.shared(view.film, len(view.moments), view.latents),
        "noFilm": known_text(view.no_film),
        "moments": rounded(view.moments),
        "course": {
            name: [[rounded(course) for course in row] for row in values]
            for name, values in view.course.items()
        },
        "training": [list(view.training[i]) for i in sorted(view.training)],
        "scores": {name: _score(view, name) for name in names},
        "theory": bool(view.theory),
        "cells": [[cell(i, j) for j in range(columns)] for i in range(rows)],
    }


def _score(view: RunView, name: str) -> dict[str, Any]:
    """Return a score's numbers, `[rows][columns]` each, and that of random networks."""
    cells = view.scores[name]
    found: dict[str, Any] = {"mean": _table(cells.mean)}
    if view.grid.seeds > 1:
        found |= {"low": _table(cells.low), "high": _table(cells.high)}
    if name in view.theory:
        found["theory"] = _table(view.theory[name])
    found["random"] = rounded(np.array([view.random.get(name, np.nan)]))[0]
    return found


def _maps(views: Sequence[RunView], name: str) -> list[Any]:
    """Draw a score of each run on one colour scale, and the difference of two."""
    rows, columns = views[0].rows, views[0].columns
    if name == REGIME:
        return [
            regimes.regime_map(v.regimes, rows, columns, v.lines, v.follows)
            for v in views
            if v.regimes is not None
        ]
    meaning, cells = views[0].meanings[name], [view.scores[name] for view in views]
    means = np.stack([c.mean for c in cells])
    limits = meaning.limits(means)
    drawn = [
        maps.heat_map(c, rows, columns, "", view.lines, limits, meaning=meaning)
        for c, view in zip(cells, views, strict=True)
    ]
    if len(views) == 2:
        nothing = np.full_like(means[0], np.nan)
        gap = means[1] - means[0]
        both = maps.Cells(gap, nothing, nothing, np.isfinite(gap).astype(int))
        figure = maps.heat_map(both, rows, columns, difference=True, meaning=meaning)
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


def _table(values: np.ndarray) -> list[list[float | None]]:
    return [rounded(row, 6) for row in np.asarray(values, float)]


def rounded(values: np.ndarray, digits: int = 4) -> list[float | None]:
    """Write numbers with few digits, None for what is not finite."""
    return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in values]
