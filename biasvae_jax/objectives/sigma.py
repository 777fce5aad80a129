"""σ-VAE: the likelihood's variance is learned, in closed form."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from biasvae_jax.components import register, require
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.elbo import KL_WEIGHT, GaussianObjective
from biasvae_jax.objectives.terms import analytic_kl, linear_warmup

TINY = 1e-12


class SigmaLosses(NamedTuple):
    """The objective and its terms: nats, but for the variance."""

    loss: jax.Array
    reconstruction: jax.Array
    """½‖x − x̂‖²/s² + ½·pixels·ln s²."""
    kl: jax.Array
    variance: jax.Array
    """s², intensity², of the batch."""


@register
@dataclass(frozen=True)
class SigmaVae(GaussianObjective):
    """½‖x − x̂‖²/s² + ½·pixels·ln s² + β·KL with s² = mean (x − x̂)², the best there is.

    s² is of each batch, over its images and pixels. Source: Rybkin, Daniilidis & Levine 2021,
    "Simple and Effective VAE Training with Calibrated Decoders".
    """

    kind = "sigma"
    axis = KL_WEIGHT
    Terms = SigmaLosses
    meanings = MappingProxyType(
        {
            "loss": "σ-VAE loss",
            "reconstruction": "reconstruction term with ½·pixels·ln s²",
            "kl": "analytic KL",
            "variance": "learned variance s² of the likelihood, a pixel",
        }
    )
    units = MappingProxyType({"variance": "intensity²"})
    formula = "½‖x − x̂‖²/s² + ½·pixels·ln s² + β·KL, s² = mean (x − x̂)²"
    trap = "with s² free, β no longer says how much detail is kept"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        free = "must be left out: --objective sigma learns it"
        given = self.likelihood_variance
        require(given is None, "likelihood_variance", given, free)

    def variance(self, noise_variance: float) -> float:
        """Return the noise variance, which s² is to find; 1 where there is no noise."""
        return noise_variance or 1.0

    def stated(self, variance: float) -> str:
        """Return the loss in one line; it has no variance that is set."""
        return self.formula

    def losses(
        self,
        network: Network,
        params: Params,
        x: jax.Array,
        noise: Any,
        strength: jax.Array | float,
        step: jax.Array,
        variance: float,
    ) -> SigmaLosses:
        """Return the terms of each image; `variance` is not used."""
        mean, logvar, _, half = self.passed(network, params, x, noise, 1.0)
        pixels = x.shape[-1]
        found = jnp.maximum(2 * half.mean() / pixels, TINY)
        reconstruction = half / found + 0.5 * pixels * jnp.log(found)
        kl = analytic_kl(mean, logvar)
        weight = strength * linear_warmup(step, self.kl_warmup)
        loss = reconstruction + weight * kl
        return SigmaLosses(loss, reconstruction, kl, jnp.broadcast_to(found, kl.shape))
