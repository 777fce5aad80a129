"""Odd names, file systems that lack something and few open files, done to a tiny sweep in here."""

import contextlib
import errno
import fcntl
import os
import resource
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import numpy as np

from biasvae_jax.cli.common import Interrupted
from biasvae_jax.runs.directory import RunDirectoryError, StorageError
from experiments.torture.victim import CHUNK, STEPS, Tally, Victim, interrupt

NAMES = (
    *(
        "a\\b",
        "a\\",
        "gs:",
        "file:",
        "s3:",
        "a?b#c",
        "a%20b",
        "a|b",
        "a:b",
        "a*b",
        " a ",
        "~",
        "-a",
    ),
    *("a'b", 'a"b', "a;b&c", "${HOME}", "a{b}", "a[b]c", "[bold]", "<i>", "..a", "a\nb", "a\tb"),
    *("a\x1b[31mb", "\x7f", "é", "日本", "caf\udce9", "é\udcff", "x" * 250),
)
"""Names of run directories: separators, schemes, markup, control characters, bytes of no text."""

FEATURES = {
    "sync a folder": (os, "fsync", lambda file, *_: stat.S_ISDIR(os.fstat(file).st_mode)),
    "sync a file": (os, "fsync", lambda file, *_: stat.S_ISREG(os.fstat(file).st_mode)),
    "rename a folder": (os, "replace", lambda source, *_: Path(source).is_dir()),
    "rename a file": (os, "replace", lambda source, *_: Path(source).is_file()),
    "lock": (fcntl, "flock", lambda *_: True),
}
"""What a file system may lack: module and name of the call, and which calls fail."""

UNABLE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV, errno.ENOLCK)
FREE_FILES = (0, 5, 10, 20, 30, 40, 44, 46, 50, 60, 80, 128)


@contextlib.contextmanager
def lacking(feature: str, code: int) -> Iterator[None]:
    """Let the calls behind a feature fail with an error of the system."""
    module, name, refused = FEATURES[feature]
    real = getattr(module, name)

    def call(*arguments):
        if refused(*arguments):
            raise OSError(code, os.strerror(code))
        return real(*arguments)

    with mock.patch.object(module, name, call):
        yield


@contextlib.contextmanager
def free_files(count: int) -> Iterator[None]:
    """Let the process open `count` files more than it has open."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = set(map(int, os.listdir("/dev/fd")))  # not always the lowest numbers
    free = [number for number in range(max(opened) + count + 2) if number not in opened]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[count], limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def names(victim: Victim, folder: Path, some: Sequence[str] = NAMES) -> Tally:
    """Stop and go on in directories of odd names; nothing may come to lie outside them."""
    tally = Tally("an odd name of the run directory")
    for name in some:
        place = folder / "names"
        out = place / name
        tally.trials += 1
        try:
            with contextlib.suppress(Interrupted):
                victim.run(out, np.inf, at=(STEPS - CHUNK, interrupt))
            victim.run(out, np.inf)
        except (StorageError, RunDirectoryError) as error:
            tally.lost.append(f"{name!r}: {error}")
            continue
        outside = [path.name for path in place.iterdir() if path != out]
        problems = [*victim.differences(out), *(f"{path!r} lies outside" for path in outside)]
        tally.wrong += [f"{name!r}: {problem}" for problem in problems]
        tally.saw("stopped and went on inside it")
        shutil.rmtree(place)
    return tally


def lacking_features(
    victim: Victim, folder: Path, features: Sequence[str] = tuple(FEATURES), codes=UNABLE
) -> Tally:
    """Take each feature from the file system: one line before any training, or the same bits."""
    tally = Tally("a file system that lacks something")
    for feature in features:
        for code in codes:
            with lacking(feature, code):
                _try(tally, victim, folder / "lacking", f"{feature}: {errno.errorcode[code]}")
    return tally


def few_files(victim: Victim, folder: Path, counts: Sequence[int] = FREE_FILES) -> Tally:
    """Let few files be opened: one line before any training, or the same bits."""
    tally = Tally("a limit of open files")
    for count in counts:
        with free_files(count):
            _try(tally, victim, folder / "few", f"{count} files")
    return tally


def _try(tally: Tally, victim: Victim, out: Path, trial: str) -> None:
    tally.trials += 1
    try:
        victim.run(out, np.inf)
        tally.wrong += [f"{trial}: {difference}" for difference in victim.differences(out)]
        tally.saw("trained to the same bits")
    except (StorageError, RunDirectoryError) as error:
        if "\n" in str(error) or (out / "config.json").exists():
            tally.wrong.append(f"{trial}: said {error}")
        tally.saw("refused before training")
    shutil.rmtree(out, ignore_errors=True)
