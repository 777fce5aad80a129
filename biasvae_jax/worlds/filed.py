"""Worlds of rows from files, known by what is in them and not by where they lie."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from biasvae_jax.biases.base import Bias
from biasvae_jax.components import ConfigError, require, require_whole
from biasvae_jax.worlds.rows import RowWorld


@dataclass(frozen=True, kw_only=True)
class FiledRows(RowWorld):
    """A world of rows from files, known by what is in them and not by where they lie.

    A subclass gives `read`, `found` and `lacking`.
    """

    data: str = dataclasses.field(default="", compare=False)
    """Where the images and their factors lie."""
    rows: int | None = None
    """Use so many of the rows, picked at random (None: all)."""
    fingerprint: str = dataclasses.field(default="", init=False)
    """SHA-256 of the data; filled in when a run begins, and compared when it goes on."""

    noun: ClassVar[str] = "file"
    lacking: ClassVar[str] = "needs a file: name it with --data"
    """What is said where none is named."""

    def found(self) -> str:
        """Return the SHA-256 of what is there now; raises ConfigError of one line."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        require(isinstance(self.data, str), "data", self.data, "must name a file")
        if self.rows is not None:
            require_whole("rows", self.rows, 4)
        text = isinstance(self.fingerprint, str) and len(self.fingerprint) in (0, 64)
        require(text, "fingerprint", self.fingerprint, "must be a SHA-256, or left out")

    def check_bias(self, bias: Bias) -> None:
        """Raise ConfigError if the bias is of another kind, or no file is named."""
        super().check_bias(bias)
        if not self.data:
            raise ConfigError(f"--world {self.kind} {self.lacking}")

    def sealed(self, bias: Bias | None = None) -> Self:
        """Return the world with its data's fingerprint; raises ConfigError if another is stored.

        Of a given bias it is looked whether the data have its factor and values.
        """
        found = self.found()
        if self.fingerprint not in ("", found):
            raise ConfigError(
                f"--data {self.data} is not the {self.noun} that this run was made with"
            )
        sealed = dataclasses.replace(self)
        object.__setattr__(sealed, "fingerprint", found)
        return super(FiledRows, sealed).sealed(bias)

    def moved(self, file: str) -> Self:
        """Return the same world with its data elsewhere."""
        moved = dataclasses.replace(self, data=file)
        object.__setattr__(moved, "fingerprint", self.fingerprint)
        return moved

    @property
    def caption(self) -> str:
        """What the images of the test set show."""
        return f"images of {Path(self.data).name}, held out of training"
