"""Damaged files and failing writes, done to a tiny sweep in this process."""

import contextlib
import io
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biasvae_jax.cli.common import Interrupted
from biasvae_jax.cli.finished import present
from biasvae_jax.cli.sweep import main
from biasvae_jax.runs import directory
from biasvae_jax.runs.directory import RunDirectoryError, StorageError
from experiments.torture.victim import CHUNK, FLAGS, STEPS, Tally, Victim, interrupt

Damage = Callable[[bytes], bytes | None]
"""What becomes of a file's content; None: the file goes."""


def damages(size: int, places: int, rng: np.random.Generator) -> Iterator[tuple[str, Damage]]:
    """Yield removal, truncations and bit flips, spread over a file of `size` bytes."""
    yield "removed", lambda content: None
    for length in np.unique(np.linspace(0, size - 1, places).astype(int)):
        yield f"cut to {length} bytes", lambda content, n=length: content[:n]
    for place in np.unique(np.linspace(0, size - 1, places).astype(int)):
        bit = 1 << int(rng.integers(8))
        yield f"bit {bit} of byte {place} flipped", _flip(place, bit)


def _flip(place: int, bit: int) -> Damage:
    return lambda content: content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


def inflict(file: Path, damage: Damage) -> None:
    """Replace a file's content by `damage(content)`, or remove the file where that is None."""
    content = damage(file.read_bytes())
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)


def files(folder: Path) -> list[Path]:
    """List the files below a folder, relative to it."""
    return sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())


# Damaged files ----------------------------------------------------------------------------------


@dataclass
class Stages:
    """Copies of one run at three stages, for damaging."""

    victim: Victim
    folder: Path

    def __post_init__(self):
        last = STEPS - CHUNK
        self.checkpoints = [directory.checkpoint_folder(Path(), 0, s) for s in (last, last - CHUNK)]
        self.stopped, self.trained = self.folder / "stopped", self.folder / "trained"
        with contextlib.suppress(Interrupted):
            self.victim.run(self.stopped, at=(last, interrupt))
        self.finished = self.folder / "finished"
        shutil.copytree(self.victim.reference, self.trained)
        (self.trained / "results.nc").unlink()
        shutil.copytree(self.victim.reference, self.finished)
        present(self.finished)

    def fall_back(self, file: Path, damage: Damage) -> str:
        """Damage a file of the newest checkpoint; the run must name it and lose nothing."""
        out = self._copy(self.stopped)
        inflict(out / file, damage)
        warnings = io.StringIO()
        with contextlib.redirect_stderr(warnings):
            self.victim.run(out, interval=np.inf)
        line = warnings.getvalue()
        if str(file) not in line or line.count("\n") != 1:
            return f"warned {line!r}"
        return "; ".join(self.victim.differences(out))

    def refuse(self, stage: Path, spoiled: list[Path], damage: Damage) -> str:
        """Damage files that nothing can stand in for; the run must end with a line on one."""
        out = self._copy(stage)
        for file in spoiled:
            inflict(out / file, damage)
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                self.victim.run(out, interval=np.inf)
        except (StorageError, RunDirectoryError) as error:
            named = spoiled[0].name in str(error) or len(spoiled) > 1
            return "" if named and "\n" not in str(error) else f"said {error}"
        return "was not noticed"

    def report(self, file: Path, damage: Damage) -> str:
        """Damage a result of a finished run; the command must refuse it or make it anew."""
        out = self._copy(self.finished)
        inflict(out / file, damage)
        try:
            main([*FLAGS, "--out", str(out), "--quiet", "--compilation-cache", "off"])
        except (StorageError, RunDirectoryError) as error:
            return "" if file.stem in str(error) else f"said {error}"
        return "; ".join(self.victim.differences(out))

    def _copy(self, stage: Path) -> Path:
        out = self.folder / "damaged"
        shutil.rmtree(out, ignore_errors=True)
        return shutil.copytree(stage, out)


def corruptions(victim: Victim, folder: Path, places: int, rng: np.random.Generator) -> list[Tally]:
    """Damage every file of a run, one after another, at several lengths and places."""
    stages = Stages(victim, folder)
    newest, older = stages.checkpoints
    falls = Tally("a file of the newest checkpoint damaged")
    for file in files(stages.stopped / newest):
        for name, damage in damages((stages.stopped / newest / file).stat().st_size, places, rng):
            _judge(falls, f"{file} {name}", "fell back", stages.fall_back(newest / file, damage))
    refusals = Tally("both checkpoints, the models or config.json damaged")
    spoiled = [(stages.stopped, [newest / f, older / f]) for f in files(stages.stopped / newest)]
    models = directory.models_folder(Path(), 0)
    spoiled += [(stages.trained, [models / f]) for f in files(stages.trained / models)]
    spoiled += [(stages.stopped, [Path(f"config.json{end}")]) for end in ("", ".sha256")]
    for stage, some in spoiled:
        for name, damage in damages((stage / some[0]).stat().st_size, places, rng):
            ending = stages.refuse(stage, some, damage)
            _judge(refusals, f"{some[0]} {name}", "refused", ending)
    reports = Tally("a result of a finished run damaged")
    for name in ("results.nc", "results.nc.sha256", "history.nc", "history.nc.sha256"):
        for what, damage in damages((stages.finished / name).stat().st_size, places, rng):
            ending = stages.report(Path(name), damage)
            _judge(reports, f"{name} {what}", "refused, or made anew", ending)
    return [falls, refusals, reports]


def _judge(tally: Tally, trial: str, good: str, problem: str) -> None:
    tally.trials += 1
    if problem:
        tally.wrong.append(f"{trial}: {problem}")
    else:
        tally.saw(good)


# Failing writes ---------------------------------------------------------------------------------


def file_limits(victim: Victim, folder: Path, most: int | None = None) -> Tally:
    """Let every write fail that makes a file as large as one of a run's, for `most` such sizes."""
    tally = Tally("writes fail at a file-size limit")
    sizes = {p.stat().st_size for p in victim.reference.rglob("*") if p.is_file()}
    for size in sorted(sizes - {0}, reverse=True)[:most]:
        out = folder / "limited"
        with _limited(size - 1):
            ended = _end(victim, out)
        _judge_disk(tally, victim, out, f"files under {size} bytes", ended)
        shutil.rmtree(out)
    return tally


@contextlib.contextmanager
def _limited(size: int) -> Iterator[None]:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def full_disks(victim: Victim, folder: Path, count: int) -> Tally:
    """Run on small file systems of `count` sizes, full at as many points of the run."""
    tally = Tally("writes fail on a full file system")
    folder.mkdir()
    pages = 3 * len(files(victim.reference))  # two checkpoints and a third, and a bit
    for kib in np.unique(np.linspace(4, 6 * pages, count).astype(int)):
        with _mounted(folder, f"size={kib}k") as mounted:
            if not mounted:
                tally.saw("not tried: no permission to mount one")
                return tally
            ended = _end(victim, folder / "run")
            _remount(folder)
            _judge_disk(tally, victim, folder / "run", f"{kib} KiB", ended)
    return tally


@contextlib.contextmanager
def _mounted(folder: Path, options: str) -> Iterator[bool]:
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def _remount(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=256m", str(folder)], check=True)


def _end(victim: Victim, out: Path) -> str:
    """Run until the disk ends it: the error's line, or nothing if it did not."""
    try:
        victim.run(out)
    except (StorageError, RunDirectoryError) as error:
        return str(error)
    return ""


def _judge_disk(tally: Tally, victim: Victim, out: Path, trial: str, ended: str) -> None:
    """See that every checkpoint with a name is whole, and that the run goes on to its end."""
    tally.trials += 1
    if "\n" in ended:
        tally.wrong.append(f"{trial}: said {ended}")
    try:
        for folder in (out / "checkpoints").glob("group-*"):
            directory.load_tree(folder, victim.study)
        victim.run(out, interval=np.inf)
    except (StorageError, RunDirectoryError) as error:
        tally.lost.append(f"{trial}: {error}")
        return
    tally.wrong += [f"{trial}: {difference}" for difference in victim.differences(out)]
    tally.saw("ended in one line and went on" if ended else "had room enough")
