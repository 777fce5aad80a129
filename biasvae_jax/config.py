"""The original study's settings in one flat dataclass, and its presets.

A `Config` is a `Study` of squares, shift, β-ELBO and MLP; run directories of 0.1.0 hold one.
"""

import dataclasses
import functools
import json
from dataclasses import dataclass
from typing import Any

from biasvae_jax.biases import Shift
from biasvae_jax.components import ConfigError, settle_fields
from biasvae_jax.networks import Activation, Dense, Output
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.study import LATER, NOT_FLAT, WHOLE, Study, Training, parse
from biasvae_jax.worlds import Squares

__all__ = ["PRESETS", "Config", "ConfigError"]


@dataclass(frozen=True)
class Config:
    """A grid of β-VAEs (training bias μ × regularisation β × seed) and how each is trained.

    The loss is in nats, summed over pixels and latents and averaged over the batch:
    ½‖x − x̂‖²/σ² + β·KL, so β = 1 is the ELBO when σ² is the world's noise variance.
    """

    mu: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0)
    """Training biases: the mean of the latents z ~ N(mu, I)."""
    beta: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0)
    """Weights of the KL term."""
    seeds: int = 1
    """Independent replicates of the whole (mu, beta) grid."""
    steps: int = 10_000
    """Training steps of each model."""
    batch_size: int = 64
    """Fresh images a step."""
    learning_rate: float = 1e-3
    """Adam's learning rate."""
    kl_warmup: int = 0
    """Steps over which the KL weight rises linearly from 0 to beta."""
    patience: int = 0
    """Stop a model once its mean loss over this many steps is not lower than over as many before by
    more than `tolerance`; `steps` is the most then (0: all models take all steps)."""
    tolerance: float = 0.1
    """Least improvement of the loss, in nats, for a model with `patience` to go on."""
    hidden: tuple[int, ...] = (128,)
    """Widths of the encoder's hidden layers, mirrored in the decoder; given empty, both are
    linear, the decoder up to its `output`."""
    activation: Activation = "relu"
    """Function of the hidden layers. A ReLU that no image reaches has no gradient, and stays so."""
    latent_dim: int | None = None
    """Number of learned latents (None: n², one for each cell)."""
    output: Output = "sigmoid"
    """The decoder's last function."""
    n: int = 3
    """Squares along a side of the image."""
    m: int = 7
    """Pixels along a side of a square."""
    noise_mean: float = 0.0
    """Mean of the observation noise."""
    noise_variance: float = 0.25
    """Variance of the observation noise, a pixel."""
    likelihood_variance: float | None = None
    """Variance of the Gaussian likelihood, a pixel (None: the noise variance). A summed squared
    error without the ½ is 0.5; a mean over 441 pixels is 220.5."""
    bins: tuple[float, ...] = (0.1, 0.5, 0.9)
    """Factors of which the test set has every combination (at contrast 1, intensities)."""
    contrast: tuple[float, ...] = ()
    """Contrast of each of the n² squares, drawn at 0.5 + contrast·(factor − 0.5); given empty, 1.
    Above 1, intensities leave [0, 1], which needs `output` identity to be followed."""

    def __post_init__(self):
        settle_fields(self)
        self.study  # noqa: B018 - building it checks every field

    @functools.cached_property
    def study(self) -> Study:
        """The study that this is the flat form of."""
        return Study.from_flat(self._values)

    @property
    def _values(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def of(cls, study: Study) -> "Config":
        """Return the flat form of a study; raises ConfigError if it has none.

        Only squares, shift, β-ELBO with the sampled KL and MLP have one.
        """
        parts: Any = (study.world, study.objective, study.network, study.training)
        kinds = [type(part) for part in (*parts, study.bias)]
        later = [
            field
            for part in parts
            for field in dataclasses.fields(part)
            if field.name in NOT_FLAT and getattr(part, field.name) != field.default
        ]
        if kinds != [Squares, BetaElbo, Dense, Training, Shift] or later:
            raise ConfigError(
                "this is not a study of squares, shift, β-ELBO and MLP, and has no flat config"
            )
        names = {field.name for field in dataclasses.fields(cls)}
        values = {
            field.name: getattr(part, field.name)
            for part in parts
            for field in dataclasses.fields(part)
            if field.name in names
        }
        axes = {"mu": study.biases, "beta": study.strengths}
        whole = {name: getattr(study, name) for name in WHOLE}
        return cls._stored(study, {**values, **axes, **whole})

    @property
    def latents(self) -> int:
        """Number of learned latents, resolved."""
        return self.study.latents

    @property
    def sigma2(self) -> float:
        """Variance of the likelihood, resolved (a pixel)."""
        return self.study.sigma2

    @property
    def models(self) -> int:
        """Number of models in the grid."""
        return self.study.grid.size

    def find(self, axis: str, value: float) -> int:
        """Return the index of a μ or β, by `Axis.find`; raises KeyError naming the neighbours."""
        grid = self.study.grid
        return {"mu": grid.bias, "beta": grid.strength}[axis].find(value)

    def to_json(self) -> str:
        """Return the config as JSON text; `from_json` reads it back exactly."""
        values = dataclasses.asdict(self)
        for name in LATER:  # written only if not the default, so that old runs stay the same
            if values[name] == getattr(Config, name):
                del values[name]
        return json.dumps(values, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Read a config written by `to_json`, or a study that has a flat form.

        Raises ConfigError on anything else.
        """
        return cls.from_dict(parse(text))

    @classmethod
    def from_dict(cls, values: object) -> "Config":
        """Build a config from parsed JSON; raises ConfigError on unknown or missing fields.

        A stored config may hold values that only double precision tells apart, as it once could.
        """
        if not isinstance(values, dict):
            raise ConfigError(f"the config's fields are not this version's: {type(values)}")
        if "format" in values:
            return cls.of(Study.from_values(values))
        text = json.dumps(values, indent=2)
        return cls._stored(Study.from_flat(values, text), values)

    @classmethod
    def _stored(cls, study: Study, values: dict[str, Any]) -> "Config":
        """Build the config of a study that is checked already."""
        config = object.__new__(cls)
        for field in dataclasses.fields(cls):
            value = values.get(field.name, getattr(cls, field.name))
            object.__setattr__(config, field.name, value)
        settle_fields(config)
        config.__dict__["study"] = study
        return config

    def difference(self, other: "Config") -> str:
        """Say in one line which fields differ, as `name: self → other`; empty when none does."""
        ours, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        return ", ".join(f"{k}: {ours[k]} → {theirs[k]}" for k in ours if ours[k] != theirs[k])


def blog() -> Config:
    """The original study's protocol: 11 biases × 11 betas, one seed, 10,000 steps, no KL warm-up.

    `python -m experiments.full_sweep`: about 8 minutes on 2 CPU cores. Expect recovery at low
    beta and low bias, and collapse in part of the region where theory says a model should be
    active: without warm-up some models never leave the collapsed start.
    """
    return Config()


def annealed() -> Config:
    """The same grid with the KL weight rising over the first 2,000 steps.

    `python -m experiments.full_sweep --preset annealed`: about 8 minutes on 2 CPU cores. Expect
    models active up to near the closed form's β*(μ), but for a high bias, where they stop short.
    """
    return Config(kl_warmup=2_000)


def smoke() -> Config:
    """A 3 × 3 grid with warm-up, to see everything work.

    `python -m experiments.full_sweep --preset smoke`: under a minute on 2 CPU cores. Expect
    recovery (recovery_r2 above 0.9) at the lowest beta without bias, and collapse at the highest.
    """
    return Config(mu=(0.0, 2.0, 4.0), beta=(0.5, 2.0, 10.0), steps=3_000, kl_warmup=1_000)


PRESETS = {"blog": blog, "annealed": annealed, "smoke": smoke}
