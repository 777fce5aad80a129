"""One self-contained page from one run or several: maps, panels and tables that open offline.

Plotly's script (compressed, 2 MB), the pictures and the numbers are all in it. A content security
policy allows nothing else: no request, and no script but these two, whatever names a run brings.
"""

import base64
import functools
import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from biasvae_jax.meaning import GROUPS
from biasvae_jax.report import maps
from biasvae_jax.report.comparing import best_of_each
from biasvae_jax.report.data import REGIME, known_text, page_data
from biasvae_jax.report.links import linked
from biasvae_jax.report.regimes import legend
from biasvae_jax.report.sentences import about_pair, about_run, headline
from biasvae_jax.report.settings import differing
from biasvae_jax.report.view import PICTURES, TRAVERSED, RunView
from biasvae_jax.statistics.regimes import counts_in_words

HIDDEN = ("finite",)  # told in a sentence, no map
SCRIPT = (
    *("unpack", "state", "maps", "scatter", "panels", "curves"),
    *("decoder", "seen", "live", "matrix", "film", "time", "csv", "address", "print", "start"),
)
"""Files of `script/` in the order in which they are joined, within one function."""


def page(views: Sequence[RunView]) -> str:
    """Write the page of one run, or of several beside each other; of two, with the difference map.

    Several runs must share their axes (`experiments.report` cuts them to the cells they share).
    """
    first = views[0]
    names = [n for n in first.scores if n not in HIDDEN and all(n in v.scores for v in views)]
    if all(view.regimes is not None and REGIME in view.meanings for view in views):
        names.append(REGIME)
    groups = _groups(first, names)
    names = [name for members in groups.values() for name in members]
    titles = [view.name for view in views] if len(views) > 1 else [""]
    if len(views) == 2:
        titles.append(f"{views[1].name} minus {first.name}")
    script, (plotly, digest) = _script(), _plotly()
    return _template().render(
        policy=Markup(
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            f"script-src {digest} {_digest(script)}"
        ),
        views=views,
        first=first,
        several=len(views) > 1,
        alike=all(view.training == first.training for view in views),
        headlines=[headline(view) for view in views],
        summaries=[about_run(view, len(views) > 1) for view in views],
        settings=differing([view.stored for view in views]),
        best=best_of_each(views, [n for n in names if n != REGIME]) if len(views) > 1 else [],
        difference=about_pair(*views) if len(views) == 2 else [],
        thin=any(v.lines is not None and v.lines.shape[1] > 1 for v in views),
        thresholds=list(dict.fromkeys(v.threshold for v in views if v.boundary is not None)),
        kinds=list(dict.fromkeys(view.models for view in views)),
        titles=titles,
        groups=groups,
        names=names,
        meanings=first.meanings,
        legend=_legend(views) if REGIME in names else [],
        captions=PICTURES,
        traversed=TRAVERSED,
        headings=_headings,
        cell=_cell,
        linked=lambda sentence: linked(known_text(sentence), first.rows, first.columns),
        data=Markup(_json(page_data(views, groups))),
        styles=Markup(_resource("page.css")),
        plotly=Markup(plotly),
        script=Markup(script),
    )


def _template() -> jinja2.Template:
    """Read the page's template; whatever is put into it is escaped, unless it is Markup."""
    environment = jinja2.Environment(
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else known_text(value),
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
    return f'"use strict";\n(async () => {{\n{parts}}})();\n'


@functools.cache
def _plotly() -> tuple[str, str]:
    """Return plotly's script, compressed and as base64, and the digest of what it unpacks to."""
    script = get_plotlyjs()
    return base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode(), _digest(script)


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _json(value: Any) -> str:
    """Write JSON that cannot end the script element it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _groups(view: RunView, names: Iterable[str]) -> dict[str, list[str]]:
    """Sort variables by the heading of their group, groups in the order of telling."""
    found: dict[str, list[str]] = {heading: [] for heading in GROUPS.values()}
    for name in names:
        group = view.meanings[name].group
        found.setdefault(GROUPS.get(group, group or "Others"), []).append(name)
    return {heading: members for heading, members in found.items() if members}


def _legend(views: Sequence[RunView]) -> list[Any]:
    entries = [
        entry
        for view in views
        if view.regimes is not None
        for entry in legend(view.regimes, view.columns.symbol, view.follows)
    ]
    return list(dict.fromkeys(entries))


def _headings(view: RunView) -> list[str]:
    """Name the columns of a model's table, in the order in which the script fills them."""
    seeds = ["mean of seeds", "95 % interval"] if view.grid.seeds > 1 else ["this model"]
    return ["score", *seeds, "random networks", *(["linear theory"] if view.theory else [])]


def _cell(view: RunView, name: str, i: int, j: int) -> str:
    """Write a cell of a score's table."""
    if name == REGIME and view.regimes is not None:
        return counts_in_words(view.regimes[i, j], view.columns.symbol, view.follows)
    return maps.number(float(view.scores[name].mean[i, j]))
