"""Processes that meet, as threads of one process: all go on, or each has one line."""

import contextlib
import queue
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from biasvae_jax.errors import UsageError
from biasvae_jax.runs import rendezvous
from biasvae_jax.runs.rendezvous import meet


@pytest.fixture
def place():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def endings(place, *processes, seconds=1.0):
    """What `meet` says to each (count, number)."""

    def one(process):
        try:
            others = meet(place, *process, seconds)
        except UsageError as error:
            return str(error)
        for connection in others.values():
            connection.close()
        return "met"

    with ThreadPoolExecutor(len(processes)) as pool:
        return list(pool.map(one, processes))


def test_processes_meet_in_any_order(place):
    assert endings(place, (3, 2), (3, 0), (3, 1), seconds=20) == ["met"] * 3
    assert endings(place, (1, 0)) == ["met"]


def test_a_process_that_ends_without_a_goodbye_is_lost_at_once(place, monkeypatch):
    lost = queue.Queue()
    monkeypatch.setattr(rendezvous, "leave_abruptly", lost.put)
    with ThreadPoolExecutor(3) as pool, contextlib.ExitStack() as stack:
        first, polite, killed = pool.map(lambda i: meet(place, 3, i, 20), range(3))
        for others in (first, polite, killed):
            for connection in others.values():
                stack.enter_context(connection)
        rendezvous.watch(first)
        rendezvous.say_goodbye(polite)
        polite[0].close()
        killed[0].close()
        assert lost.get(timeout=10) == "process 2 ended"
    assert lost.empty()


def test_a_process_that_never_comes_is_named_to_all(place):
    said = endings(place, (4, 0), (4, 2))
    assert all(f"process 1, 3 of 4 did not come to {place}" in line for line in said)


def test_numbers_that_do_not_fit_are_named_to_all(place):
    said = endings(place, (3, 0), (2, 1), seconds=10)
    assert all("--num-processes 2, and process 0 has 3" in line for line in said)
    said = endings(place, (3, 0), (3, 1), (3, 1), seconds=10)
    assert all("two processes have --process-id 1" in line for line in said)


def test_a_port_that_is_taken_is_one_line_for_both(place):
    host, port = place.split(":")
    with socket.create_server((host, int(port))) as other:
        with pytest.raises(UsageError, match="cannot be listened at"):
            meet(place, 2, 0, 0.1)
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(meet, place, 2, 1, 5)
            with other.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 400 Bad\x1b Request\r\n\r\n")
            with pytest.raises(UsageError, match="does not answer as process 0: HTTP"):
                late.result()


def test_an_address_where_nobody_listens_is_one_line(place):
    with pytest.raises(UsageError, match="cannot be reached"):
        meet(place, 2, 1, 0.1)
