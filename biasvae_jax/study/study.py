"""A study: world × bias × objective × network × training × seeds, the identity of a run.

Nothing here starts a device, so that bad input is refused before anything compiles.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax

from biasvae_jax.axes import Axis, Grid
from biasvae_jax.biases import Bias, Shift
from biasvae_jax.components import (
    ROLES,
    ConfigError,
    require,
    require_whole,
    settle,
    settle_fields,
    to_values,
)
from biasvae_jax.networks import Architecture, Dense
from biasvae_jax.objectives import BetaElbo, Objective
from biasvae_jax.stranger import Stranger
from biasvae_jax.study import stored
from biasvae_jax.study.stored import FORMAT, WHOLE, parse
from biasvae_jax.study.training import Training
from biasvae_jax.training.recipe import Recipe
from biasvae_jax.worlds import Squares, World


@dataclass(frozen=True)
class Study:
    """A grid of models (bias strength × regularisation strength × seed) and how each is made.

    `biases` and `strengths` are the values of the two axes; left out, they are the axes' own.
    Raises ConfigError of one line for anything that cannot be run.
    """

    world: World = field(default_factory=Squares)
    bias: Bias = field(default_factory=Shift)
    objective: Objective = field(default_factory=BetaElbo)
    network: Architecture = field(default_factory=Dense)
    training: Training = field(default_factory=Training)
    biases: tuple[float, ...] = ()
    """Strengths of the bias."""
    strengths: tuple[float, ...] = ()
    """Strengths of the objective's regularisation."""
    seeds: int = 1
    """Independent replicates of the whole grid."""
    latent_dim: int | None = None
    """Number of learned latents (None: one for each factor)."""
    text: str = field(default="", init=False, compare=False, repr=False)
    """The stored JSON that this study was read from, which stays its identity."""

    def __post_init__(self):
        for name, axis in (("biases", self.bias.axis), ("strengths", self.objective.axis)):
            values = settle(getattr(self, name), tuple[float, ...])
            values = axis.values if isinstance(values, tuple) and not values else values
            object.__setattr__(self, name, values)
            dataclasses.replace(axis, values=values).check(stored=bool(self.text))
        settle_fields(self)
        require_whole("seeds", self.seeds)
        if self.latent_dim is not None:
            require_whole("latent_dim", self.latent_dim)
        if self.strangers:
            return
        self.world.check_bias(self.bias)
        self.objective.variance(self.world.noise_variance)
        self.objective.check_strengths(self.strengths)
        self.objective.check_batch(self.training.batch_size)
        warmup, steps = self.objective.kl_warmup, self.training.steps
        rule = f"must leave 5 % of the {steps} steps at the full weight (--steps)"
        require(warmup <= 0.95 * steps, "kl_warmup", warmup, rule)

    @functools.cached_property
    def grid(self) -> Grid:
        """The axes with their values, and the order of the models."""

        def axis(of: Axis, values: tuple[float, ...]) -> Axis:
            return dataclasses.replace(of, values=values)

        return Grid(
            axis(self.bias.axis, self.biases),
            axis(self.objective.axis, self.strengths),
            self.seeds,
        )

    @property
    def strangers(self) -> list[Stranger]:
        """Components whose kind is not known here."""
        parts: list[Any] = [getattr(self, role) for role in ROLES]
        return [part for part in parts if isinstance(part, Stranger)]

    @property
    def latents(self) -> int:
        """Number of learned latents, resolved."""
        return len(self.world.factors) if self.latent_dim is None else self.latent_dim

    @property
    def sigma2(self) -> float:
        """Variance of the likelihood, resolved (a pixel)."""
        return self.objective.variance(self.world.noise_variance)

    @functools.cached_property
    def recipe(self) -> Recipe:
        """World, bias, network, objective and training, as training takes them.

        Raises ConfigError if a component is of an unknown kind, or a data file cannot be read.
        """
        training = self.training
        if self.strangers:
            raise ConfigError(" and ".join(each.missing for each in self.strangers))
        return Recipe(
            world=self.world,
            network=self.network.bind(self.world.image, self.latents),
            bias=self.bias,
            objective=self.objective,
            batch_size=training.batch_size,
            learning_rate=training.learning_rate,
            patience=training.patience,
            tolerance=training.tolerance,
            training_images=training.training_images,
            learning_rate_decay=training.learning_rate_decay,
            steps=training.steps if training.learning_rate_decay != "none" else None,
            weight_decay=training.weight_decay,
            input_noise=training.input_noise,
        )

    def sealed(self) -> "Study":
        """Return the study with the fingerprints of its data files, if it reads any.

        Raises ConfigError if a file cannot be read or is another than before, or if the network
        fits neither its images nor the objective.
        """
        if self.strangers:
            return self
        world = self.world.sealed(self.bias)
        study = self if world is self.world else self._stored(self.text, **self._parts(world=world))
        recipe = study.recipe  # binding the network checks the image's shape
        recipe.optimizer  # noqa: B018 - checks that it takes what is asked of it
        wanted, there = self.training.training_images, world.training_size()
        if wanted is not None and there is not None and wanted > there:
            raise ConfigError(
                f"--training-images {wanted} is more than the {there} rows that the data leave to "
                "training; use fewer, or leave the flag out for all of them"
            )
        if type(study.objective).init is not Objective.init:  # what it trains beside the network
            jax.eval_shape(recipe.init, jax.eval_shape(lambda: jax.random.key(0)))
        return study

    def moved(self, file: str) -> "Study":
        """Return the same study with its data file elsewhere: it is known by what is in it."""
        return self._stored(self.text, **self._parts(world=self.world.moved(file)))

    def to_json(self) -> str:
        """Return the study as JSON text; `from_json` reads it back exactly."""
        return self.text or json.dumps(self.values, indent=2)

    def _parts(self, **changes: Any) -> dict[str, Any]:
        fields = (f.name for f in dataclasses.fields(self) if f.init)
        return {name: getattr(self, name) for name in fields} | changes

    @classmethod
    def _stored(cls, text: str, **parts: Any) -> "Study":
        """Build a study that is stored as a text, which is not kept by `dataclasses.replace`."""
        study = object.__new__(cls)
        object.__setattr__(study, "text", text)
        for each in dataclasses.fields(cls):
            if each.init:
                default = each.default_factory() if callable(each.default_factory) else each.default
                object.__setattr__(study, each.name, parts.get(each.name, default))
        study.__post_init__()
        return study

    @property
    def values(self) -> dict[str, Any]:
        """The study as JSON's values."""
        grid = self.grid
        return {
            "format": FORMAT,
            **{role: to_values(getattr(self, role)) for role in ROLES},
            "training": dataclasses.asdict(self.training),
            "axes": {axis.name: axis.values for axis in (grid.bias, grid.strength)},
            **{name: getattr(self, name) for name in WHOLE},
        }

    @classmethod
    def from_json(cls, text: str) -> "Study":
        """Read a study written by `to_json`, or a config of 0.1.0; raises ConfigError."""
        return cls.from_values(parse(text))

    @classmethod
    def from_values(cls, values: object, strangers: bool = False) -> "Study":
        """Build a study from parsed JSON; its text is kept as its identity.

        With `strangers`, components of an unknown kind are kept as `Stranger`s: such a study has
        its grid, and raises ConfigError where the component itself is needed.

        A missing field takes its default, an unknown one is refused, an older component's fields
        are migrated, and values without a format are a config of 0.1.0. Raises ConfigError.
        """
        parts = stored.parts(values, strangers)
        return cls._stored(json.dumps(values, indent=2), **parts)

    @classmethod
    def from_flat(cls, values: Mapping[str, Any], text: str = "") -> "Study":
        """Build a study of squares, shift, β-ELBO and MLP from flat fields, as 0.1.0 stored them.

        Raises ConfigError for unknown or missing fields.
        """
        return cls._stored(text, **stored.flat_parts(values))

    def difference(self, other: "Study") -> str:
        """Say in one line which settings differ, as `name: self → other`; empty when none does."""
        if self == other:
            return ""
        ours, theirs = settings(self), settings(other)
        differing = [k for k in {**ours, **theirs} if ours.get(k) != theirs.get(k)]
        named = [f"{k}: {ours.get(k, 'none')} → {theirs.get(k, 'none')}" for k in differing]
        return ", ".join(named) or "another data file, or another version of a component"


class Draft(NamedTuple):
    """The parts of a study that may still lack what a flag is to give, such as a file."""

    world: World
    bias: Bias
    objective: Objective
    network: Architecture
    training: Training
    biases: tuple[float, ...]
    strengths: tuple[float, ...]
    seeds: int = 1
    latent_dim: int | None = None

    @classmethod
    def of(cls, study: "Study | Draft") -> "Draft":
        """Take a study apart."""
        return cls(*(getattr(study, name) for name in cls._fields))


def settings(study: Any) -> dict[str, Any]:
    """Return all that has a flag, by the flag's name: kinds, fields, axes, training, seeds."""
    found: dict[str, Any] = {role: getattr(study, role).kind for role in ROLES}
    parts = [getattr(study, role) for role in ROLES]
    for part in (part for part in parts if not isinstance(part, Stranger)):
        found |= {f.name: getattr(part, f.name) for f in dataclasses.fields(part) if f.init}
    return {
        **found,
        study.bias.axis.name: study.biases,
        study.objective.axis.name: study.strengths,
        **dataclasses.asdict(study.training),
        **{name: getattr(study, name) for name in WHOLE},
    }
