"""The contestants: each trains the same VAEs its own way, in its own process.

A worker reads `run` or `loss` a line from its standard input and answers with one number: the
seconds of one repetition, or its loss on the reference parameters and batch.
"""

import importlib
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np

from biasvae_jax import host
from experiments.benchmark.contestant import Contestant
from experiments.benchmark.settings import Setting

MODULES = {
    "ours": (
        *("ours", "ours_few", "ours_many", "ours_faces", "ours_table", "ours_generated"),
        "ours_objective",
    ),
    "plain_jax": ("jax_vmap", "jax_loop"),
    "torch_mlp": ("torch_vmap", "torch_compiled", "torch_eager"),
    "torch_objectives": ("torch_beta_tc", "torch_factor"),
    "torch_conv": ("torch_conv", "torch_conv_compiled"),
    "floor": ("matrix_product", "copy"),
}
"""Module → its contestants."""
TITLES = {
    "ours": "ours",
    "ours_few": "ours, 500 images a seed",
    "ours_many": "ours, 30,000 images a seed",
    "jax_vmap": "JAX, jit(vmap(scan))",
    "jax_loop": "JAX, loop over jitted steps",
    "torch_vmap": "PyTorch, func.vmap",
    "torch_compiled": "PyTorch, compiled",
    "torch_eager": "PyTorch, eager",
    "ours_faces": "ours",
    "torch_conv": "PyTorch, eager, channels last",
    "torch_conv_compiled": "PyTorch, compiled, channels last",
}


def find(name: str) -> Callable[[Setting], Contestant]:
    """Return a contestant by name; `ours_objective:KIND` is ours with another objective."""
    function, _, kind = name.partition(":")
    module = next(m for m, names in MODULES.items() if function in names)
    found = getattr(importlib.import_module(f"experiments.benchmark.{module}"), function)
    return partial(found, kind=kind) if kind else found


def serve(name: str, setting: Setting, given: Path) -> None:
    """Answer the questions on standard input until it ends."""
    if setting.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: setting.cores])
    if name.startswith("ours"):
        jax.config.update("jax_num_cpu_devices", host.cores())
    contestant = find(name)(setting)
    contestant.run()  # compiles
    print(contestant.model_steps, flush=True)
    for question in sys.stdin:
        if question.strip() == "loss":
            with np.load(given) as arrays:
                print(contestant.loss(dict(arrays)), flush=True)
        else:
            started = time.perf_counter()
            contestant.run()
            print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    name, setting, given = sys.argv[1:]
    serve(name, Setting.from_json(setting), Path(given))
