"""Processes find each other at an address before jax does, which aborts where one never comes.

Process 0 listens there until each of the others has said who it is, then tells all to go on. So a
port that is taken, a process that is missing and numbers that do not fit are each one line. The
connections stay: where one ends without a goodbye, its process was lost. jax would notice that
late, and might abort.
"""

import contextlib
import os
import socket
import sys
import threading
import time
from typing import NoReturn

from biasvae_jax.errors import CANNOT_GO_ON, UsageError

NAME = "biasvae_jax"
GO = b"go\n"
BYE = b"bye\n"
LONGEST = 200  # bytes of a line

Others = dict[int, socket.socket]
"""Connections to other processes, by number."""

_leaving = threading.Lock()


def meet(coordinator: str, count: int, number: int, seconds: float) -> Others:
    """Return once `count` processes have met at HOST:PORT; this is `number`, from 0.

    Process 0 gets its connections to all others, they get theirs to process 0. Raises UsageError
    of one line if they have not within so many seconds.
    """
    host, _, port = coordinator.rpartition(":")
    place = host.strip("[]"), int(port)
    deadline = time.monotonic() + seconds
    if number == 0:
        return _receive(place, count, coordinator, deadline)
    return {0: _arrive(place, count, number, coordinator, deadline)}


def say_goodbye(others: Others) -> None:
    """Tell the others that this process ends in order; whoever loses it now need not mind."""
    for connection in others.values():
        _say(connection, BYE)


def watch(others: Others) -> None:
    """End this process with one line, status 1, as soon as one of the others is lost."""
    for number, connection in others.items():
        connection.settimeout(None)
        threading.Thread(target=_await_end, args=(number, connection), daemon=True).start()


def _await_end(number: int, connection: socket.socket) -> None:
    try:
        last = _line(connection)
    except OSError:
        last = ""
    if last != BYE.decode().strip():
        leave_abruptly(f"process {number} ended")


def leave_abruptly(why: str) -> NoReturn:
    """Exit at once after a lost process: jax's orderly shutdown would wait for it."""
    with _leaving:  # one line, whoever notices first
        print(
            f"error: another process was lost ({why}); start all of them again "
            "to go on from the last checkpoint",
            file=sys.stderr,
            flush=True,
        )
        os._exit(CANNOT_GO_ON)


def _receive(place: tuple[str, int], count: int, coordinator: str, deadline: float) -> Others:
    try:
        family = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server(place, family=family, backlog=count)
    except OSError as error:
        raise UsageError(
            f"--coordinator {coordinator} cannot be listened at ({error.strerror}); "
            "name an address of process 0's host and a free port"
        ) from None
    with contextlib.ExitStack() as stack:
        stack.enter_context(listener)
        arrived: Others = {}
        while len(arrived) < count - 1:
            listener.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                connection = stack.enter_context(listener.accept()[0])
                connection.settimeout(max(0.01, min(5.0, deadline - time.monotonic())))
                words = _line(connection).split()
            except OSError:
                words, connection = [], None
            if connection and len(words) == 3 and words[0] == NAME and words[2].isdecimal():
                reason = _misfit(int(words[2]), words[1], count, arrived)
                if reason:
                    for each in (*arrived.values(), connection):
                        _say(each, reason.encode() + b"\n")
                    raise UsageError(reason)
                arrived[int(words[2])] = connection
            if time.monotonic() > deadline and len(arrived) < count - 1:
                missing = [str(i) for i in range(1, count) if i not in arrived]
                reason = (
                    f"process {', '.join(missing)[:100]} of {count} did not come to {coordinator}; "
                    "start all of them within a minute"
                )
                for each in arrived.values():
                    _say(each, reason.encode() + b"\n")
                raise UsageError(reason)
        listener.close()  # jax listens there next
        for each in arrived.values():
            _say(each, GO)
        stack.pop_all()  # the connections stay
        return arrived


def _misfit(number: int, theirs: str, count: int, arrived: Others) -> str:
    if theirs != str(count):
        return f"process {number} has --num-processes {theirs}, and process 0 has {count}"
    if number in arrived or not 0 < number < count:
        return f"two processes have --process-id {number}; give each its own"
    return ""


def _arrive(
    place: tuple[str, int], count: int, number: int, coordinator: str, deadline: float
) -> socket.socket:
    while True:
        try:
            connection = socket.create_connection(place, timeout=5)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise UsageError(
                    f"--coordinator {coordinator} cannot be reached ({error}); "
                    "start process 0 there, or mend the address"
                ) from None
            time.sleep(0.2)
    # a little longer than process 0, whose answer says more
    connection.settimeout(max(1.0, deadline - time.monotonic() + 5))
    answer = b""
    with contextlib.suppress(OSError):
        connection.sendall(f"{NAME} {count} {number}\n".encode())
        answer = _line(connection).encode()
    if answer != GO.strip():
        connection.close()
        reason = "".join(c if c.isprintable() else "?" for c in answer.decode())
        reason = reason or "another program may listen there"
        raise UsageError(f"--coordinator {coordinator} does not answer as process 0: {reason}")
    return connection


def _say(connection: socket.socket, line: bytes) -> None:
    with contextlib.suppress(OSError):  # it has gone; jax notices, or it said so itself
        connection.sendall(line)


def _line(connection: socket.socket) -> str:
    text = b""
    while not text.endswith(b"\n") and len(text) < LONGEST:
        more = connection.recv(LONGEST)
        if not more:
            break
        text += more
    return text[:LONGEST].decode(errors="replace").strip()
