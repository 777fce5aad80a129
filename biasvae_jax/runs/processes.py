"""Several processes on one sweep, on JAX's distributed runtime; alone, all of this is a no-op.

Process 0 reads and writes the run directory; the others compute their share and wait for it.
"""

import atexit
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from biasvae_jax.errors import BadInput, UsageError
from biasvae_jax.runs import launchers
from biasvae_jax.runs.directory import StorageError
from biasvae_jax.runs.rendezvous import leave_abruptly, meet, say_goodbye, watch

CONNECT_SECONDS = 45  # an unreachable coordinator is reported within a minute
HEARTBEAT_SECONDS = 30  # and so is a process that died
AGREEMENT_BYTES = 2**14  # of one process's decisions, whatever its version

Result = TypeVar("Result")


def join(coordinator: str | None, num_processes: int | None, process_id: int | None) -> None:
    """Join the other processes, named by flags or found by jax (SLURM, TPU pods, Open MPI).

    Raises UsageError when the flags do not fit together or the others cannot be reached.
    """
    flags = (coordinator, num_processes, process_id)
    if all(flag is None for flag in flags):
        count, name = launchers.copies()
        if count > 1:
            _initialize(f"{name} says that {count} started together", num_processes=count)
        return
    if coordinator is None or num_processes is None or process_id is None:
        raise UsageError("--coordinator, --num-processes and --process-id go together")
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"--coordinator is HOST:PORT; got {coordinator}")
    if not 0 <= process_id < num_processes:
        raise UsageError(f"--process-id must be from 0 to {num_processes - 1}; got {process_id}")
    others = meet(coordinator, num_processes, process_id, CONNECT_SECONDS)
    _initialize(
        f"all {num_processes} must be started within {CONNECT_SECONDS} seconds",
        coordinator_address=coordinator,
        coordinator_bind_address=coordinator,
        num_processes=num_processes,
        process_id=process_id,
        cluster_detection_method="deactivate",
    )
    watch(others)
    atexit.register(say_goodbye, others)  # after jax's own, hence called before it


def _initialize(hint: str, **arguments: Any) -> None:
    # it would take SIGTERM for itself, and nobody asks it: `LISTENER` hears it, as it does alone
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(
            initialization_timeout=CONNECT_SECONDS,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=HEARTBEAT_SECONDS,
            **arguments,
        )
    except (RuntimeError, ValueError) as error:
        raise UsageError(
            f"the processes did not find each other ({hint}): {_first_line(error)}"
        ) from None


def is_first() -> bool:
    """Tell whether this process is the one that reads and writes the run directory."""
    return jax.process_index() == 0


def gather(values: Any) -> np.ndarray:
    """Return the small array that each process passed, stacked: `[processes, …]`."""
    array = np.asarray(values)
    if jax.process_count() == 1:
        return array[None]
    return np.asarray(multihost_utils.process_allgather(array))


def agree(decisions: Mapping[str, Any]) -> None:
    """Raise UsageError in every process unless all have decided the same; it names what differs."""
    if jax.process_count() == 1:
        return
    ours = {name: _short(json.dumps(value, default=str)) for name, value in decisions.items()}
    text = json.dumps(ours).encode()
    if len(text) > AGREEMENT_BYTES:
        text = json.dumps({"decisions": _digest(text)}).encode()
    padded = np.frombuffer(text.ljust(AGREEMENT_BYTES), np.uint8)
    first, *others = (json.loads(row.tobytes()) for row in gather(padded))
    for number, theirs in enumerate(others, 1):
        names = [n for n in first | theirs if first.get(n) != theirs.get(n)]
        if names:
            each = ", ".join(f"{n}: {first.get(n)} → {theirs.get(n)}" for n in names)
            raise UsageError(
                f"process {number} was started otherwise than process 0 ({each}); "
                "start all with the same flags, versions and settings"
            )


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:100]}… ({_digest(text.encode())})"


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def share(tree: Any) -> Any:
    """Return process 0's tree of numpy arrays; the others pass one of the same structure."""
    if jax.process_count() == 1:
        return tree

    def share_array(array):
        array = np.asarray(array)
        if not array.size:
            return array
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
    except BadInput:
        raise
    except (jax.errors.JaxRuntimeError, ValueError) as error:  # as which, depends on the backend
        if jax.process_count() == 1:
            raise
        leave_abruptly(_first_line(error))


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
