"""Several processes on one sweep, on JAX's distributed runtime; alone, all of this is a no-op.

Process 0 reads and writes the run directory; the others compute their share and wait for it.
"""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from biasvae_jax.storage import StorageError
from experiments.cli import BAD_INPUT_ERRORS, CANNOT_GO_ON, UsageError

CONNECT_SECONDS = 45  # an unreachable coordinator is reported within a minute
HEARTBEAT_SECONDS = 30  # and so is a process that died

Result = TypeVar("Result")


def join(coordinator: str | None, num_processes: int | None, process_id: int | None) -> None:
    """Join the other processes, named by flags or found by jax (SLURM, TPU pods, Open MPI).

    Raises UsageError when the flags do not fit together or the others cannot be reached.
    """
    flags = (coordinator, num_processes, process_id)
    if all(flag is None for flag in flags):
        if _launched_together():
            _initialize()
        return
    if coordinator is None or num_processes is None or process_id is None:
        raise UsageError("--coordinator, --num-processes and --process-id go together")
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"--coordinator is HOST:PORT; got {coordinator}")
    if not 0 <= process_id < num_processes:
        raise UsageError(f"--process-id must be from 0 to {num_processes - 1}; got {process_id}")
    if process_id > 0:
        _wait_for(host.strip("[]"), int(port), coordinator)
    _initialize(
        coordinator_address=coordinator,
        coordinator_bind_address=coordinator,
        num_processes=num_processes,
        process_id=process_id,
        cluster_detection_method="deactivate",
    )


def _launched_together() -> bool:
    """Tell whether a launcher that jax knows started more than this process."""
    counts = (os.environ.get(name, "1") for name in ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE"))
    hosts = os.environ.get("TPU_WORKER_HOSTNAMES", "")
    return any(count.isdigit() and int(count) > 1 for count in counts) or "," in hosts


def _initialize(**arguments: Any) -> None:
    try:
        jax.distributed.initialize(
            initialization_timeout=CONNECT_SECONDS,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=HEARTBEAT_SECONDS,
            **arguments,
        )
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"the processes did not find each other: {_first_line(error)}") from None


def _wait_for(host: str, port: int, coordinator: str) -> None:
    """Wait until the coordinator listens, so that its absence is one clear line."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            socket.create_connection((host, port), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise UsageError(
                    f"--coordinator {coordinator} cannot be reached ({error}); "
                    "start process 0 there, or mend the address"
                ) from None
            time.sleep(0.5)


def is_first() -> bool:
    """Tell whether this process is the one that reads and writes the run directory."""
    return jax.process_index() == 0


def gather(values: Any) -> np.ndarray:
    """Return the small array that each process passed, stacked: `[processes, …]`."""
    array = np.asarray(values)
    if jax.process_count() == 1:
        return array[None]
    return np.asarray(multihost_utils.process_allgather(array))


def share(tree: Any) -> Any:
    """Return process 0's tree of numpy arrays; the others pass one of the same structure."""
    if jax.process_count() == 1:
        return tree

    def share_array(array):
        array = np.asarray(array)
        # as bytes: jax would round float64 to float32
        flat = np.frombuffer(array.tobytes(), np.uint8)
        shared = np.asarray(multihost_utils.broadcast_one_to_all(flat))
        return np.frombuffer(shared.tobytes(), array.dtype).reshape(array.shape)

    return jax.tree.map(share_array, tree)


def on_first(action: Callable[[], Result]) -> Result | None:
    """Run `action` on process 0 while the others wait; they get None, or exit if it failed."""
    failure: BaseException | None = None
    result = None
    if is_first():
        try:
            result = action()
        except Exception as error:
            failure = error
    kind = 0 if failure is None else 2 if isinstance(failure, ValueError) else 1
    kind = int(gather(kind)[0])
    if failure is not None:
        raise failure
    if kind:
        stop = UsageError if kind == 2 else StorageError
        raise stop("process 0 could not go on; its own message says why")
    return result


@contextmanager
def noticing_loss() -> Iterator[None]:
    """Turn the failure of a collective, when another process died, into one line and exit 1."""
    try:
        yield
    except BAD_INPUT_ERRORS:
        raise
    except (jax.errors.JaxRuntimeError, ValueError) as error:  # as which, depends on the backend
        if jax.process_count() == 1:
            raise
        _leave_abruptly(error)


def _leave_abruptly(error: Exception) -> NoReturn:
    """Exit at once after a lost process: jax's orderly shutdown would wait for it."""
    print(
        f"error: another process was lost ({_first_line(error)}); start all of them again "
        "to go on from the last checkpoint",
        file=sys.stderr,
        flush=True,
    )
    os._exit(CANNOT_GO_ON)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
