"""Add the field's scores to a finished run, as its `scores.nc`.

  biasvae score runs/smoke                    all but the neural ones
  biasvae score runs/smoke --scores mig dci   two of them
  biasvae score runs/smoke --scores all       these and the neural ones

The same command again goes on where it stopped. A score that is undefined for a model is left out,
and the reason is told and stored. Without --scores, all but the neural estimates
of mutual information (info_nce, mine) are computed; `--scores all` adds these.
"""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from biasvae_jax import host
from biasvae_jax.cli import common, output
from biasvae_jax.cli.runtime import start_jax
from biasvae_jax.errors import shown
from biasvae_jax.runs import directory, launchers
from biasvae_jax.runs.loading import LoadedRun, load_finished, load_run, write_table
from biasvae_jax.runs.progress import Progress, showing_progress
from biasvae_jax.runs.score_table import ScoreTable
from biasvae_jax.runs.signals import LISTENER, raise_if
from biasvae_jax.scores.base import Meaning, left_out
from biasvae_jax.scores.families import FAMILIES, NEURAL, VARIABLES, neural_bound
from biasvae_jax.scores.subject import Subject
from biasvae_jax.sweep import Sweep
from biasvae_jax.sweep.plan import make_plan, pad_models

COMMAND = "python -m experiments.score"
SAVE_SECONDS = 5.0
MOST_REASONS = 20
MOST_THREADS = 8  # more would wait for the one interpreter
THREAD_BYTES = 2**30  # what a model's images take while they are drawn and encoded
AT_ONCE = 4, 128  # models a device trains critics for between two reports, at least and at most
Asked = Mapping[str, Mapping[str, Meaning]]
"""Name of a score → its variables that the study can have."""


@dataclass(frozen=True)
class Flags:
    """What to score, and with what."""

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Directory of a finished run."""
    scores: tuple[str, ...] = ()
    """Scores to compute (none: all but the neural ones; all: these too)."""
    quiet: bool = False
    """Print errors only."""


def chosen_scores(names: Sequence[str]) -> list[str]:
    """Return the known scores asked for, in their own order; raises UsageError for others."""
    unknown = [name for name in names if name not in (*VARIABLES, "all")]
    if unknown:
        raise common.UsageError(
            f"--scores {unknown[0]} is unknown; choose from {', '.join(VARIABLES)}, or all"
        )
    wanted = VARIABLES if "all" in names else names or FAMILIES
    return [name for name in VARIABLES if name in wanted]


def main(arguments: Sequence[str], program: str = COMMAND) -> None:
    """Run the command, which help calls `program`."""
    launchers.refuse_copies()
    default = Flags(run=tyro.MISSING)
    flags = common.parse(Flags, arguments, default, program, __doc__ or "")
    names = chosen_scores(flags.scores)
    console = output.console(flags.quiet)
    load_finished(flags.run)  # before a lock is made in a directory of something else
    start_jax()
    with directory.lock_run(flags.run):
        run = load_finished(flags.run)
        table = ScoreTable(run, {k: v for each in VARIABLES.values() for k, v in each.items()})
        without = left_out(run.recipe)
        for line in told(names, without):
            console.print(line, markup=False)
        asked: Asked = {
            name: {v: m for v, m in VARIABLES[name].items() if v not in without}
            for name in names
            if name not in without
        }
        total, scored = left(table, asked), int(run.finite.sum())
        console.print(
            f"scoring {scored} finite models of {run.grid.size} in {shown(run.path)}: "
            f"{total:,} of {scored * len(asked):,} scores to compute"
        )
        seconds = {}
        for kind in (FAMILIES, NEURAL):  # apart, as what they cost differs too much for one bar
            some = {n: v for n, v in asked.items() if n in kind and table.lacks(v).any()}
            if some:
                with showing_progress(console, left(table, some)) as progress:
                    seconds |= compute(run, table, some, progress)
        write_table(load_run(flags.run))
    report(console, run, table, asked, seconds)


def told(names: Sequence[str], without: Mapping[str, str]) -> list[str]:
    """Say which scores are left out and why, a line each, and which variables of the others."""
    lines = []
    for name in names:
        parts = [name] if name in without else [v for v in VARIABLES[name] if v in without]
        for why in dict.fromkeys(without[part] for part in parts):
            those = ", ".join(part for part in parts if without[part] == why)
            lines.append(f"left out: {those} ({why})")
    return lines


def left(table: ScoreTable, asked: Asked) -> int:
    """Count the scores still to compute, over models."""
    return sum(int(table.lacks(variables).sum()) for variables in asked.values())


def compute(
    run: LoadedRun, table: ScoreTable, asked: Asked, progress: Progress
) -> dict[str, float]:
    """Compute what is missing and return each score's seconds; what is done is always stored."""
    total, seconds = left(table, asked), dict.fromkeys(asked, 0.0)
    here = saved_at = time.monotonic()
    neural = [together(run, table, name) for name in asked if name in NEURAL]
    farewell = LISTENER.farewell(f"interrupted; the same command goes on: {shown(run.path)}")
    with farewell, LISTENER.saving() as stop:
        try:
            for name in itertools.chain(side_by_side(run, table, asked), *neural):
                before, here = here, time.monotonic()
                seconds[name] += here - before
                progress.count(total - left(table, asked), name)
                if here - saved_at >= SAVE_SECONDS:
                    table.save()
                    saved_at = here
                raise_if(stop.asked)
        finally:
            table.save()
    return seconds


def side_by_side(run: LoadedRun, table: ScoreTable, asked: Asked) -> Iterator[str]:
    """Compute the scores that are not neural, a model a thread; yields a name after each batch."""
    families = [(FAMILIES[name], asked[name]) for name in asked if name in FAMILIES]
    every = [variable for _, variables in families for variable in variables]
    recipe, models = run.recipe, run.grid.models
    most = host.free_memory() // THREAD_BYTES
    size = max(1, min(host.cores(), MOST_THREADS, most))
    with ThreadPoolExecutor(size) as threads:
        for indices, params in run.stacks(table.lacks(every), size):
            subjects = {}
            for row, index in enumerate(indices):
                one, model = jax.tree.map(lambda a: a[row], (params, models[indices]))  # noqa: B023
                subjects[index] = Subject(recipe, one, int(model.seed), float(model.bias), run.data)
            for family, variables in families:
                lacking = table.lacks(variables)
                wanted = [index for index in indices if lacking[index]]
                found = threads.map(family.of, [subjects[index] for index in wanted])
                for index, values in zip(wanted, found, strict=True):
                    of = dict(zip(family.variables, values, strict=True))
                    table.put(variables, [index], [of[variable] for variable in variables])
                if wanted:
                    yield family.name


def together(run: LoadedRun, table: ScoreTable, name: str) -> Iterator[str]:
    """Compute one neural bound, several models at a time; yields its name after each batch."""
    recipe, models = run.recipe, run.grid.models
    plan = make_plan(recipe, run.grid.cells, run.grid.seeds)
    wanted = table.lacks(VARIABLES[name])
    size = min(int(wanted.sum()), plan.devices * int(np.clip(plan.width, *AT_ONCE)))
    bound = neural_bound(name, Sweep(recipe, plan))
    for index, params in run.stacks(wanted, size):
        # the last batch is filled up, so that one compiled program serves all
        some: Any = models[index]
        filled = jax.tree.map(lambda a: pad_models(a, size), (some, params))
        table.put(VARIABLES[name], index, [bound(*filled)[: len(index)]])
        yield name


def undefined(table: ScoreTable, asked: Asked) -> list[str]:
    """Say which scores are undefined, for how many models and why, a line for each reason."""
    found: dict[tuple[str, int], list[str]] = {}
    for variable in (variable for variables in asked.values() for variable in variables):
        for why, models in table.undefined(variable).items():
            found.setdefault((why, int(models.sum())), []).append(variable)
    lines = [
        f"undefined for {count:,} model{'s' if count > 1 else ''}: {', '.join(variables)} ({why})"
        for (why, count), variables in found.items()
    ]
    more = len(lines) - MOST_REASONS
    return lines[:MOST_REASONS] + ([f"and {more} more reasons in scores.nc"] if more > 0 else [])


def report(
    console: Console,
    run: LoadedRun,
    table: ScoreTable,
    asked: Asked,
    seconds: dict[str, float],
) -> None:
    """Print the range of every score asked for, and what each took."""
    rows = Table(title="Scores over the models of the run", box=SIMPLE_HEAD)
    for heading in ("score", "lowest", "median", "highest", "unit", "seconds"):
        rows.add_column(heading, justify="left" if heading == "score" else "right")
    for name, variables in asked.items():
        took = f"{seconds[name]:.0f}" if name in seconds else "–"
        for variable, meaning in variables.items():
            for label, values in table.columns(variable):
                values = values[run.finite]
                values = values[~np.isnan(values)]
                spread = ["n/a"] * 3
                if values.size:
                    spread = [f"{f(values):.3f}" for f in (np.min, np.median, np.max)]
                rows.add_row(label, *spread, meaning.units.replace("1", "–"), took)
                took = ""  # once for all variables of a score
    output.print_table(console, rows)
    for line in undefined(table, asked):
        console.print(line)
    for kind, chosen in (("", FAMILIES), ("neural ", NEURAL)):
        took = [seconds[name] for name in chosen if name in seconds]
        if took:
            console.print(f"{kind}scores took {sum(took) / 60:.1f} minutes")
    console.print(f"open xarray.open_dataset({str(run.path / 'scores.nc')!r})")
