"""The protocol of an objective: what is minimised, its strength, its extra state and its terms."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from biasvae_jax.axes import Axis
from biasvae_jax.components import Component, ConfigError, require
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.terms import log_normal


class Objective(Component):
    """A loss for one image with one traced number, its strength.

    A subclass gives `axis`, `Terms`, `formula` and `losses`. What is trained beside the network
    (a discriminator, a prior) is a parameter that `init` adds.
    """

    role = "objective"
    axis: ClassVar[Axis]
    Terms: ClassVar[Any]
    """NamedTuple of what `losses` returns; the first is the loss that is minimised."""
    meanings: ClassVar[Mapping[str, str]]
    """What each term is, in a few words."""
    units: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Units of the terms that are not in nats an image."""
    formula: ClassVar[str]
    """The loss in one line, with σ² for the likelihood's variance."""
    trap: ClassVar[str] = ""
    """What it is easily misread for, in a few words."""
    optimum_known: ClassVar[bool] = False
    """Whether the linear optimum of the β-ELBO is this objective's, its strength being β."""
    least_batch: ClassVar[int] = 1
    """Images that a batch must have for every term to mean something."""

    kl_warmup: int
    likelihood_variance: float | None

    def variance(self, noise_variance: float) -> float:
        """Return the likelihood's variance σ², a pixel: its own setting, or that of the noise.

        Raises ConfigError if there is neither.
        """
        found = self.likelihood_variance
        if found is None and noise_variance == 0:
            raise ConfigError(
                "--noise-variance 0 leaves the likelihood without a variance; "
                "set --likelihood-variance too"
            )
        return noise_variance if found is None else found

    def stated(self, variance: float) -> str:
        """Return the loss in one line, for people, with the variance σ² that it has."""
        return f"{self.formula} with σ² = {variance:g}"

    def check_strengths(self, values: tuple[float, ...]) -> None:
        """Raise ConfigError if a strength is none that the fields allow; the axis has its own."""

    def check_batch(self, size: int) -> None:
        """Raise ConfigError if a batch of so many images is too small for the objective."""
        least = self.least_batch
        rule = f"is too few for --objective {self.kind}, which needs {least} images"
        require(size >= least, "batch_size", size, rule)

    def init(self, key: jax.Array, latents: int) -> dict[str, Params]:
        """Return what is trained beside the network, by name; {} if nothing is."""
        return {}

    def draw(self, key: jax.Array, batch: int, latents: int) -> Any:
        """Draw the objective's noise of one step: standard normals `[batch, latents]`."""
        return jax.random.normal(key, (batch, latents))

    def posterior(
        self, network: Network, params: Params, x: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Return mean and log variance of the posterior, `[batch, latents]` each."""
        return network.encode(params, x)

    def code(self, params: Params, z_hat: jax.Array) -> jax.Array:
        """Map a sample of the posterior to the code that is decoded and scored: itself."""
        return z_hat

    def log_prior(self, params: Params, z_hat: jax.Array) -> jax.Array:
        """Return the log density of the prior N(0, I), nats: `[..., latents]` → `[...]`."""
        return log_normal(z_hat, 0.0, jnp.zeros_like(z_hat)).sum(-1)

    def prior_sample(self, params: Params, normals: jax.Array, codes: jax.Array) -> jax.Array:
        """Make codes of the prior from standard normals `[rows, latents]`.

        `codes` `[images, latents]` are those of training images, for what has no prior of its own.
        """
        return self.code(params, normals)

    def losses(
        self,
        network: Network,
        params: Params,
        x: jax.Array,
        noise: Any,
        strength: jax.Array | float,
        step: jax.Array,
        variance: float,
    ) -> Any:
        """Return the terms of each image, `[batch]` each, in nats but for those of `units`.

        `x` `[batch, pixels]`, `noise` as `draw` returns it, `step` counts from 0, `variance` is σ².
        The gradient of the first term's mean trains everything in `params`.
        """
        raise NotImplementedError

    def optimizer(
        self, rate: optax.ScalarOrSchedule, weight_decay: float = 0.0
    ) -> optax.GradientTransformation:
        """Return the optimiser of all parameters: Adam, AdamW with weight decay.

        `rate` is a number or a schedule, step → number.
        """
        return adam(rate, weight_decay)


def adam(rate: optax.ScalarOrSchedule, weight_decay: float = 0.0) -> optax.GradientTransformation:
    """Return Adam, or AdamW (Loshchilov & Hutter 2019) with weight decay."""
    return optax.adamw(rate, weight_decay=weight_decay) if weight_decay else optax.adam(rate)
