"""Two processes on loopback: the same results as one, and no one waits for the dead."""

import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr

from biasvae_jax.errors import UsageError
from biasvae_jax.runs import processes
from experiments.torture.processes import disagreements


def start(out, flags):
    command = [sys.executable, "-m", "experiments.full_sweep", *flags, "--out", str(out)]
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def start_pair(out, flags):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    more = ("--coordinator", f"127.0.0.1:{port}", "--num-processes", "2", "--process-id")
    return [start(out, [*flags, "--checkpoint-interval", "0", *more, str(i)]) for i in (0, 1)]


def finish(process, seconds=240):  # it takes 20 on two quiet cores, and no one hangs
    output = process.communicate(timeout=seconds)
    return process.returncode, *output


def results(out):
    with xr.open_dataset(out / "results.nc") as dataset:
        return dataset.load()


def test_two_processes_lose_one_go_on_and_equal_one_process(tiny_run, tiny_flags, tmp_path):
    first, second = start_pair(tmp_path / "two", tiny_flags)
    while not list((tmp_path / "two").glob("checkpoints/group-*")):
        assert first.poll() is None, first.communicate()
        time.sleep(0.05)
    second.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    status, _, errors = finish(first)
    assert time.monotonic() - killed < 60
    assert status != 0 and "another" in errors
    finish(second)

    for status, printed, errors in map(finish, start_pair(tmp_path / "two", tiny_flags)):
        assert status == 0, errors
        assert "Traceback" not in printed + errors
    one, two = results(tiny_run), results(tmp_path / "two")
    for name in one.data_vars:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-3, atol=1e-4, err_msg=name)


def test_two_processes_that_were_started_otherwise_both_say_in_what(tmp_path):
    tally = disagreements(tmp_path, 1)
    assert tally.trials and not tally.wrong, tally


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("127.0.0.1:1", None, 0), "go together"),
        (("nowhere", 2, 0), "HOST:PORT"),
        (("127.0.0.1:http", 2, 0), "HOST:PORT"),
        (("127.0.0.1:1", 2, 2), "--process-id"),
    ],
)
def test_flags_that_do_not_fit_together_are_refused(flags, message):
    with pytest.raises(UsageError, match=message):
        processes.join(*flags)


def test_alone_nothing_is_exchanged():
    assert processes.is_first()
    np.testing.assert_array_equal(processes.gather([1, 2]), [[1, 2]])
    assert processes.on_first(lambda: 3) == 3
    with pytest.raises(KeyError):
        processes.on_first(lambda: {}["missing"])
