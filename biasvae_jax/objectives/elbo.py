"""What every objective with a Gaussian likelihood and a warm-up has in common."""

from dataclasses import dataclass
from typing import NamedTuple

import jax

from biasvae_jax.axes import Axis
from biasvae_jax.components import require_positive, require_whole
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.base import Objective
from biasvae_jax.objectives.terms import gaussian_reconstruction, reparameterise

KL_WEIGHT = Axis(
    "beta",
    "β",
    "weight of the KL term",
    (0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0),
    neutral=1.0,
    least=0.0,
)


class Passed(NamedTuple):
    """Images that went through encoder and decoder once."""

    mean: jax.Array
    """Of the posterior, `[batch, latents]`."""
    logvar: jax.Array
    z_hat: jax.Array
    """A sample of it, `[batch, latents]`."""
    reconstruction: jax.Array
    """Nats, `[batch]`."""


@dataclass(frozen=True)
class GaussianObjective(Objective):
    """An objective with the Gaussian likelihood, whose regularisation may begin by and by."""

    kl_warmup: int = 0
    """Steps over which the weight of the regularisation rises linearly from 0."""
    likelihood_variance: float | None = None
    """Variance of the Gaussian likelihood, a pixel (None: the noise variance)."""

    def check(self) -> None:
        """Raise ConfigError unless warm-up and likelihood variance are in range."""
        require_whole("kl_warmup", self.kl_warmup, 0)
        if self.likelihood_variance is not None:
            require_positive("likelihood_variance", self.likelihood_variance)

    def passed(
        self, network: Network, params: Params, x: jax.Array, noise: jax.Array, variance: float
    ) -> Passed:
        """Encode, sample and decode images `[batch, pixels]`; `noise` `[batch, latents]`."""
        mean, logvar = self.posterior(network, params, x)
        z_hat = reparameterise(noise, mean, logvar)
        x_hat = network.decode(params, self.code(params, z_hat))
        return Passed(mean, logvar, z_hat, gaussian_reconstruction(x, x_hat, variance))
