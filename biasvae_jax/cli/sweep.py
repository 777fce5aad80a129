"""Train and score a whole study, and draw what came out.

--world, --bias, --objective and --network choose its components, whose flags --help then shows:

  --preset smoke                                  the original study, small
  --bias scale --scale 0.25 1                     another bias, at two strengths
  --objective factor --gamma 0 10                 FactorVAE
  --world table --data dsprites.npz --network conv --likelihood-variance 0.1

The same directory again with the same flags goes on where it stopped.
"""

import dataclasses
import functools
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from rich.console import Console

from biasvae_jax import waiting
from biasvae_jax.cli import common, flags, output
from biasvae_jax.cli.flags import Chosen
from biasvae_jax.cli.output import counted
from biasvae_jax.cli.runtime import describe_runtime, refuse_other_settings, start_jax
from biasvae_jax.errors import shown
from biasvae_jax.runs import directory, processes
from biasvae_jax.runs.progress import showing_progress
from biasvae_jax.runs.runner import Run
from biasvae_jax.runs.signals import LISTENER, raise_if
from biasvae_jax.study import Study, settings
from biasvae_jax.sweep import Sweep
from biasvae_jax.sweep.plan import (
    Plan,
    PlanError,
    estimate,
    free_bytes,
    gib,
    make_plan,
    plan_from_dict,
)


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


COMMAND = "python -m experiments.full_sweep"


def read_flags(arguments: Sequence[str], command: str = COMMAND) -> tuple[Chosen, Study, Execution]:
    """Read what is chosen first, then the flags of just that: (chosen, study, execution)."""
    chosen, study, execution = flags.read_flags(arguments, Execution(), command, __doc__ or "")
    if not execution.checkpoint_interval >= 0:
        raise common.UsageError("--checkpoint-interval must be ≥ 0 seconds")
    return chosen, study, execution


def main(arguments: Sequence[str], program: str = COMMAND) -> None:
    """Run the command, which help calls `program`."""
    started = time.monotonic()
    chosen, study, execution = read_flags(arguments, program)
    out = execution.out or Path("runs") / chosen.preset
    with waiting.quiet(execution.quiet):
        study = study.sealed()
        cluster = execution.coordinator, execution.num_processes, execution.process_id
        start_jax(execution.compilation_cache == "on", lambda: processes.join(*cluster))
        with processes.noticing_loss():
            _sweep(study, execution, out, started, chosen.used)


def _sweep(
    study: Study, execution: Execution, out: Path, started: float, used: Sequence[Path]
) -> None:
    from biasvae_jax.cli import finished  # here, for what draws is slow to import

    quiet = execution.quiet or not processes.is_first()
    console = output.console(quiet)
    for file in used:
        console.print(f"components of your own are used from {shown(file)}")
    processes.agree(_decisions(study, execution))
    resuming = processes.on_first(lambda: directory.check_run(out, study)) or False
    if processes.gather(resuming and directory.is_finished(out))[0]:
        if execution.dry_run:
            console.print(f"{shown(out)} is finished: nothing is left to train")
        else:
            processes.on_first(lambda: finished.show_again(console, out, study))
        return
    processes.on_first(lambda: refuse_other_settings(out, directory.read_description(out)))
    study = processes.on_first(lambda: directory.stored_or(out, study)) or study
    plan = _choose_plan(out, study, execution)
    _announce(console, study, plan, out, resuming)
    if execution.dry_run:
        return
    with ExitStack() as stack:

        def open_run() -> None:
            stack.enter_context(directory.lock_run(out))
            directory.open_run(out, study, {"plan": dataclasses.asdict(plan), **describe_runtime()})
            directory.keep_group(out, plan.group)
            directory.keep_place(out, study)

        processes.on_first(open_run)
        total = study.grid.size * study.training.steps
        progress = stack.enter_context(showing_progress(console, total))
        sweep = Sweep(study.recipe, plan)
        run = Run(out, study, sweep, execution.checkpoint_interval, progress)
        farewell = f"interrupted; saved. The same command goes on: {shown(out)}"
        stack.enter_context(LISTENER.farewell(farewell if processes.is_first() else ""))
        if jax.process_count() > 1:  # a signal to one is noted, so that all end together
            stack.enter_context(LISTENER.saving())
        run.execute()
        progress.note("writing report.html and figures")
        processes.on_first(lambda: finished.present(out))
        raise_if(processes.gather(LISTENER.asked).max())
    processes.on_first(lambda: finished.print_summary(console, out, time.monotonic() - started))


def _decisions(study: Study, execution: Execution) -> dict[str, Any]:
    """Everything that a process decides for itself and that all must decide alike."""
    runtime = describe_runtime()
    alike = {name: getattr(execution, name) for name in (*directory.PLAN, "dry_run")}
    platform = {"platform": jax.devices()[0].platform}
    decided = {name: str(value) for name, value in settings(study).items()}
    return decided | alike | runtime["versions"] | runtime["settings"] | platform


def _choose_plan(out: Path, study: Study, execution: Execution) -> Plan:
    """Take the plan of the first start, so that a resumed run is the same bit for bit.

    Its group stays whatever the flags say, since finished groups are stored by number; its
    devices and width are given up where there are fewer devices or less memory now. Process 0's
    plan is everyone's, made for the host with the least memory.
    """
    memory = int(processes.gather(free_bytes() // 2**20).min()) * 2**20
    wanted = {name: getattr(execution, name) for name in directory.PLAN}
    recipe, cells = study.recipe, study.grid.cells

    def choose() -> Plan:
        make = functools.partial(make_plan, recipe, cells, study.seeds, **wanted, memory=memory)
        stored = directory.stored_plan(out)
        if stored is None:
            return make()
        try:
            return make(first=plan_from_dict(stored))
        except PlanError:
            if directory.holds_models(out):
                raise
            return make()  # nothing is stored in its groups yet

    plan = processes.on_first(choose)
    numbers = dataclasses.astuple(plan) if plan else (0,) * len(directory.PLAN)
    return Plan(*processes.share(np.array(numbers)).tolist())


def _announce(console: Console, study: Study, plan: Plan, out: Path, resuming: bool) -> None:
    grid, steps = study.grid, study.training.steps
    memory, seconds = estimate(plan, study.recipe, grid.size, grid.seeds, steps)
    verb = "going on with" if resuming else "training"
    console.print(
        f"{verb} {counted(grid.size, 'model')} ({grid.bias.symbol} × {grid.strength.symbol} × "
        f"seed: {len(grid.bias)} × {len(grid.strength)} × {grid.seeds}) "
        f"for {counted(steps, 'step')} in {shown(out)}\n"
        f"loss {study.objective.stated(study.sigma2)}, in nats\n"
        f"plan: {counted(plan.devices, 'device')}, {counted(plan.group, 'model')} in memory "
        f"together, {plan.width} vmapped on a device, chunks of {counted(plan.chunk, 'step')}; "
        f"estimated {gib(memory)} and {counted(max(1, round(seconds / 60)), 'minute')} of training"
    )
