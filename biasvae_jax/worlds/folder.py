"""A world of rows: a folder of pictures with a list of their attributes, such as CelebA's."""

import dataclasses
import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL

from biasvae_jax import host
from biasvae_jax.components import ConfigError, register, require, require_whole
from biasvae_jax.errors import shown
from biasvae_jax.factors import Factor
from biasvae_jax.waiting import note
from biasvae_jax.worlds.attributes import Listing, inside, read_listing
from biasvae_jax.worlds.cache import kept
from biasvae_jax.worlds.filed import FiledRows
from biasvae_jax.worlds.pictures import Style, read_pictures
from biasvae_jax.worlds.rows import Rows

CELEBA = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
LISTS = ("list_attr_celeba.txt", "list_attr_celeba.csv")
PARTITIONS = ("list_eval_partition.txt", "list_eval_partition.csv")
PLACES = ("img_align_celeba/img_align_celeba", "img_align_celeba", ".")
TRAINING, TEST = 0, 2  # of the partition; 1, validation, is not used


@register
@dataclass(frozen=True)
class Folder(FiledRows):
    """Pictures of a folder and the file that lists their attributes, as CelebA ships them.

    The list is `list_attr_celeba.txt` or a CSV (first column the file's name, the others numbers).
    An attribute of two values is binary, 0 or 1; others are numbers; constant ones are left out.
    Pictures lie in `img_align_celeba` or where the list says, below the folder. A square at the
    centre is made `size`×`size` by Pillow's bilinear filter. With `list_eval_partition.txt`, 0 is
    training and 2 the test set; else a random part is held out. The test set has equally many rows
    of each class of the bias. Pictures are read once, and kept as uint8 in the user's cache.
    """

    data: str = dataclasses.field(default="", compare=False)
    """Folder of the pictures and the list of their attributes (as CelebA ships them, or a CSV)."""
    rows: int | None = None
    """Use so many of the pictures, picked at random (None: all)."""
    attribute_file: str = ""
    """The list's name in the folder (empty: list_attr_celeba.txt, or the only CSV)."""
    crop: int | None = None
    """Side of the square at a picture's centre that is used, in its pixels (None: its shorter side;
    CelebA's usual is 148)."""
    size: int = 64
    """Pixels along a side of the images."""
    channels: int = 3
    """3: RGB; 1: grey."""
    skip_broken: bool = False
    """Go on without pictures that are broken or missing."""

    kind = "folder"
    noun = "folder"
    lacking = (
        f"needs a folder: name it with --data (CelebA: {CELEBA}, unpack img_align_celeba.zip "
        "beside list_attr_celeba.txt; then biasvae sweep --preset celeba --data FOLDER)"
    )

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        if self.crop is not None:
            require_whole("crop", self.crop)
        require_whole("size", self.size)
        require(self.size <= 1_024, "size", self.size, "must be ≤ 1024")
        require(self.channels in (1, 3), "channels", self.channels, "must be 1 (grey) or 3 (RGB)")
        text = isinstance(self.attribute_file, str)
        require(text, "attribute_file", self.attribute_file, "must be a name")

    def read(self) -> Rows:
        """Return the pictures."""
        return self._content.rows

    def found(self) -> str:
        """Return the SHA-256 of the pictures as they are read, with their attributes."""
        return self._content.sha256

    @property
    def _content(self) -> "Content":
        folder = Path(self.data)
        listing, partition = _list(folder, self.attribute_file), _first(folder, PARTITIONS)
        style = Style(self.size, self.crop, self.channels)
        return _read(
            folder, listing, partition, self.rows, style, self.skip_broken, _stamp(folder, listing)
        )

    @property
    def caption(self) -> str:
        """What the images of the test set show."""
        return f"pictures of {Path(self.data).name}, held out, equally many of each class"


class Content(NamedTuple):
    """What a folder holds."""

    rows: Rows
    sha256: str


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _list(folder: Path, name: str) -> Path:
    """Return the file that lists the attributes; raises ConfigError if there is none."""
    if not folder.is_dir():
        raise ConfigError(f"--data {folder} is no folder of pictures")
    if name:
        (file,) = inside(folder, [name])
        if not file.is_file():
            raise ConfigError(f"--attribute-file {name} is not in {folder}")
        return file
    celeba = _first(folder, LISTS)
    found = [file for file in sorted(folder.glob("*.csv")) if file.name not in PARTITIONS]
    if celeba is None and len(found) != 1:
        raise ConfigError(
            f"--data {folder} has no list_attr_celeba.txt and {len(found) or 'no'} CSV files; "
            "name the list of attributes with --attribute-file"
        )
    return celeba or found[0]


def _stamp(folder: Path, listing: Path) -> tuple[int, ...]:
    """Return what changes when files come, go or are listed anew, while this process runs."""
    try:
        files = [folder, folder / "img_align_celeba", listing]
        return tuple(file.stat().st_mtime_ns for file in files if file.exists())
    except OSError as error:
        raise ConfigError(f"--data {folder} cannot be read: {error.strerror or error}") from None


@functools.lru_cache(maxsize=2)
def _read(
    folder: Path,
    listing: Path,
    partition: Path | None,
    rows: int | None,
    style: Style,
    skip_broken: bool,
    stamp: tuple[int, ...],
) -> Content:
    listed = read_listing(listing)
    held = None if partition is None else _parts(partition, listed.files)
    used = np.arange(len(listed.files)) if held is None else np.flatnonzero(held != 1)
    if rows is not None and rows < len(used):
        used = np.sort(np.random.default_rng(0).choice(used, rows, replace=False))
    if len(used) < 4:
        raise ConfigError(f"--data {listing} lists {len(used)} pictures that can be used")
    _check_room(folder, len(used), style)
    files = _places(folder, [listed.files[place] for place in used])
    shape = (len(files), style.size, style.size, style.channels)

    def fill(images: np.ndarray) -> tuple[int, list]:
        wrong = read_pictures(files, style, images)
        fine = [number for number in range(len(files)) if number not in wrong]
        for place, number in enumerate(fine) if wrong else ():
            images[place] = images[number]
        return len(fine), sorted(wrong.items())

    images, sha256, wrong = kept(_key(files, style), shape, fill)
    if wrong:
        _complain(folder, [listed.files[used[n]] for n, _ in wrong], wrong[0][1], skip_broken, used)
        used = np.delete(used, [number for number, _ in wrong])
    factors, values = _factors(listed, used)
    part = None if held is None else held[used] == TEST
    if part is not None and not (2 <= part.sum() <= len(part) - 2):
        raise ConfigError(
            f"--data {partition} leaves {len(part) - part.sum()} pictures to training and "
            f"{part.sum()} to the test set; use more --rows"
        )
    about = json.dumps([sha256, [f.name for f in factors], style])
    content = about.encode() + values.tobytes() + (b"" if part is None else part.tobytes())
    return Content(
        Rows(images, values, factors, 255, held=part), hashlib.sha256(content).hexdigest()
    )


def _parts(partition: Path, files: list[str]) -> np.ndarray:
    """Return each picture's part of CelebA's partition, `[files]`."""
    listed = read_listing(partition, ("partition",))
    parts = dict(zip(listed.files, listed.values[:, 0].astype(int).tolist(), strict=True))
    lacking = next((file for file in files if parts.get(file) not in (0, 1, 2)), None)
    if lacking is not None:
        raise ConfigError(f"--data {partition} does not put {lacking[:80]} into part 0, 1 or 2")
    return np.array([parts[file] for file in files])


def _places(folder: Path, names: list[str]) -> list[Path]:
    """Return where the pictures lie: in the first place that has one of the first hundred."""
    for place in PLACES:
        if any((folder / place / name).is_file() for name in names[:100]):
            return inside(folder, names, place)
    return inside(folder, names)


def _key(files: list[Path], style: Style) -> str:
    """Return the key of pictures in the cache: their names, sizes and times, and the style."""
    text = hashlib.sha256(json.dumps([1, PIL.__version__, style]).encode())
    for file in files:
        try:
            stat = file.stat()
            about = (stat.st_size, stat.st_mtime_ns)
        except OSError:
            about = ()
        text.update(json.dumps([str(file.absolute()), *about]).encode())
    return text.hexdigest()


def _check_room(folder: Path, rows: int, style: Style) -> None:
    """Raise ConfigError, saying what fits, if the pictures do not fit into memory."""
    each, free = style.size**2 * style.channels, 0.8 * host.free_memory()
    if rows * each > free:
        fits = f"--rows {int(free // each)} fits" if free >= 4 * each else "use a smaller --size"
        raise ConfigError(
            f"--data {folder} needs about {rows * each / 2**30:.1f} GiB and "
            f"{free / 0.8 / 2**30:.1f} GiB are free; {fits}"
        )


def _complain(
    folder: Path, names: list[str], what: str, skip_broken: bool, used: np.ndarray
) -> None:
    """Name the broken pictures: a line of note if they are skipped, else a ConfigError."""
    several = f"{len(names):,} of {len(used):,} pictures are broken or missing"
    if not skip_broken or len(used) - len(names) < 4:
        raise ConfigError(
            f"--data {folder}: {several}, the first is {names[0]}, which {what}; "
            "mend them, or go on without them by --skip-broken"
        )
    shortened = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    note(shown(f"{several}, and left out: {shortened}"))


def _factors(listed: Listing, used: np.ndarray) -> tuple[tuple[Factor, ...], np.ndarray]:
    """Return the attributes that vary, and their values; those of two values become 0 and 1."""
    factors, columns = [], []
    for name, column in zip(listed.attributes, listed.values[used].T, strict=True):
        least, most = column.min(), column.max()
        if least == most:
            continue
        binary = bool(((column == least) | (column == most)).all())
        factors.append(Factor(name, "binary" if binary else "continuous"))
        columns.append(column == most if binary else column)
    if not factors:
        raise ConfigError(f"none of the attributes varies over the {len(used)} pictures")
    return tuple(factors), np.stack(columns, axis=1).astype(np.float32)
