"""Contestants in processes of their own, timed in turn."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np

from experiments.benchmark.settings import Setting

LOSS_TOLERANCE = 1e-4
FLOOR = "matrix_product"


class Worker:
    """A contestant in its own process."""

    def __init__(self, name: str, setting: Setting, given: Path):
        command = [sys.executable, "-m", "experiments.benchmark.contestants", name]
        command += [setting.to_json(), str(given)]
        pipe = subprocess.PIPE
        # several processes share a GPU, so none may take most of its memory at the start
        room = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=room)
        self.name = name

    def start(self) -> None:
        """Wait until it has compiled."""
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


def timed(
    contestants: Mapping[str, tuple[str, Setting]],
    repetitions: int,
    given: Mapping[str, np.ndarray] | None = None,
    agree: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """Time contestants round after round: µs for a unit of work, `[repetitions]`, by label.

    Those of `agree` must first compute the same loss on what is `given`.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "reference.npz"
        np.savez(file, allow_pickle=False, **(given or {}))
        workers = {}
        for label, (name, setting) in contestants.items():
            workers[label] = stack.enter_context(Worker(name, setting, file))
            workers[label].start()  # one after another: compiling takes all cores
        losses = {label: workers[label].ask("loss") for label in agree}
        for label, loss in losses.items():
            expected = losses[agree[0]]
            if not abs(loss - expected) <= LOSS_TOLERANCE * abs(expected):
                raise ChildProcessError(f"{label} computes the loss {loss}, {agree[0]} {expected}")
        rounds = [
            [worker.ask("run") / worker.work * 1e6 for worker in workers.values()]
            for _ in range(repetitions)
        ]
    return dict(zip(workers, np.array(rounds).T, strict=True))


def row(times: np.ndarray, ours: np.ndarray, flops: float, product: np.ndarray) -> dict:
    """Sum up a contestant's times beside ours and beside a matrix product's, µs an operation."""
    return {
        "us": median(times),
        "least": float(times.min()),
        "most": float(times.max()),
        "ratio": median(times / ours),
        "share": median(flops / times * product),
    }
