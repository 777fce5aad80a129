"""Pairs of processes that were started otherwise than each other."""

import os
import socket
from pathlib import Path

from experiments import cli
from experiments.torture_runs import PATIENCE
from experiments.victim import Tally, launch

DISAGREEMENTS = (
    ("beta", "--beta", "9", "90"),
    ("learning_rate", "--learning-rate", "0.01"),
    ("steps", "--steps", "200"),
    ("group", "--group", "1"),
    ("chunk", "--chunk", "10"),
    ("dry_run", "--dry-run"),
    ("jax_default_matmul_precision",),
)


def disagreements(folder: Path, count: int) -> Tally:
    """Start pairs that disagree in one thing; both must name it, and leave nothing behind."""
    tally = Tally("two processes started otherwise than each other")
    for trial in range(count):
        name, *flags = DISAGREEMENTS[trial % len(DISAGREEMENTS)]
        out, logs = folder / "pair", [folder / f"pair-{i}.log" for i in (0, 1)]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        together = ("--coordinator", f"127.0.0.1:{port}", "--num-processes", "2", "--process-id")
        second = {} if flags else {"JAX_DEFAULT_MATMUL_PRECISION": "highest"}
        pair = [
            launch(out, logs[0], *together, "0"),
            launch(out, logs[1], *together, "1", *flags, environment=os.environ | second),
        ]
        try:
            statuses = [each.wait(PATIENCE) for each in pair]
        finally:
            for each in pair:
                each.kill()
        tally.trials += 1
        said = [log.read_text() for log in logs]
        if statuses == [cli.BAD_INPUT] * 2 and all(f"({name}: " in text for text in said):
            tally.saw("refused by both, the difference named")
        else:
            tally.wrong.append(f"{name}: {statuses}: {said}")
        if out.exists():
            tally.wrong.append(f"{name}: {out} was made")
    return tally
