"""Time a training step beside PyTorch and plain JAX, interleaved in one run, as ratios.

Each contestant has a process of its own, kept alive; repetitions go round all of them in turn, so
that a slow minute of the machine slows every one.
"""

import dataclasses
import importlib.util
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biasvae_jax import host
from biasvae_jax.cli import common, output
from biasvae_jax.cli.runtime import describe_runtime
from biasvae_jax.drawing import own_settings
from biasvae_jax.errors import shown
from biasvae_jax.runs import launchers
from biasvae_jax.runs.signals import LISTENER
from biasvae_jax.versions import version
from experiments.benchmark import measures, show
from experiments.benchmark.settings import QUICK, Extent, Part, Setting


@dataclass(frozen=True)
class Flags:
    """What is measured."""

    parts: tuple[Part, ...] = ()
    """Beside other ways; by size of the grid; other objectives; the convolution; rows of a file
    against fresh images; a whole small command; a whole large one (none named: all, or the first
    two with --quick)."""
    batch_size: tuple[int, ...] = (64, 256)
    """Batch sizes of the comparison."""
    hidden: int = 128
    """Width of the hidden layer in the comparison."""
    latents: int = 9
    """Latents in the comparison."""
    repetitions: int = 5
    """Rounds over all contestants."""
    quick: bool = False
    """One batch size, two rounds, fewer sizes, objectives and peers: to see that it works."""
    out: Path = Path("runs/benchmark")
    """Directory for benchmark.json and benchmark.png."""


def machine() -> dict:
    """Describe what it ran on."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((li.split(":")[1].strip() for li in lines if li.startswith("model name")), cpu)
    found = {"cpu": cpu, "cores": host.cores(), **describe_runtime()}
    if importlib.util.find_spec("torch"):
        found["versions"]["torch"] = version("torch")
    return found


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    launchers.refuse_copies()
    flags = common.parse(
        Flags, arguments, Flags(), "python -m experiments.benchmark", __doc__ or ""
    )
    if flags.quick:
        flags = dataclasses.replace(flags, batch_size=flags.batch_size[:1], repetitions=2)
    sizes = (flags.repetitions, flags.hidden, flags.latents, *flags.batch_size)
    if min(sizes) < 1 or not flags.batch_size:
        raise common.UsageError(
            "--repetitions, --hidden, --latents and --batch-size must be whole numbers ≥ 1"
        )
    console, torch = output.console(), importlib.util.find_spec("torch") is not None
    if not torch:
        console.print(
            "PyTorch is not installed, its contestants are left out: pip install -e '.[bench]'"
        )
    extent = QUICK if flags.quick else Extent()
    if not torch:
        extent = dataclasses.replace(extent, peers=(), convolutions=())
    parts = flags.parts or extent.parts
    found: dict[str, Any] = {"machine": machine()}
    console.print(json.dumps(found["machine"]))
    flags.out.mkdir(parents=True, exist_ok=True)
    repetitions = flags.repetitions
    with LISTENER.raising():  # the contestants are processes, to be ended too
        if "comparison" in parts:
            found["comparisons"] = []
            for batch_size in flags.batch_size:
                setting = Setting(batch_size=batch_size, hidden=flags.hidden, latents=flags.latents)
                result = measures.compare(setting, repetitions, extent.peers)
                found["comparisons"].append(result)
                show.show_comparison(console, result)
        if "scaling" in parts:
            found["scaling"] = measures.scale(repetitions, extent.scales, extent.one_core)
            show.show_scaling(console, found["scaling"])
        if "objectives" in parts:
            found["objectives"] = measures.objectives(repetitions, torch, extent.objectives)
            show.show_objectives(console, found["objectives"])
        if "convolution" in parts:
            found["convolution"] = measures.convolution(repetitions, extent.convolutions)
            show.show_convolution(console, found["convolution"])
        if "tables" in parts:
            found["tables"] = measures.tables(repetitions)
            console.print(f"rows of a file: {found['tables']:.2f} × fresh images of 64×64")
        if "smoke" in parts:
            found["smoke"] = measures.smoke()
            first, again = (found["smoke"][name] for name in ("first", "again"))
            console.print(
                f"the preset smoke, from the command to its report: {first:.0f} s, and "
                f"{again:.0f} s once its programs are compiled"
            )
        if "blog" in parts:
            found["blog"] = measures.blog()
            console.print(
                f"the preset blog: {found['blog']['seconds']:.0f} s with its programs compiled, "
                f"{found['blog']['after']:.1%} of it after the training"
            )
    (flags.out / "benchmark.json").write_text(json.dumps(found, indent=2))
    files = ["benchmark.json"]
    if found.get("comparisons"):
        files.insert(0, "benchmark.png")
        with own_settings():
            show.draw(found["comparisons"]).savefig(flags.out / files[0], dpi=130)
    console.print("open " + ", or ".join(shown(flags.out / name) for name in files))
