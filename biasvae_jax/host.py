"""What this process may use of its host: memory and cores, under the limits of control groups.

Containers, Kubernetes and SLURM set them (`man 7 cgroups`); a group's own limit holds, and those of
all groups around it.
"""

import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

NAME = "biasvae_jax"
UNLIMITED = 2**60  # bytes; version 1 writes a number near 2⁶³ where there is no limit


def free_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this process can still take.

    The least of what the host has available and of what each control group has left, where a
    group's page cache that is not in use counts as left.
    """
    free = psutil.virtual_memory().available
    for folder in control_groups("memory", root):
        limit = min(
            _number(folder / "memory.max"),
            _number(folder / "memory.high"),
            _number(folder / "memory.limit_in_bytes"),
        )
        if limit < UNLIMITED:
            used = min(
                _number(folder / "memory.current"), _number(folder / "memory.usage_in_bytes")
            )
            cache = _statistic(folder / "memory.stat", ("inactive_file", "total_inactive_file"))
            free = min(free, limit - (used - cache if used < UNLIMITED else 0))
    return max(0, int(free))


def user_cache(name: str) -> Path | None:
    """Return a folder of the user's cache directory, made if need be; None if it cannot be used.

    Source: the XDG base directory specification.
    """
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        directory = Path(base) / NAME / name
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except (OSError, RuntimeError, ValueError):  # no home, and nobody known by this user's number
        return None


def cores(root: Path = Path("/")) -> int:
    """Return the number of CPU cores this process may use, a control group's quota rounded up."""
    count = cores_without_quota()
    for folder in control_groups("cpu", root):
        words = _words(folder / "cpu.max")
        words = words or [
            *_words(folder / "cpu.cfs_quota_us"),
            *_words(folder / "cpu.cfs_period_us"),
        ]
        if len(words) == 2 and all(word.isdigit() and int(word) for word in words):  # not max, −1
            count = min(count, math.ceil(int(words[0]) / int(words[1])))
    return max(1, count)


def cores_without_quota() -> int:
    """Return the number of CPU cores this process may be put on."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def control_groups(controller: str, root: Path = Path("/")) -> Iterator[Path]:
    """Yield the folders of this process's control groups, inner first, of versions 1 and 2."""
    paths = {}  # of controllers; version 2 has one group for all, under an empty name
    for line in _lines(root / "proc/self/cgroup"):
        _, names, path = line.split(":", 2)
        paths |= dict.fromkeys(names.split(","), path)
    for line in _lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        mounted, place = before.split()[3:5]  # the group that is seen at a place, and the place
        kind, _, options = after.split()[:3]
        name = {"cgroup": controller, "cgroup2": ""}.get(kind)
        if name is None or name not in paths or (name and name not in options.split(",")):
            continue
        top = root / place.lstrip("/")
        inner = os.path.relpath(paths[name], mounted)
        folder = top if inner.startswith("..") else top / inner  # a container sees its own alone
        while True:
            yield folder
            if folder == top:
                break
            folder = folder.parent


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:  # not Linux, or no such limit
        return []


def _words(file: Path) -> list[str]:
    return " ".join(_lines(file)).split()


def _number(file: Path) -> int:
    """Read a limit or a use in bytes; where there is none, more than any."""
    words = _words(file)
    return int(words[0]) if words and words[0].isdigit() else 2**63


def _statistic(file: Path, names: tuple[str, ...]) -> int:
    values = dict(line.split()[:2] for line in _lines(file) if len(line.split()) == 2)
    return max((int(values[name]) for name in names if name in values), default=0)
