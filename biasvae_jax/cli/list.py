"""List the runs in a folder: what each is of, how far it is, and its best scores.

  biasvae list                                         those below runs/
  biasvae list runs/findings --where objective=factor  those of FactorVAE
  biasvae list --where training_images=300 beta=4      of 300 images, with a β of 4

A folder that is damaged, or something else's, has a line that says so.
"""

import difflib
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import tyro
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from biasvae_jax.cli import common, output
from biasvae_jax.cli.output import counted
from biasvae_jax.components import ROLES
from biasvae_jax.errors import UsageError, shown
from biasvae_jax.runs.catalogue import Best, Entry, read_entry, run_folders
from biasvae_jax.runs.files import StorageError
from biasvae_jax.runs.lock import RunDirectoryError

SCORES = {"recovery_r2": "best recovery R²", "generation_mse": "lowest generation error"}
TOLD = (*ROLES, "seeds", "steps", "training_images", "data")
"""Settings that have a place of their own, or that are no matter of the study."""


@dataclass(frozen=True)
class Flags:
    """Which runs."""

    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FOLDER")] = Path("runs")
    """Folder below which runs are looked for."""
    where: tuple[str, ...] = ()
    """Only runs with all these settings, as NAME=VALUE. Names are those of the flags of `biasvae
    sweep`; of a list, such as beta, one value is enough."""


class Row(NamedTuple):
    """What is told of a run, in the order of telling."""

    name: str
    state: str
    study: str
    grid: str
    training: str
    scores: tuple[str, ...]
    settings: str


def main(arguments: Sequence[str], program: str) -> None:
    """Run the command, which help calls `program`."""
    flags = common.parse(Flags, arguments, Flags(), program, __doc__ or "")
    wanted = [condition(each) for each in flags.where]
    if not flags.folder.is_dir():
        raise UsageError(f"{flags.folder} is no folder; name one with runs below it")
    console = output.console()
    entries, others = read(flags.folder)
    for name, value in wanted:
        refuse_unknown(f"--where {name}={value}", name, entries)
    chosen = [e for e in entries if all(has(e.settings, *each) for each in wanted)]
    if chosen:
        show(console, rows(chosen))
    else:
        those = f" with {' '.join(flags.where)}" if wanted and entries else ""
        console.print(f"no run below {shown(flags.folder)}{those}")
    for line in others:
        console.print(shown(line))


def read(folder: Path) -> tuple[list[Entry], list[str]]:
    """Read the runs below a folder: (the entries, a line for each that cannot be read)."""
    entries, others = [], []
    for path in run_folders(folder):
        try:
            entries.append(read_entry(path))
        except (RunDirectoryError, StorageError) as error:
            others.append(str(error))
    return entries, others


# Filtering ---------------------------------------------------------------------------------------


def condition(text: str) -> tuple[str, str]:
    """Read NAME=VALUE; raises UsageError."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"--where takes NAME=VALUE, such as objective=factor; got {text}")
    return name.lstrip("-").replace("-", "_"), value


def refuse_unknown(words: str, name: str, entries: Sequence[Entry]) -> None:
    """Raise UsageError if there are runs, and none has a setting of this name."""
    names = sorted({known for entry in entries for known in entry.settings})
    if names and name not in names:
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"they have {', '.join(names)}"
        raise UsageError(f"{words}: no run here has such a setting; {hint}")


def has(settings: Mapping[str, Any], name: str, value: str) -> bool:
    """Tell whether a setting has a value, or holds it, if it is a list."""
    stored = settings.get(name)
    return name in settings and any(
        _is(each, value) for each in (stored if isinstance(stored, list) else [stored])
    )


def _is(stored: Any, value: str) -> bool:
    if isinstance(stored, int | float) and not isinstance(stored, bool):
        try:
            return float(value) == stored
        except ValueError:
            return False
    return str(stored).lower() == value.lower()


# Showing -----------------------------------------------------------------------------------------


def rows(entries: Sequence[Entry]) -> list[Row]:
    """Word the entries; settings that not all of them share are told too."""
    differing = _differing(entries)
    return [
        Row(
            name=shown(entry.path),
            state=_state(entry),
            study=" × ".join(str(entry.settings[role]) for role in ROLES),
            grid=_grid(entry),
            training=_training(entry.settings),
            scores=tuple(_best(entry.best[name]) if name in entry.best else "" for name in SCORES),
            settings=" ".join(f"{name}={_text(entry.settings[name])}" for name in differing),
        )
        for entry in entries
    ]


def _grid(entry: Entry) -> str:
    axes = [
        f"{len(v)} {name} ({min(v):g}{f' to {max(v):g}' if len(v) > 1 else ''})"
        for name, v in entry.axes.items()
    ]
    return " × ".join([*axes, counted(int(entry.settings["seeds"]), "seed")])


def _state(entry: Entry) -> str:
    if entry.finished:
        return "finished"
    return "trained, not scored" if entry.share == 1 else f"{int(100 * entry.share)} % trained"


def _training(settings: Mapping[str, Any]) -> str:
    images = settings.get("training_images")
    data = "fresh images" if images is None else counted(images, "image")
    return f"{counted(settings['steps'], 'step')}, {data}"


def _best(best: Best) -> str:
    place = ", ".join(f"{name} {value:g}" for name, value in best.cell.items())
    return f"{best.value:.3g} at {place}"


def _differing(entries: Sequence[Entry]) -> list[str]:
    """Return the settings that every entry has and in which not all are the same."""
    first, *others = entries
    told = {*TOLD, *(axis for entry in entries for axis in entry.axes)}
    names = [n for n in first.settings if n not in told and all(n in o.settings for o in others)]
    return [n for n in names if any(o.settings[n] != first.settings[n] for o in others)]


def _text(value: Any) -> str:
    return ",".join(map(_text, value)) if isinstance(value, list) else str(value)


def show(console: Console, told: Sequence[Row]) -> None:
    """Print a line a run; on a terminal too narrow for it, a few short lines a run."""
    headings = {"run": [row.name for row in told], "state": [row.state for row in told]}
    headings |= {"study": [r.study for r in told], "grid": [r.grid for r in told]}
    headings |= {"training": [row.training for row in told]}
    headings |= {text: [row.scores[i] for row in told] for i, text in enumerate(SCORES.values())}
    headings |= {"other settings": [row.settings for row in told]}
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    columns = {heading: cells for heading, cells in headings.items() if any(cells)}
    for heading in columns:
        table.add_column(heading, no_wrap=True)
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    needed = Measurement.get(console, console.options.update(width=1_000), table).maximum
    if not console.is_terminal or needed <= console.width:
        output.print_table(console, table)
        return
    for row in told:
        console.print(row.name)
        best = [f"{text} {each}" for text, each in zip(SCORES.values(), row.scores, strict=True)]
        best = [text for text, each in zip(best, row.scores, strict=True) if each]
        lines = [f"{row.state}: {row.study}", f"{row.grid}, {row.training}", *best, row.settings]
        for line in filter(None, lines):
            wrapped = textwrap.wrap(line, console.width - 2, break_long_words=False)
            console.print(textwrap.indent("\n".join(wrapped), "  "))
