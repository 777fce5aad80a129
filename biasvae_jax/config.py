"""What a sweep computes: one frozen dataclass, its presets, its validation, its JSON.

Nothing here imports jax, so that bad input is refused before anything starts.
"""

import contextlib
import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Activation = Literal["relu", "leaky_relu", "gelu", "tanh"]
Output = Literal["sigmoid", "identity"]

MAX_TEST_IMAGES = 100_000
# added since runs were first stored: written only if not the default, so that those stay the same
LATER = {"activation"}


class ConfigError(ValueError):
    """A config that cannot be run; its message is one line: what is wrong and how to mend it."""


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
    linear."""
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
        self._convert()
        _validate(self)
        for name in ("mu", "beta"):
            values = getattr(self, name)
            rule = "must not hold a value twice (single precision cannot tell two of them apart)"
            _require(len(set(map(single, values))) == len(values), name, values, rule)

    def _convert(self) -> None:
        for field in dataclasses.fields(self):
            value = _plain(getattr(self, field.name), "float" in str(field.type))
            object.__setattr__(self, field.name, value)

    @property
    def latents(self) -> int:
        """Number of learned latents, resolved."""
        return self.n**2 if self.latent_dim is None else self.latent_dim

    @property
    def sigma2(self) -> float:
        """Variance of the likelihood, resolved (a pixel)."""
        if self.likelihood_variance is None:
            return self.noise_variance
        return self.likelihood_variance

    @property
    def models(self) -> int:
        """Number of models in the grid."""
        return len(self.mu) * len(self.beta) * self.seeds

    def find(self, axis: str, value: float) -> int:
        """Return the index of a μ or β: the value, or one equal to it in single precision.

        Raises KeyError naming the neighbours if there is none.
        """
        values: tuple[float, ...] = getattr(self, axis)
        order = sorted(range(len(values)), key=lambda i: abs(values[i] - float(value)))
        nearest = values[order[0]]
        if nearest == value or single(nearest) == single(value):
            return order[0]
        known = ", ".join(f"{v:g}" for v in values)
        near = " and ".join(repr(v) for v in sorted(values[i] for i in order[:2]))
        raise KeyError(f"no {axis} {value} in this run; it has {known} (nearest: {near})")

    def to_json(self) -> str:
        """Return the config as JSON text; `from_json` reads it back exactly."""
        values = dataclasses.asdict(self)
        for name in LATER:
            if values[name] == getattr(Config, name):
                del values[name]
        return json.dumps(values, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Read a config written by `to_json`; raises ConfigError on anything else."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"the config is not valid JSON: {error}") from None
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: object) -> "Config":
        """Build a config from parsed JSON; raises ConfigError on unknown or missing fields.

        A stored config may hold values that only double precision tells apart, as it once could.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        given = set(values) | LATER if isinstance(values, dict) else set()
        if not isinstance(values, dict) or given != names:
            found = sorted(given ^ names) if isinstance(values, dict) else type(values)
            raise ConfigError(f"the config's fields are not this version's: {found}")
        config = object.__new__(cls)
        for name in names:
            object.__setattr__(config, name, values.get(name, getattr(cls, name, None)))
        config._convert()
        _validate(config)
        return config

    def difference(self, other: "Config") -> str:
        """Say in one line which fields differ, as `name: self → other`; empty when none does."""
        ours, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        return ", ".join(f"{k}: {ours[k]} → {theirs[k]}" for k in ours if ours[k] != theirs[k])


def portion(models: int, group: int, number: int) -> slice:
    """Return a group's models, where there are as few groups of at most `group` as hold them all.

    Their sizes differ by at most one.
    """
    count = -(-models // group)
    return slice(models * number // count, models * (number + 1) // count)


def _plain(value: object, real: bool) -> object:
    """Return a value as JSON knows it: arrays and lists as tuples, numpy's scalars as Python's.

    Where it is `real`, whole numbers become floats and -0 becomes 0, so that configs with equal
    values have equal texts. What is no number is left for `_validate` to refuse.
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(_plain_scalar(each, real) for each in value)
    return _plain_scalar(value, real)


def _plain_scalar(value: object, real: bool) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    if real and isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # an integer larger than any float
            return float(value) + 0.0
    return value


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def single(value: float) -> float:
    """Return a number in single precision, in which training knows it: two equal there are one."""
    return float(np.float32(value))


def _require(ok: bool, name: str, value: object, rule: str) -> None:
    if not ok:
        raise ConfigError(f"{_flag(name)} {rule}; got {value}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value) and abs(value) < 1e30  # beyond this float32 has no squares
    except OverflowError:
        return False


def _validate(config: Config) -> None:
    for name in ("seeds", "steps", "batch_size", "n", "m", "latent_dim", "kl_warmup", "patience"):
        value = getattr(config, name)
        if name == "latent_dim" and value is None:
            continue
        least = 0 if name in ("kl_warmup", "patience") else 1
        whole = isinstance(value, int) and not isinstance(value, bool)
        _require(whole and least <= value < 2**31, name, value, f"must be a whole number ≥ {least}")
    hidden = config.hidden
    widths = isinstance(hidden, tuple) and all(type(h) is int and 1 <= h < 2**31 for h in hidden)
    _require(widths, "hidden", hidden, "must be whole numbers ≥ 1, or empty for a linear network")
    for name in (
        "learning_rate",
        "tolerance",
        "noise_mean",
        "noise_variance",
        "likelihood_variance",
    ):
        value = getattr(config, name)
        if name == "likelihood_variance" and value is None:
            continue
        _require(_is_number(value), name, value, "must be a finite number")
    for name in ("mu", "beta", "bins"):
        values = getattr(config, name)
        numbers = isinstance(values, tuple) and len(values) > 0 and all(map(_is_number, values))
        _require(numbers, name, values, "must be one or more finite numbers")
        _require(len(set(values)) == len(values), name, values, "must not hold a value twice")
    contrast, cells = config.contrast, config.n**2
    numbers = isinstance(contrast, tuple) and all(map(_is_number, contrast))
    _require(numbers, "contrast", contrast, "must be finite numbers, or empty for 1")
    _require(min(contrast, default=1) > 0, "contrast", contrast, "must be > 0")
    # squares of intensities, summed over pixels and images, must stay in single precision
    _require(max(contrast, default=1) <= 1e15, "contrast", contrast, "must be ≤ 1e15")
    one_each = f"must give one number for each of the {cells} squares, or none"
    _require(len(contrast) in (0, cells), "contrast", contrast, one_each)
    _require(min(config.beta) >= 0, "beta", config.beta, "must be ≥ 0")
    _require(config.learning_rate > 0, "learning_rate", config.learning_rate, "must be > 0")
    _require(config.tolerance >= 0, "tolerance", config.tolerance, "must be ≥ 0 nats")
    _require(config.noise_variance >= 0, "noise_variance", config.noise_variance, "must be ≥ 0")
    if config.likelihood_variance is None and config.noise_variance == 0:
        raise ConfigError(
            "--noise-variance 0 leaves the likelihood without a variance; "
            "set --likelihood-variance too"
        )
    _require(config.sigma2 > 0, "likelihood_variance", config.sigma2, "must be > 0")
    _require(
        config.kl_warmup <= 0.95 * config.steps,
        "kl_warmup",
        config.kl_warmup,
        f"must leave 5 % of the {config.steps} steps at the full beta (--steps)",
    )
    for name, choices in (("output", get_args(Output)), ("activation", get_args(Activation))):
        value = getattr(config, name)
        _require(value in choices, name, value, f"is {' or '.join(choices)}")
    inside = all(0 < value < 1 for value in config.bins)
    _require(inside, "bins", config.bins, "must lie strictly between 0 and 1")
    # log first: n and the bins may be absurd, and the power with them
    log_images = config.n**2 * math.log(len(config.bins))
    if log_images > math.log(MAX_TEST_IMAGES) + 1e-9:
        raise ConfigError(
            f"{len(config.bins)} bins in {config.n}×{config.n} cells make a test set of "
            f"{len(config.bins)}^{config.n**2} images, over {MAX_TEST_IMAGES:,}; "
            "use fewer --bins or a smaller --n"
        )


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
