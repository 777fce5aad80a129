"""Pages of text, tables and pictures, and the files that they become."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from biasvae_jax.drawing import own_settings
from biasvae_jax.runs.files import reporting_disk_errors, write_atomically
from experiments.pages.run import Runs
from experiments.pages.tables import Table, code, fixed
from experiments.pages.words import paragraphs

DPI = 150
LONG = 14  # rows, beyond which a table is folded away
QUICK = (
    "!!! warning\n    A quick look: short training of a few models, to see that all works. Its "
    "numbers mean nothing."
)


class Picture(NamedTuple):
    """A figure of a page, drawn when the page is written."""

    name: str
    """Of its file in `images/`, without the ending."""
    alt: str
    """What it shows, for who does not see it."""
    draw: Callable[[], Figure]
    caption: str = ""


Part = str | Table | Picture
"""A paragraph (or several, a list, a heading) in markdown, a table, a picture; "" is nothing."""


class Page(NamedTuple):
    """A page: its title, its answer in a few sentences, and what the answer rests on."""

    name: str
    """Of its file, without the ending."""
    title: str
    answer: str
    """One paragraph without links."""
    parts: Sequence[Part]

    def of(self, kind: type) -> Iterator:
        """Yield the parts of a kind."""
        return (part for part in self.parts if isinstance(part, kind))


def commands_table(name: str, runs: Runs, commands: Mapping[str, str]) -> Table:
    """Return the flags that made each run, and how long it took."""
    return Table(
        name,
        {"run": "run", "`python -m experiments.full_sweep …`": "flags", "minutes": "minutes"},
        [[each, code(commands[each]), fixed(run.minutes, 1)] for each, run in runs.items()],
    )


def publish(
    target: Path, front: Page | None, others: Iterable[Page] = (), quick: bool = False
) -> None:
    """Write a page to `target`, others to the folder named after it, with tables and pictures.

    `docs/findings.md` has its other pages as `docs/findings/NAME.md`, the CSV of every table as
    `docs/findings/NAME.csv` and pictures in `docs/images/`. Without a `front` page the others are
    written beside what is there. A `quick` look says in each page that it means nothing.
    """
    folder, images, others = target.with_suffix(""), target.parent / "images", list(others)
    files = {target: _text(front, "images/", f"{folder.name}/", "", quick)} if front else {}
    title = front.title if front else target.stem.capitalize()
    for page in others:
        back = f"*The other answers, and the words used here: [{title}](../{target.name}).*"
        files[folder / f"{page.name}.md"] = _text(page, "../images/", "", back, quick)
    whole = [front, *others] if front else others
    for page in whole:
        files |= {folder / f"{each.name}.csv": each.csv() for each in page.of(Table)}
    with reporting_disk_errors(target), own_settings():
        for path in (folder, images):
            path.mkdir(parents=True, exist_ok=True)
        for page in whole:
            for each in page.of(Picture):
                each.draw().savefig(images / f"{each.name}.png", dpi=DPI)
        for path, text in files.items():
            write_atomically(path, text.encode())


def _text(page: Page, images: str, tables: str, back: str, quick: bool) -> str:
    shown = [_shown(part, images, tables) for part in page.parts]
    warning = QUICK if quick else ""
    return paragraphs(f"# {page.title}", warning, page.answer, back, *shown) + "\n"


def _shown(part: Part, images: str, tables: str) -> str:
    if isinstance(part, Table):
        link = f"*In full: [{part.name}.csv]({tables}{part.name}.csv)*"
        return paragraphs(*_folded(part), link)
    if isinstance(part, Picture):
        caption = part.caption and f"*{part.caption}*"
        return paragraphs(f"![{part.alt}]({images}{part.name}.png)", caption)
    return part


def _folded(table: Table) -> list[str]:
    """Fold a long table away, in a way that GitHub's markdown and the site's both read."""
    if len(table.rows) <= LONG:
        return [table.markdown()]
    summary = f"<summary>Table of {len(table.rows)} rows</summary>"
    return [f'<details markdown="1">\n{summary}', table.markdown(), "</details>"]
