"""Train and score the whole grid of β-VAEs, and draw what came out.

The same directory again with the same flags goes on where it stopped.
"""

import argparse
import dataclasses
import functools
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from rich.console import Console

from biasvae_jax import storage
from biasvae_jax.config import PRESETS, Config
from biasvae_jax.loading import load_run
from biasvae_jax.plan import Plan, PlanError, estimate, free_bytes, gib, make_plan, plan_from_dict
from biasvae_jax.sweep import Sweep
from biasvae_jax.training import Recipe
from experiments import cli, output, processes
from experiments.output import counted, shown
from experiments.pictures import write_figures
from experiments.progress import showing_progress
from experiments.report import write_report
from experiments.runner import Run
from experiments.runtime import describe_runtime, refuse_other_settings, start_jax
from experiments.signals import LISTENER, raise_if
from experiments.summary import print_summary


@dataclass(frozen=True)
class Execution:
    """How it is computed; nothing here changes a result beyond float rounding."""

    out: Path | None = None
    """Run directory (None: runs/<preset>)."""
    checkpoint_interval: float = 60.0
    """Seconds between checkpoints, or fifty times as long as one takes (0: at every chunk)."""
    quiet: bool = False
    """Print errors only."""
    dry_run: bool = False
    """Print the plan with its estimated memory and time, and stop."""
    devices: int | None = None
    """Devices to use (None: all; on a CPU, one for each core)."""
    group: int | None = None
    """Models in memory together (None: as many as fit)."""
    width: int | None = None
    """Models vmapped together on a device (None: 1 on a CPU, else all of the group)."""
    chunk: int | None = None
    """Steps between two returns to Python (None: about 2 seconds' worth)."""
    coordinator: str | None = None
    """HOST:PORT of process 0, for a sweep on several hosts (None: alone, or as SLURM, a TPU pod
    or Open MPI say)."""
    num_processes: int | None = None
    """Number of processes, with --coordinator."""
    process_id: int | None = None
    """Which of them this is, from 0."""
    compilation_cache: Literal["on", "off"] = "on"
    """Keep compiled programs in the user's cache directory."""


@dataclass(frozen=True)
class Flags:
    """All flags; a preset gives the defaults of the config's."""

    preset: Literal["blog", "annealed", "smoke"] = "blog"
    """Protocol whose values the other flags override."""
    config: Config = field(default_factory=Config)
    execution: Execution = field(default_factory=Execution)


def read_flags(arguments: Sequence[str]) -> Flags:
    """Read the preset first, then every flag over its values."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    first.add_argument("--preset", nargs="?", default="blog")
    preset = first.parse_known_args(arguments)[0].preset
    default = Flags(config=PRESETS.get(preset, PRESETS["blog"])())
    command = "python -m experiments.full_sweep"
    flags = cli.parse(Flags, arguments, default, command, __doc__ or "")
    if not flags.execution.checkpoint_interval >= 0:
        raise cli.UsageError("--checkpoint-interval must be ≥ 0 seconds")
    return flags


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    started = time.monotonic()
    flags = read_flags(arguments)
    config, execution = flags.config, flags.execution
    out = execution.out or Path("runs") / flags.preset
    flags = execution.coordinator, execution.num_processes, execution.process_id
    start_jax(execution.compilation_cache == "on", lambda: processes.join(*flags))
    with processes.noticing_loss():
        _sweep(config, execution, out, started)


def _sweep(config: Config, execution: Execution, out: Path, started: float) -> None:
    quiet = execution.quiet or not processes.is_first()
    console = output.console(quiet)
    processes.agree(_decisions(config, execution))
    resuming = processes.on_first(lambda: storage.check_run(out, config)) or False
    if processes.gather(resuming and storage.is_finished(out))[0]:
        if execution.dry_run:
            console.print(f"{shown(out)} is finished: nothing is left to train")
        else:
            processes.on_first(lambda: print_summary(console, out, None))
        return
    processes.on_first(lambda: refuse_other_settings(out, storage.read_description(out)))
    recipe = Recipe.from_config(config)
    plan = _choose_plan(out, config, execution, recipe)
    _announce(console, config, plan, recipe, out, resuming)
    if execution.dry_run:
        return
    with ExitStack() as stack:

        def open_run() -> None:
            stack.enter_context(storage.lock_run(out))
            storage.open_run(out, config, {"plan": dataclasses.asdict(plan), **describe_runtime()})
            storage.keep_group(out, plan.group)

        processes.on_first(open_run)
        progress = stack.enter_context(showing_progress(console, config.models * config.steps))
        run = Run(out, config, Sweep(recipe, plan), execution.checkpoint_interval, progress)
        farewell = f"interrupted; saved. The same command goes on: {shown(out)}"
        stack.enter_context(LISTENER.farewell(farewell if processes.is_first() else ""))
        if jax.process_count() > 1:  # a signal to one is noted, so that all end together
            stack.enter_context(LISTENER.saving())
        run.execute()
        progress.note("writing report.html and figures")
        processes.on_first(lambda: _present(out))
        raise_if(processes.gather(LISTENER.asked).max())
    processes.on_first(lambda: print_summary(console, out, time.monotonic() - started))


def _present(out: Path) -> None:
    """Write the report, then the figures, which end a run."""
    run = load_run(out)
    write_report(run)
    write_figures(run)


def _decisions(config: Config, execution: Execution) -> dict[str, Any]:
    """Everything that a process decides for itself and that all must decide alike."""
    runtime = describe_runtime()
    alike = {name: getattr(execution, name) for name in (*storage.PLAN, "dry_run")}
    platform = {"platform": jax.devices()[0].platform}
    return dataclasses.asdict(config) | alike | runtime["versions"] | runtime["settings"] | platform


def _choose_plan(out: Path, config: Config, execution: Execution, recipe: Recipe) -> Plan:
    """Take the plan of the first start, so that a resumed run is the same bit for bit.

    Its group stays whatever the flags say, since finished groups are stored by number; its
    devices and width are given up where there are fewer devices or less memory now. Process 0's
    plan is everyone's, made for the host with the least memory.
    """
    memory = int(processes.gather(free_bytes() // 2**20).min()) * 2**20
    wanted = {name: getattr(execution, name) for name in storage.PLAN}
    cells = len(config.mu) * len(config.beta)

    def choose() -> Plan:
        make = functools.partial(make_plan, recipe, cells, config.seeds, **wanted, memory=memory)
        stored = storage.stored_plan(out)
        if stored is None:
            return make()
        try:
            return make(first=plan_from_dict(stored))
        except PlanError:
            if storage.holds_models(out):
                raise
            return make()  # nothing is stored in its groups yet

    plan = processes.on_first(choose)
    numbers = dataclasses.astuple(plan) if plan else (0,) * len(storage.PLAN)
    return Plan(*processes.share(np.array(numbers)).tolist())


def _announce(
    console: Console, config: Config, plan: Plan, recipe: Recipe, out: Path, resuming: bool
) -> None:
    memory, seconds = estimate(plan, recipe, config.models, config.seeds, config.steps)
    verb = "going on with" if resuming else "training"
    console.print(
        f"{verb} {counted(config.models, 'model')} (μ × β × seed: {len(config.mu)} × "
        f"{len(config.beta)} × {config.seeds}) "
        f"for {counted(config.steps, 'step')} in {shown(out)}\n"
        f"loss ½‖x − x̂‖²/σ² + β·KL with σ² = {config.sigma2:g}, in nats\n"
        f"plan: {counted(plan.devices, 'device')}, {counted(plan.group, 'model')} in memory "
        f"together, {plan.width} vmapped on a device, chunks of {counted(plan.chunk, 'step')}; "
        f"estimated {gib(memory)} and {counted(max(1, round(seconds / 60)), 'minute')} of training"
    )


if __name__ == "__main__":
    cli.run(main)
