"""Lists of pictures with their attributes: CelebA's text files, and plain CSV.

    list_attr_celeba.txt       the number of pictures; the attributes' names; a line a picture
    list_eval_partition.txt    a line a picture: 0 training, 1 validation, 2 test
    *.csv                      a header; the file's name first, then numbers

Source of CelebA's files: Liu et al. 2015, "Deep learning face attributes in the wild".
"""

import csv
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

import numpy as np

from biasvae_jax.components import ConfigError

Lines = Iterator[tuple[int, list[str]]]


class Listing(NamedTuple):
    """Pictures by name, and their attributes."""

    files: list[str]
    attributes: tuple[str, ...]
    values: np.ndarray
    """float32, `[files, attributes]`"""


def read_listing(file: Path, attributes: Sequence[str] | None = None) -> Listing:
    """Read a list of pictures; raises ConfigError of one line naming the line that is wrong.

    Given `attributes`, the file is a bare list without a header, as CelebA's partition is.
    """
    spaced = file.suffix.lower() != ".csv"
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            lines = (line.split() for line in stream) if spaced else csv.reader(stream)
            return _listing(file, enumerate(lines, 1), spaced, attributes)
    except OSError as error:
        raise ConfigError(f"--data {file} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error):
        raise ConfigError(f"--data {file} is no text of names and numbers") from None


def _listing(
    file: Path, lines: Lines, spaced: bool, attributes: Sequence[str] | None = None
) -> Listing:
    said, nothing = None, (1, [])
    if attributes is None or not spaced:
        if spaced:
            _, first = next(lines, nothing)
            if len(first) != 1 or not first[0].isdecimal() or len(first[0]) > 9:
                raise ConfigError(f"--data {file} must begin with the number of pictures")
            said = int(first[0])
        number, header = next(lines, nothing)
        attributes = [name.strip() for name in (header if spaced else header[1:])]
        if not attributes or len(set(attributes)) < len(attributes) or not all(attributes):
            raise ConfigError(f"--data {file} must name its attributes in line {number}, each once")
    files, values = [], [np.zeros((0, len(attributes)), np.float32)]
    for number, line in lines:
        if not line:
            continue
        if len(line) != 1 + len(attributes):
            raise ConfigError(
                f"--data {file}, line {number}: a name and {len(attributes)} numbers are needed; "
                f"found {len(line)} columns"
            )
        files.append(line[0].strip())
        values.append(_numbers(file, number, line[1:])[None])
    if said not in (None, len(files)):
        raise ConfigError(f"--data {file} says that it has {said} pictures, and has {len(files)}")
    if len(set(files)) < len(files):
        ((twice, _),) = Counter(files).most_common(1)
        raise ConfigError(f"--data {file} names {twice[:80]} twice")
    return Listing(files, tuple(attributes), np.concatenate(values))


def _numbers(file: Path, number: int, words: list[str]) -> np.ndarray:
    try:
        values = np.array(words, np.float32)
        if np.isfinite(values).all():
            return values
    except ValueError:
        pass
    wrong = next(word for word in words if not _is_finite(word))
    raise ConfigError(f"--data {file}, line {number}: {wrong[:40]!r} is no number")


def _is_finite(word: str) -> bool:
    try:
        return bool(np.isfinite(np.array(word, np.float32)))
    except ValueError:
        return False


def inside(folder: Path, names: Sequence[str], place: str = ".") -> list[Path]:
    """Return the files of names in a place below a folder; raises ConfigError if one leaves it."""
    root = os.path.realpath(folder)
    parents: dict[str, bool] = {}

    def within(path: str) -> bool:
        return os.path.commonpath([root, os.path.realpath(path)]) == root

    found = []
    for name in names:
        path = os.path.join(folder, place, name)
        parent = os.path.dirname(path)
        plain = (
            name
            and "\0" not in name
            and not PurePosixPath(name).is_absolute()
            and not PureWindowsPath(name).anchor
            and ".." not in PureWindowsPath(name).parts
        )
        if plain and parent not in parents:
            parents[parent] = within(parent)
        if not plain or not parents[parent] or (_is_link(path) and not within(path)):
            raise ConfigError(f"--data {folder}: {name[:80]!r} leads out of the folder")
        found.append(Path(path))
    return found


def _is_link(path: str) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except OSError:  # not there, which is for the reader to say
        return False
