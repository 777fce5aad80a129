"""Signals: one that comes while there is something to save is noted; any other ends the command.

A thread hears them, since the main one hears of none before its chunk or compilation has ended.
It ends the process from there: an exception out of a handler can be lost, as in a destructor.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

IMPATIENT = (signal.SIGINT, signal.SIGTERM)  # of these the second ends a run at once
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")  # the last two: preemption notices
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))
TWICE_SECONDS = 0.1  # `timeout` and a closing terminal send theirs twice, within less


class Interrupted(BaseException):
    """A signal ends the command; raised once what there was to save is saved."""

    def __init__(self, signal_number: int):
        super().__init__(signal_number)
        self.status = 128 + signal_number


class Listener:
    """Listens from `start` to `stop`; `asked` is the first signal's number, 0 before it."""

    def __init__(self):
        self.asked = 0
        self._lock = threading.Lock()
        self._saving = 0
        self._raising = False
        self._farewell = ""
        self._before: dict[int, Any] = {}

    def start(self) -> bool:
        """Begin to listen; False if already listening, or where Python allows no handlers."""
        if self._before or threading.current_thread() is not threading.main_thread():
            return False
        self.asked, self._saving, self._raising, self._farewell = 0, 0, False, ""
        # a hang-up stays ignored under nohup
        heard = [s for s in SIGNALS if s != getattr(signal, "SIGHUP", None) or not _ignored(s)]
        self._before = {each: signal.signal(each, self._handle) for each in heard}
        reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._listen, args=(reader,), daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """Give the signals back to whoever had them."""
        signal.set_wakeup_fd(self._wakeup)
        for each, handler in self._before.items():
            signal.signal(each, handler)
        with self._lock:
            self._before = {}
        os.close(self._writer)
        self._thread.join()  # what it has not read yet is not for the next to hear

    @contextmanager
    def saving(self) -> Iterator["Listener"]:
        """Note signals in the block, which looks at `asked`; what came unseen ends it."""
        started = self.start()
        with self._lock:
            self._saving += 1
        try:
            yield self
            if self._saving == 1:
                raise_if(self.asked)
        finally:
            if started:
                self.stop()
            with self._lock:
                self._saving -= 1

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Raise Interrupted in the block, for a command that has others to end."""
        self._raising = True
        try:
            yield
        finally:
            self._raising = False

    @contextmanager
    def farewell(self, text: str) -> Iterator[None]:
        """Print `text` on stderr if a signal ends the command within the block."""
        self._farewell = text
        try:
            yield
        except Interrupted:
            if text:
                print(text, file=sys.stderr)
            raise
        finally:
            self._farewell = ""

    def _handle(self, number: int, _frame: object) -> None:
        if self._saving:
            self.asked = self.asked or number
        elif self._raising:
            raise Interrupted(number)

    def _listen(self, reader: int) -> None:
        impatient_at = None
        with open(reader, "rb", buffering=0) as numbers:
            while byte := numbers.read(1):
                number, now = byte[0], time.monotonic()
                with self._lock:
                    if number not in self._before:
                        continue
                    if self._saving:
                        self.asked = self.asked or number
                    elif not (self._raising or self.asked):  # asked: it is ending already
                        _leave(number, self._farewell)
                if number in IMPATIENT:
                    if impatient_at is not None and now - impatient_at > TWICE_SECONDS:
                        _leave(number, "")
                    impatient_at = impatient_at or now


def raise_if(number: int) -> None:
    """Raise Interrupted for a signal's number, nothing for 0."""
    if number:
        raise Interrupted(int(number))


def _ignored(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def _leave(number: int, farewell: str) -> None:
    """End the process at once, a terminal's progress bar taken away and its cursor shown."""
    with contextlib.suppress(OSError):
        if os.isatty(1):
            os.write(1, b"\r\x1b[2K\x1b[?25h")
        if farewell:
            os.write(2, (farewell + "\n").encode(errors="backslashreplace"))
    os._exit(128 + number)


LISTENER = Listener()
"""The process's one listener."""
