"""The axes of a grid and the order of its models: the only place that knows either."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from biasvae_jax.components import ConfigError, flag, require, require_numbers


def single(value: float) -> float:
    """Return a number in single precision, in which training knows it: two equal there are one."""
    return float(np.float32(value))


def thinned(values: Sequence, most: int) -> list:
    """Pick at most so many of the values, evenly, both ends among them (of one alone, the first).

    >>> thinned([1, 2, 3, 4, 5], 3)
    [1, 3, 5]
    """
    places = np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int)
    return [values[place] for place in places]


def spread(values: Sequence, most: int) -> Sequence:
    """Pick at most so many of the values at equal distances, the first among them.

    >>> spread([1, 2, 3, 4, 5, 6], 3)
    [1, 3, 5]
    """
    return values[:: -(-len(values) // most)]


@dataclass(frozen=True)
class Axis:
    """A strength that a grid varies: how it is called, and its values."""

    name: str
    """Dimension of the results and flag of the command, such as `mu`."""
    symbol: str
    """How figures and sentences write it, such as μ."""
    long_name: str
    """What it is, in a few words."""
    values: tuple[float, ...]
    neutral: float = math.nan
    """The strength that changes nothing, such as no bias; NaN if only the data know it."""
    least: float = -math.inf
    """The smallest value allowed."""
    most: float = math.inf
    """The largest value allowed."""

    def check(self, stored: bool = False) -> None:
        """Raise ConfigError unless the values are different finite numbers in range.

        Those of a `stored` study may differ in double precision alone, as they once could.
        """
        require_numbers(self.name, self.values)
        rule = "must not hold a value twice (single precision cannot tell two of them apart)"
        different = len(set(map(single, self.values))) == len(self.values)
        require(stored or different, self.name, self.values, rule)
        if min(self.values) < self.least:
            raise ConfigError(
                f"{flag(self.name)} must be ≥ {self.least:g}; got {min(self.values):g}"
            )
        if max(self.values) > self.most:
            raise ConfigError(
                f"{flag(self.name)} must be ≤ {self.most:g}; got {max(self.values):g}"
            )

    def find(self, value: float) -> int:
        """Return the index of a value: itself, or one equal to it in single precision.

        Raises KeyError naming the neighbours if there is none.
        """
        order = sorted(range(len(self.values)), key=lambda i: abs(self.values[i] - float(value)))
        nearest = self.values[order[0]]
        if nearest == value or single(nearest) == single(value):
            return order[0]
        known = ", ".join(f"{v:g}" for v in self.values)
        near = " and ".join(repr(v) for v in sorted(self.values[i] for i in order[:2]))
        raise KeyError(f"no {self.name} {value} in this run; it has {known} (nearest: {near})")

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[float]:
        return iter(self.values)

    def __getitem__(self, index: int) -> float:
        return self.values[index]

    @property
    def label(self) -> str:
        """Symbol and name, as an axis of a figure has them."""
        return f"{self.symbol}, {self.title}"

    @property
    def title(self) -> str:
        """The long name up to its colon, such as "training bias"."""
        return self.long_name.partition(":")[0]


class Models(NamedTuple):
    """The coordinates of a stack of models, each `[models]`."""

    seed: np.ndarray
    bias: np.ndarray
    """Strength of the bias."""
    strength: np.ndarray
    """Strength of the regularisation."""

    def __getitem__(self, index):  # type: ignore[override]
        """Select models, as an array is indexed."""
        return Models(*(np.asarray(axis)[index] for axis in tuple(self)))

    @property
    def beta(self) -> np.ndarray:
        """The regularisation's strength under the name that the original study's axis has."""
        return self.strength


def portion(models: int, group: int, number: int) -> slice:
    """Return a group's models, where there are as few groups of at most `group` as hold them all.

    Their sizes differ by at most one.
    """
    count = -(-models // group)
    return slice(models * number // count, models * (number + 1) // count)


@dataclass(frozen=True)
class Grid:
    """Every combination of a bias, a regularisation and a seed: one model each.

    Stacks of models are flat, in the order (seed, bias, strength); labelled arrays have the
    dimensions `dims`.
    """

    bias: Axis
    strength: Axis
    seeds: int

    @property
    def dims(self) -> tuple[str, str, str]:
        """Names of the dimensions of labelled arrays."""
        return (self.bias.name, self.strength.name, "seed")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sizes of the dimensions."""
        return (len(self.bias.values), len(self.strength.values), self.seeds)

    @property
    def size(self) -> int:
        """Number of models."""
        return math.prod(self.shape)

    @property
    def cells(self) -> int:
        """Number of pairs of strengths."""
        return self.shape[0] * self.shape[1]

    @property
    def models(self) -> Models:
        """The models, flat."""
        axes = (
            np.arange(self.seeds, dtype=np.int32),
            np.asarray(self.bias.values, np.float32),
            np.asarray(self.strength.values, np.float32),
        )
        return Models(*(a.reshape(-1) for a in np.meshgrid(*axes, indexing="ij")))

    @property
    def rows(self) -> np.ndarray:
        """Which bias each model has: its place on the axis, `[models]`."""
        rows, columns, seeds = self.shape
        return np.tile(np.repeat(np.arange(rows), columns), seeds)

    def unflatten(self, flat: np.ndarray) -> np.ndarray:
        """Lay `[models, …]` out as `[bias, strength, seed, …]`."""
        flat = np.asarray(flat)
        rows, columns, seeds = self.shape
        return np.moveaxis(flat.reshape(seeds, rows, columns, *flat.shape[1:]), 0, 2)

    def flatten(self, values: np.ndarray) -> np.ndarray:
        """Undo `unflatten`."""
        values = np.asarray(values)
        return np.moveaxis(values, 2, 0).reshape(self.size, *values.shape[3:])

    def index(self, seed: int = 0, **cell: float) -> int:
        """Return a model's place in a flat stack, given its strengths by name and its seed.

        Raises KeyError naming what the run has, if there is no such model.
        """
        if set(cell) != {self.bias.name, self.strength.name}:
            wanted = f"{self.bias.name}=…, {self.strength.name}=…"
            raise KeyError(f"a model of this run is named by {wanted} and seed=…; got {cell}")
        if seed not in range(self.seeds):
            raise KeyError(f"no seed {seed} in this run; it has 0 to {self.seeds - 1}")
        row = self.bias.find(cell[self.bias.name])
        column = self.strength.find(cell[self.strength.name])
        return (int(seed) * self.shape[0] + row) * self.shape[1] + column

    def select(self, rows: Sequence[int], columns: Sequence[int]) -> "Grid":
        """Return the grid cut to some rows (biases) and columns (strengths)."""

        def cut(axis: Axis, kept: Sequence[int]) -> Axis:
            return dataclasses.replace(axis, values=tuple(axis.values[i] for i in kept))

        return Grid(cut(self.bias, rows), cut(self.strength, columns), self.seeds)

    def name(self, **place: Any) -> str:
        """Write a cell for people: μ = 0, β = 1."""
        axes = {self.bias.name: self.bias.symbol, self.strength.name: self.strength.symbol}
        return ", ".join(f"{axes.get(k, k)} = {v:g}" for k, v in place.items())
