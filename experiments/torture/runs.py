"""Kills, signals and races, done to whole processes."""

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from biasvae_jax.cli import common
from biasvae_jax.runs.files import WRITING
from biasvae_jax.runs.signals import SIGNALS
from experiments.torture.victim import Tally, Victim, launch

REPORTING = "writing report"
PATIENCE = 300.0  # seconds after which a process counts as hung


class Runs:
    """Trials on whole processes, in one directory that is used until its run is finished."""

    def __init__(self, victim: Victim, folder: Path, rng: np.random.Generator):
        self.victim, self.rng = victim, rng
        self.out, self.log, self.lifetime = folder / "run", folder / "log", 10.0

    def control(self) -> Tally:
        """See that a command left alone gives the reference's bytes, and how long it takes."""
        tally, started = Tally("left alone"), time.monotonic()
        self._finish(tally)
        self.lifetime = time.monotonic() - started
        return tally

    def finished(self) -> Tally:
        """Let what the other trials have left go on to its end."""
        tally = Tally("gone on to the end")
        self._finish(tally)
        return tally

    def kills(self, count: int) -> Tally:
        """Kill resumed runs until `count` were killed; a run that ends first is checked."""
        tally = Tally("killed")
        while tally.trials < count:
            in_a_write, started = tally.trials % 2, time.time()
            with self._started(tally) as process:
                if in_a_write:
                    self._await_write(process, int(self.rng.integers(1, 40)))
                else:
                    _wait(process, self.rng.uniform(0, self.lifetime))
                process.kill()
            if process.returncode == -signal.SIGKILL:
                tally.trials += 1
                # not what an earlier kill left, if this one came before it was swept away
                half = any(p.stat().st_mtime > started for p in self.out.rglob(WRITING + "*"))
                tally.saw("with something half-written" if half else "between writes")
            else:
                self._check_end(tally, process)
        return tally

    def signals(self, count: int) -> Tally:
        """Interrupt resumed runs in every phase; each must exit with 128 + the signal's number.

        Every other one comes while the report and figures are drawn, the rest at any instant.
        """
        tally = Tally("interrupted")
        while tally.trials < count:
            number = SIGNALS[tally.trials // 2 % len(SIGNALS)]
            with self._started(tally) as process:
                if tally.trials % 2:
                    self._await_text(process, REPORTING)
                    _wait(process, self.rng.uniform(0, 1))
                else:
                    _wait(process, self.rng.uniform(0, self.lifetime))
                before = self._phase()
                process.send_signal(number)
            if process.returncode == 0 and before == "its end":
                self._check_end(tally, process)
                continue
            tally.trials += 1
            early = process.returncode == -number and before == "its start"  # it did not listen yet
            said = "The same command goes on" in self.log.read_text()
            promised = said or before in ("its start", "its end")
            if early or (process.returncode == 128 + number and promised):
                tally.saw(f"in {before}")
            else:
                tally.wrong.append(
                    f"{number!r} in {before}: {process.returncode}, {self._last_words()}"
                )
        return tally

    def races(self, count: int) -> Tally:
        """Start two at once; one must end with 2 and name the other, who is then interrupted."""
        tally = Tally("raced for one directory")
        second_log = self.log.with_name("log-2")
        while tally.trials < count:
            with (
                self._started(tally) as first,
                _reaped(launch(self.out, second_log)) as second,
            ):
                _wait_any(first, second)
                processes = {first: self.log, second: second_log}
                (loser, said), (winner, _) = sorted(
                    processes.items(), key=lambda each: each[0].poll() is None
                )
                if winner.poll() is None:
                    winner.send_signal(signal.SIGTERM)
            if 0 in (first.returncode, second.returncode) and loser.returncode != common.BAD_INPUT:
                self._check_end(tally, loser)  # it had finished before the other began
                continue
            tally.trials += 1
            named = f"process {winner.pid} " in said.read_text()
            alive = winner.returncode in (0, 143, -signal.SIGTERM)
            if loser.returncode == common.BAD_INPUT and named and alive:
                tally.saw("one writer, named")
            else:
                codes = f"{loser.returncode}, {winner.returncode}"
                tally.wrong.append(f"{codes}: {said.read_text()}")
        return tally

    # Processes ----------------------------------------------------------------------------------

    @contextmanager
    def _started(self, tally: Tally) -> Iterator[subprocess.Popen]:
        """Start the command; once it has ended, see that it began from the newest checkpoint."""
        steps = [int(p.name[-9:]) for p in (self.out / "checkpoints").glob("group-*")]
        with _reaped(launch(self.out, self.log)) as process:
            yield process
        began = re.search(r"group 1: from (?:step ([\d,]+)|the start)", self.log.read_text())
        if began and int((began[1] or "0").replace(",", "")) != max(steps, default=0):
            tally.lost.append(f"began {began[0]!r}, but {steps} were stored")

    def _finish(self, tally: Tally) -> None:
        tally.trials += 1
        with self._started(tally) as process:
            _wait(process, PATIENCE)
        self._check_end(tally, process)

    def _check_end(self, tally: Tally, process: subprocess.Popen) -> None:
        """Compare a finished run with the reference, and begin another."""
        if process.returncode != 0:
            tally.lost.append(f"exit status {process.returncode}: {self._last_words()}")
        else:
            tally.wrong += self.victim.differences(self.out)
            tally.saw("run to its end")
        shutil.rmtree(self.out, ignore_errors=True)

    def _phase(self) -> str:
        """Name what the process has last said it is doing."""
        said = self.log.read_text()
        if "; open " in said:
            return "its end"
        if REPORTING in said:
            return "its report"
        return "training" if "group 1" in said or "scoring" in said else "its start"

    def _last_words(self) -> str:
        return self.log.read_text()[-500:]

    def _await_write(self, process: subprocess.Popen, sightings: int) -> None:
        """Wait until something half-written has been seen so many times."""
        places = [self.out, self.out / "checkpoints", self.out / "models"]
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and sightings and time.monotonic() < deadline:
            if any(next(place.glob(WRITING + "*"), None) for place in places):
                sightings -= 1
            time.sleep(0.001)

    def _await_text(self, process: subprocess.Popen, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if text in self.log.read_text():
                return
            time.sleep(0.01)


@contextmanager
def _reaped(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    """Wait for a process when the block ends; one that hangs is killed, and shows as lost."""
    yield process
    _wait(process, PATIENCE)
    process.kill()
    process.wait()


def _wait(process: subprocess.Popen, seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _wait_any(*processes: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while all(each.poll() is None for each in processes) and time.monotonic() < deadline:
        time.sleep(0.01)
