"""Signals and closed pipes, to commands that need no jax."""

import os
import signal
import subprocess
import sys
import time

import pytest

from biasvae_jax.runs.signals import LISTENER, SIGNALS, Interrupted

BUSY = """
import sys, time
from biasvae_jax.runs.signals import LISTENER, Interrupted
LISTENER.start()
class Late:
    def __del__(self):
        print("begun", flush=True)
        time.sleep(20)
"""
IN_A_DESTRUCTOR = BUSY + "with LISTENER.farewell('saved'): del [Late()][0]"
SAVING = (
    BUSY
    + """
try:
    with LISTENER.farewell('saved'), LISTENER.saving() as stop:
        print("begun", flush=True)
        while not stop.asked:
            time.sleep(0.01)
        time.sleep(float(sys.argv[1]))
except Interrupted as stop:
    sys.exit(stop.status)
"""
)


# as a terminal starts a command, however the tests were started (nohup, or in the background)
AS_IN_A_TERMINAL = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


def start(code, *arguments, before=AS_IN_A_TERMINAL, **settings):
    process = subprocess.Popen(
        [sys.executable, "-c", before + code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **settings,
    )
    assert process.stdout.readline() == "begun\n"
    return process


def ending(process):
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_not_lost_where_an_exception_would_be(number):
    process = start(IN_A_DESTRUCTOR)
    process.send_signal(number)
    assert ending(process) == (128 + number, "saved\n")


@pytest.mark.parametrize("number", SIGNALS)
def test_while_there_is_something_to_save_a_signal_is_noted(number):
    process = start(SAVING, "0")
    process.send_signal(number)
    assert ending(process) == (128 + number, "saved\n")


def test_a_signal_sent_twice_at_once_still_saves_and_a_later_one_does_not_wait():
    """GNU timeout and a closing terminal send theirs twice."""
    process = start(SAVING, "0.3")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert ending(process) == (143, "saved\n")
    process = start(SAVING, "20")
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
    assert ending(process) == (143, "")


@pytest.mark.parametrize("argument", ["-m", "a notebook"])
def test_a_command_can_be_interrupted_while_it_is_imported(argument):
    """A KeyboardInterrupt out of an import can be swallowed by what is imported."""
    code = f"""
import sys, time
sys.argv[0] = {argument!r}
import experiments
try:
    print("begun", flush=True)
    time.sleep(20)
except KeyboardInterrupt:
    sys.exit(3)
"""
    process = start(code)
    process.send_signal(signal.SIGINT)
    assert ending(process) == (-signal.SIGINT if argument == "-m" else 3, "")


def test_nohup_is_obeyed():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a child inherits what is ignored
    try:
        process = start(SAVING, "0", before="")
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert ending(process) == (143, "saved\n")


def test_a_signal_between_the_last_look_and_the_end_of_the_block_is_not_lost():
    with pytest.raises(Interrupted) as caught, LISTENER.saving() as stop:
        assert not stop.asked
        signal.raise_signal(signal.SIGUSR1)
    assert caught.value.status == 128 + signal.SIGUSR1


def test_whoever_listened_before_listens_again():
    before = [signal.getsignal(each) for each in SIGNALS]
    for _ in range(3):  # what one has not read is not heard by the next
        with pytest.raises(Interrupted), LISTENER.saving():
            os.kill(os.getpid(), signal.SIGTERM)
        with LISTENER.saving() as stop:
            assert not stop.asked
    assert [signal.getsignal(each) for each in SIGNALS] == before


TALKING = """
import sys
from biasvae_jax.cli import common
from biasvae_jax.cli.output import console
def command(arguments):
    console().print("begun"); sys.stdout.flush()
    sys.stdin.read()
    for _ in range(10000):
        console().print("more"); print("more"); print("worse", file=sys.stderr)
    open(arguments[0], "w").close()
common.run(command)
"""


def test_a_reader_that_leaves_ends_no_run(tmp_path):
    process = start(TALKING, str(tmp_path / "done"), stdin=subprocess.PIPE)
    process.stdout.close()
    process.stderr.close()
    process.stdin.close()
    assert process.wait(60) == 0 and (tmp_path / "done").exists()


@pytest.mark.parametrize(("shell", "status"), [(">&- 2>&-", 0), ("> /dev/full", 1)])
def test_output_that_cannot_be_written_costs_no_work(tmp_path, shell, status):
    line = [sys.executable, "-c", TALKING, str(tmp_path / "done")]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {shell}', "sh", *line], input="", capture_output=True, text=True
    )
    assert done.returncode == status and (tmp_path / "done").exists()
    last = done.stderr.splitlines()[-1:]
    assert not status or "could not be written" in last[0]
