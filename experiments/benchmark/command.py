"""Time a training step beside PyTorch and plain JAX, interleaved in one run, as ratios.

Each contestant has a process of its own, kept alive; repetitions go round all of them in turn, so
that a slow minute of the machine slows every one.
"""

import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from biasvae_jax import host
from biasvae_jax.cli import common, output
from biasvae_jax.cli.runtime import describe_runtime
from biasvae_jax.components import find_kind
from biasvae_jax.config import Config
from biasvae_jax.drawing import own_settings
from biasvae_jax.errors import shown
from biasvae_jax.presets import STUDIES
from biasvae_jax.runs import launchers
from biasvae_jax.runs.signals import LISTENER
from biasvae_jax.study import Study
from biasvae_jax.sweep.plan import Costs
from biasvae_jax.training import Recipe
from experiments.benchmark.contestants import CONTESTANTS, FLOOR, OBJECTIVES, TITLES, reference

LOSS_TOLERANCE = 1e-4
MODELS = 121
SCALES = (1, 11, 121, 1331)


@dataclass(frozen=True)
class Flags:
    """What is measured."""

    batch_size: tuple[int, ...] = (64, 256)
    """Batch sizes to compare the contestants at."""
    repetitions: int = 5
    """Rounds over all contestants."""
    quick: bool = False
    """One batch size, two rounds, small scales: to see that it works."""
    out: Path = Path("runs/benchmark")
    """Directory for benchmark.json and benchmark.png."""


class Worker:
    """A contestant in its own process."""

    def __init__(self, name: str, models: int, batch_size: int, given: Path, cores: int = 0):
        command = [sys.executable, "-m", "experiments.benchmark.contestants", name]
        command += [str(models), str(batch_size), str(cores), str(given)]
        pipe = subprocess.PIPE
        # several processes share a GPU, so none may take most of its memory at the start
        room = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=room)
        self.name = name
        self.work = int(self._answer())

    def ask(self, question: str) -> float:
        """Ask for `run` (seconds) or `loss` (nats)."""
        assert self._process.stdin is not None
        print(question, file=self._process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise ChildProcessError(f"{self.name} ended early; its own message says why")
        return answer

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def time_in_turn(workers: Sequence[Worker], repetitions: int) -> np.ndarray:
    """Time all workers round after round: µs for a unit of work, `[repetitions, workers]`."""
    rounds = [[w.ask("run") / w.work * 1e6 for w in workers] for _ in range(repetitions)]
    return np.array(rounds)


def compare(batch_size: int, names: Sequence[str], repetitions: int) -> dict:
    """Time contestants and the floor at one batch size, after checking that they agree."""
    config = Config(batch_size=batch_size)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        given = Path(folder) / "reference.npz"
        np.savez(given, allow_pickle=False, **reference(config))
        everyone = (*names, *FLOOR)
        workers = [
            stack.enter_context(Worker(name, MODELS, batch_size, given)) for name in everyone
        ]
        losses = {w.name: w.ask("loss") for w in workers if w.name in names}
        expected = losses["ours"]
        for name, loss in losses.items():
            if not abs(loss - expected) <= LOSS_TOLERANCE * abs(expected):
                raise ChildProcessError(f"{name} computes the loss {loss}, ours is {expected}")
        times = dict(zip(everyone, time_in_turn(workers, repetitions).T, strict=True))
    costs = Costs.of(Recipe.from_config(config))
    flops = 1 / median(times["matrix_product"]) * 1e6
    row = lambda t: {  # noqa: E731
        "us": median(t),
        "least": min(t),
        "most": max(t),
        "ratio": median(t / times["ours"]),
        "share": median(costs.flops / t * times["matrix_product"]),
    }
    return {
        "batch_size": batch_size,
        "loss": expected,
        "flop": costs.flops,
        # Adam reads and writes parameters and moments, the gradient is written and read
        "bytes": 8 * costs.resident // 3 + costs.noise,
        "matrix_product_gflops": flops / 1e9,
        "copy_gb_per_s": 1 / median(times["copy"]) * 1e6 / 1e9,
        "contestants": {name: row(times[name]) for name in names},
    }


def scale(scales: Sequence[int], repetitions: int) -> dict:
    """Time ours for several grid sizes, and on one core against all, in turn."""
    with ExitStack() as stack:
        nothing = Path(os.devnull)
        start = lambda *a: stack.enter_context(Worker("ours", *a))  # noqa: E731
        workers = [start(models, 64, nothing) for models in scales]
        if can_pin():
            workers.append(start(MODELS, 64, nothing, 1))
        times = time_in_turn(workers, repetitions)
    base = times[:, list(scales).index(MODELS)]
    by_models = {
        str(models): {"us": median(t), "ratio": median(t / base)}
        for models, t in zip(scales, times.T, strict=False)
    }
    one_core = {"one_core_ratio": median(times[:, -1] / base)} if can_pin() else {}
    return {"models": by_models, "cores": host.cores(), **one_core}


def objectives(repetitions: int, peers: bool) -> dict:
    """Time objectives with more to compute, in turn: ours, and where there is one PyTorch's way.

    `share` is a step's time over the β-ELBO's, divided by its products over the β-ELBO's.
    """
    kinds = {"β-ELBO": "beta_elbo", "β-TCVAE": "beta_tc", "FactorVAE": "factor"}
    recipe = Recipe.from_config(Config())
    flops = {
        name: Costs.of(dataclasses.replace(recipe, objective=find_kind("objective", kind)())).flops
        for name, kind in kinds.items()
    }
    names = {f.__name__: name for name, pair in OBJECTIVES.items() for f in pair[: 1 + peers]}
    with ExitStack() as stack:
        nothing = Path(os.devnull)
        workers = [stack.enter_context(Worker(name, MODELS, 64, nothing)) for name in names]
        times = dict(zip(names, time_in_turn(workers, repetitions).T, strict=True))
    found = {}
    for name, (own, peer) in OBJECTIVES.items():
        ratio = median(times[own.__name__] / times["ours"])
        found[name] = {"us": median(times[own.__name__]), "ratio": ratio}
        found[name]["share"] = ratio * flops["β-ELBO"] / flops[name]
        if peers:
            found[name]["peer"] = median(times[peer.__name__] / times[own.__name__])
    return found


def convolution(repetitions: int) -> dict:
    """Time the preset `faces`, and what share of the product rate it reaches."""
    study = STUDIES["faces"]()
    assert isinstance(study, Study)
    costs, names = Costs.of(study.recipe), ("ours_faces", "matrix_product")
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(n, MODELS, 64, Path(os.devnull))) for n in names]
        step, product = time_in_turn(workers, repetitions).T
    return {
        "batch_size": study.training.batch_size,
        "flop": costs.flops,
        "us": median(step),
        "share": median(costs.flops / step * product),
    }


def show_objectives(console: Console, result: dict) -> None:
    """Print what objectives cost."""
    table = Table(title=f"ours, batch 64, {MODELS} models: objectives", box=SIMPLE_HEAD)
    headings = ("objective", "µs", "× β-ELBO", "of its products' share", "PyTorch eager × ours")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "objective" else "right")
    for name, row in result.items():
        peer = f"{row['peer']:.2f}" if "peer" in row else "n/a"
        numbers = f"{row['us']:.0f}", f"{row['ratio']:.2f}", f"{row['share']:.2f}"
        table.add_row(name, *numbers, peer)
    output.print_table(console, table)


def can_pin() -> bool:
    """Tell whether a process can be pinned to one core, and there is another."""
    return hasattr(os, "sched_setaffinity") and host.cores() > 1


def machine() -> dict:
    """Describe what it ran on."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((li.split(":")[1].strip() for li in lines if li.startswith("model name")), cpu)
    found = {"cpu": cpu, "cores": host.cores(), **describe_runtime()}
    if importlib.util.find_spec("torch"):
        found["versions"]["torch"] = importlib.metadata.version("torch")
    return found


def show(console: Console, result: dict) -> None:
    """Print one comparison as a table."""
    title = (
        f"batch {result['batch_size']}, {MODELS} models: {result['flop'] / 1e6:.1f} MFLOP and "
        f"{result['bytes'] / 1e6:.1f} MB a step; the machine does "
        f"{result['matrix_product_gflops']:.0f} GFLOP/s in a matrix product, copies "
        f"{result['copy_gb_per_s']:.0f} GB/s"
    )
    table = Table(title=title, box=SIMPLE_HEAD)
    for heading in ("contestant", "µs a model-step", "least–most", "× ours", "of the product rate"):
        table.add_column(heading, justify="left" if heading == "contestant" else "right")
    for name, row in result["contestants"].items():
        table.add_row(
            TITLES[name],
            f"{row['us']:.0f}",
            f"{row['least']:.0f}–{row['most']:.0f}",
            f"{row['ratio']:.2f}",
            f"{row['share']:.0%}",
        )
    output.print_table(console, table)


def show_scaling(console: Console, result: dict) -> None:
    """Print the scaling table."""
    table = Table(title="ours, batch 64: cost of a model-step", box=SIMPLE_HEAD)
    for heading in ("models", "µs", f"× {MODELS} models"):
        table.add_column(heading, justify="right")
    for models, row in result["models"].items():
        table.add_row(models, f"{row['us']:.0f}", f"{row['ratio']:.2f}")
    output.print_table(console, table)
    if "one_core_ratio" in result:
        console.print(
            f"one core takes {result['one_core_ratio']:.2f} × the time of {result['cores']} cores"
        )


def draw(results: Sequence[dict]) -> Figure:
    """Draw µs a model-step of each contestant as bars, a panel for each batch size."""
    figure = Figure(figsize=(7 * len(results), 3.4), layout="constrained")
    figure.suptitle("Training a grid of β-VAEs: time of one step of one model")
    panels = figure.subplots(1, len(results), squeeze=False)[0]
    for axes, result in zip(panels, results, strict=True):
        rows = result["contestants"]
        names = list(rows)[::-1]
        times = [rows[name]["us"] for name in names]
        colours = ["#D55E00" if name == "ours" else "#56B4E9" for name in names]
        bars = axes.barh([TITLES[name] for name in names], times, color=colours)
        labels = [f"{rows[name]['us']:.0f} µs, {rows[name]['ratio']:.1f} ×" for name in names]
        axes.bar_label(bars, labels, padding=3, fontsize=9)
        axes.set(xlabel="µs a model-step (less is better)", xlim=(0, 1.35 * max(times)))
        axes.set_title(f"batch {result['batch_size']}", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    launchers.refuse_copies()
    flags = common.parse(
        Flags, arguments, Flags(), "python -m experiments.benchmark", __doc__ or ""
    )
    if flags.quick:
        flags = dataclasses.replace(flags, batch_size=flags.batch_size[:1], repetitions=2)
    if flags.repetitions < 1 or not flags.batch_size or min(flags.batch_size) < 1:
        raise common.UsageError("--repetitions and --batch-size must be whole numbers ≥ 1")
    console = output.console()
    names = list(CONTESTANTS)
    if not importlib.util.find_spec("torch"):
        console.print(
            "PyTorch is not installed, its contestants are left out: pip install -e '.[bench]'",
            markup=False,
        )
        names = [name for name in names if not name.startswith("torch")]
    found = machine()
    console.print(json.dumps(found))
    flags.out.mkdir(parents=True, exist_ok=True)
    results = []
    with LISTENER.raising():  # the contestants are processes, to be ended too
        for batch_size in flags.batch_size:
            results.append(compare(batch_size, names, flags.repetitions))
            show(console, results[-1])
        scaling = scale(SCALES[:3] if flags.quick else SCALES, flags.repetitions)
        cost = objectives(flags.repetitions, "torch_eager" in names)
        faces = convolution(flags.repetitions)
    show_scaling(console, scaling)
    show_objectives(console, cost)
    console.print(
        f"faces, convolution, batch {faces['batch_size']}: {faces['us'] / 1e3:.1f} ms a "
        f"model-step, {faces['flop'] / 1e9:.2f} GFLOP, {faces['share']:.0%} of the product rate"
    )
    report = {"machine": found, "comparisons": results, "scaling": scaling, "objectives": cost}
    report["convolution"] = faces
    (flags.out / "benchmark.json").write_text(json.dumps(report, indent=2))
    with own_settings():
        draw(results).savefig(flags.out / "benchmark.png", dpi=130)
    files = [shown(flags.out / name) for name in ("benchmark.png", "benchmark.json")]
    console.print(f"open {files[0]}, or {files[1]}")


if __name__ == "__main__":
    common.run(main)
