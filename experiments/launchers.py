"""What a launcher (SLURM, Open MPI, a TPU pod) says of the copies of this process it started.

Only variables of a job step count. A job's (`SLURM_NTASKS`) are there in a batch script too, which
runs once; and single variables may be left over from a shell or a container.
"""

import importlib.util
import os
from pathlib import Path

from experiments.cli import UsageError

# (how many, all that jax needs beside it to find the others)
STEPS = (
    (
        "SLURM_STEP_NUM_TASKS",
        ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID"),
    ),
    (
        "OMPI_COMM_WORLD_SIZE",
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_MCA_orte_hnp_uri"),
    ),
)


def copies() -> tuple[int, str]:
    """Return how many copies of this process were started together, and the variable that says so.

    One is alone, whatever is left over in the environment.
    """
    for name, others in STEPS:
        count = os.environ.get(name, "")
        if count.isdecimal() and int(count) > 1 and all(other in os.environ for other in others):
            return int(count), name
    for name in ("TPU_PROCESS_ADDRESSES", "TPU_WORKER_HOSTNAMES"):
        hosts = os.environ.get(name, "").split(",")
        if len(hosts) > 1 and os.environ.get("TPU_WORKER_ID", "").isdecimal() and _has_tpu():
            return len(hosts), name
    return 1, ""


def refuse_copies() -> None:
    """Raise UsageError in each of several copies of a command that must run once."""
    count, name = copies()
    if count > 1:
        raise UsageError(
            f"this command runs once, and {count} copies of it were started together ({name}); "
            "start it without the launcher (in SLURM, srun -n 1)"
        )


def _has_tpu() -> bool:
    places = ("accel0", "vfio/0")
    return importlib.util.find_spec("libtpu") is not None and any(
        (Path("/dev") / place).exists() for place in places
    )
