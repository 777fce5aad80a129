"""A host's limits, read from trees of files as Linux shows them."""

import os

import psutil
import pytest

from biasvae_jax.host import control_groups, cores, free_memory

GIB = 2**30
V2 = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "35 31 0:32 {root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "32 31 0:28 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)


@pytest.fixture(autouse=True)
def a_host_of_64_gib_and_16_cores(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("", (), {"available": 64 * GIB}))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)


def host(folder, groups, mounts, files):
    files = {"proc/self/cgroup": groups, "proc/self/mountinfo": mounts, **files}
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_the_tightest_of_nested_groups_counts_in_version_2(tmp_path):
    root = host(
        tmp_path,
        "0::/job/step/task\n",
        V2.format(root="/"),
        {
            "sys/fs/cgroup/job/memory.max": f"{4 * GIB}\n",
            "sys/fs/cgroup/job/memory.current": f"{3 * GIB}\n",
            "sys/fs/cgroup/job/memory.stat": f"anon 5\ninactive_file {GIB // 2}\nfile 7\n",
            "sys/fs/cgroup/job/cpu.max": "max 100000\n",
            "sys/fs/cgroup/job/step/memory.max": "max\n",
            "sys/fs/cgroup/job/step/cpu.max": "250000 100000\n",
            "sys/fs/cgroup/job/step/task/memory.max": f"{8 * GIB}\n",
            "sys/fs/cgroup/job/step/task/memory.current": f"{GIB}\n",
            "sys/fs/cgroup/job/step/task/cpu.max": "400000 100000\n",
        },
    )
    names = [folder.name for folder in control_groups("memory", root)]
    assert names == ["task", "step", "job", "cgroup"]
    assert free_memory(root) == 1.5 * GIB
    assert cores(root) == 3


def test_the_tightest_of_nested_groups_counts_in_version_1(tmp_path):
    memory, cpu = "sys/fs/cgroup/memory", "sys/fs/cgroup/cpu,cpuacct"
    root = host(
        tmp_path,
        "9:memory:/slurm/job\n4:cpu,cpuacct:/slurm\n0::/elsewhere\n",
        V1.format(root="/"),
        {
            f"{memory}/memory.limit_in_bytes": "9223372036854771712\n",
            f"{memory}/slurm/memory.limit_in_bytes": f"{GIB}\n",
            f"{memory}/slurm/memory.usage_in_bytes": f"{GIB}\n",
            f"{memory}/slurm/memory.stat": f"total_inactive_file {GIB // 4}\n",
            f"{memory}/slurm/job/memory.limit_in_bytes": f"{2 * GIB}\n",
            f"{memory}/slurm/job/memory.usage_in_bytes": f"{GIB}\n",
            f"{cpu}/slurm/cpu.cfs_quota_us": "50000\n",
            f"{cpu}/slurm/cpu.cfs_period_us": "100000\n",
            f"{cpu}/cpu.cfs_quota_us": "-1\n",
            f"{cpu}/cpu.cfs_period_us": "100000\n",
        },
    )
    assert free_memory(root) == GIB // 4
    assert cores(root) == 1  # half a core is one


@pytest.mark.parametrize("seen", ["/docker/4f", "/"])
def test_a_container_that_sees_only_its_own_group_finds_its_limit(tmp_path, seen):
    inside = {"/docker/4f": "0::/docker/4f\n", "/": "0::/../../4f\n"}[seen]
    root = host(
        tmp_path,
        inside,
        V2.format(root=seen),
        {
            "sys/fs/cgroup/memory.max": f"{GIB}\n",
            "sys/fs/cgroup/memory.current": "0\n",
            "sys/fs/cgroup/cpu.max": "200000 100000\n",
        },
    )
    assert free_memory(root) == GIB and cores(root) == 2


def test_without_control_groups_the_host_alone_counts(tmp_path):
    assert free_memory(tmp_path) == 64 * GIB and cores(tmp_path) == 16
