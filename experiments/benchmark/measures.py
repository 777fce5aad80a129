"""What is measured: each a few contestants in turn, summed up as ratios."""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from biasvae_jax import host
from biasvae_jax.components import find_kind, kinds
from biasvae_jax.sweep.plan import Costs
from biasvae_jax.training import Recipe
from experiments.benchmark.reference import faces, faces_reference, reference
from experiments.benchmark.settings import Setting
from experiments.benchmark.worker import FLOOR, row, timed

MLP = ("ours", "ours_few", "ours_many", "jax_vmap", "jax_loop")
PEERS = {"beta_elbo": "torch_eager", "beta_tc": "torch_beta_tc", "factor": "torch_factor"}


def compare(setting: Setting, repetitions: int, torch: Sequence[str]) -> dict:
    """Time all ways of training one grid, after checking that they compute the same loss."""
    names = [*MLP, *torch]
    times = timed(
        {name: (name, setting) for name in (*names, FLOOR, "copy")},
        repetitions,
        reference(setting.config),
        names,
    )
    costs = Costs.of(Recipe.from_config(setting.config))
    return {
        **dataclasses.asdict(setting),
        "flop": costs.flops,
        # Adam reads and writes parameters and moments, the gradient is written and read
        "bytes": 8 * costs.resident // 3 + costs.noise,
        "matrix_product_gflops": 1e-3 / median(times[FLOOR]),
        "copy_gb_per_s": 1e-3 / median(times["copy"]),
        "contestants": {
            name: row(times[name], times["ours"], costs.flops, times[FLOOR]) for name in names
        },
    }


def scale(repetitions: int, scales: Sequence[int], one_core: bool) -> dict:
    """Time ours for several grid sizes, and, if asked, on one core against all."""
    whole = Setting()
    asked = {str(models): ("ours", Setting(models)) for models in scales}
    pins = one_core and hasattr(os, "sched_setaffinity") and host.cores() > 1
    if pins:
        asked["one core"] = ("ours", dataclasses.replace(whole, cores=1))
    times = timed(asked, repetitions)
    base = times[str(whole.models)]
    ratios = {name: {"us": median(t), "ratio": median(t / base)} for name, t in times.items()}
    one = {"one_core_ratio": ratios.pop("one core")["ratio"]} if pins else {}
    return {"models": ratios, "cores": host.cores(), **one}


def objectives(repetitions: int, torch: bool, chosen: Sequence[str]) -> dict:
    """Time objectives (none named: every one), ours and where there is one PyTorch's way.

    `share` is a step's time over the β-ELBO's, divided by its products over the β-ELBO's.
    """
    setting, recipe = Setting(), Recipe.from_config(Setting().config)
    chosen = chosen or sorted(kinds("objective"))
    flops = {}
    for kind in chosen:
        objective = find_kind("objective", kind)()
        flops[kind] = Costs.of(dataclasses.replace(recipe, objective=objective)).flops
    asked = {kind: (f"ours_objective:{kind}", setting) for kind in chosen}
    if torch:
        asked |= {PEERS[kind]: (PEERS[kind], setting) for kind in chosen if kind in PEERS}
    times = timed(asked, repetitions)
    base = times["beta_elbo"]
    found = {}
    for kind in chosen:
        ratio = median(times[kind] / base)
        share = ratio * flops["beta_elbo"] / flops[kind]
        found[kind] = {"us": median(times[kind]), "ratio": ratio, "share": share}
        if PEERS.get(kind) in times:
            found[kind]["peer"] = median(times[PEERS[kind]] / times[kind])
    return found


def convolution(repetitions: int, torch: Sequence[str]) -> dict:
    """Time the preset `faces`, whose network is the convolution, beside PyTorch."""
    names = ["ours_faces", *torch]
    asked = {name: (name, Setting()) for name in (*names, FLOOR)}
    times = timed(asked, repetitions, faces_reference(), names)
    flops, ours = Costs.of(faces().recipe).flops, times["ours_faces"]
    return {
        "batch_size": faces().training.batch_size,
        "flop": flops,
        "contestants": {name: row(times[name], ours, flops, times[FLOOR]) for name in names},
    }


def tables(repetitions: int) -> float:
    """Return the time of a step on rows of a file over that on fresh images of the same size."""
    names = ("ours_table", "ours_generated")
    times = timed({name: (name, Setting(16)) for name in names}, repetitions)
    return median(times["ours_table"] / times["ours_generated"])


def smoke() -> dict:
    """Time the preset `smoke` from its command to its report: nothing compiled yet, and again."""
    with tempfile.TemporaryDirectory() as folder:
        return {name: _command("smoke", Path(folder), name)[0] for name in ("first", "again")}


def blog() -> dict:
    """Time the preset `blog`, its programs compiled, and which share of it comes after training."""
    with tempfile.TemporaryDirectory() as folder:
        _command("smoke", Path(folder), "compiles")
        seconds, trained = _command("blog", Path(folder), "blog")
    return {"seconds": seconds, "after": 1 - trained / seconds}


def _command(preset: str, folder: Path, name: str) -> tuple[float, float]:
    """Run a preset's command with a cache in a folder: seconds, and seconds until all is trained.

    From the first line on whose progress is 100 %, what it says is about something else.
    """
    command = [sys.executable, "-u", "-m", "experiments.full_sweep", "--preset", preset]
    command += ["--out", str(folder / name)]
    room = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    started, trained = time.perf_counter(), None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=room) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if trained is None and line.startswith("100%"):
                trained = time.perf_counter() - started
    if process.returncode or trained is None:
        raise ChildProcessError(f"the preset {preset} ended early; its own message says why")
    return time.perf_counter() - started, trained
