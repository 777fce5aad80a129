"""DIP-VAE I and II: the aggregated posterior's covariance drawn towards the identity."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from biasvae_jax.axes import Axis
from biasvae_jax.components import register, require_number
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.elbo import GaussianObjective
from biasvae_jax.objectives.terms import linear_warmup, sample_kl


class DipLosses(NamedTuple):
    """The objective and its terms, in nats."""

    loss: jax.Array
    reconstruction: jax.Array
    kl: jax.Array
    covariance: jax.Array
    """Σ_{i≠j} C_ij² + d·Σ (C_ii − 1)², of the batch."""


AXIS = Axis(
    "dip",
    "λ",
    "weight of the code's covariance",
    (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0),
    neutral=0.0,
    least=0.0,
)
MEANINGS = MappingProxyType(
    {
        "loss": "DIP-VAE loss",
        "reconstruction": "reconstruction term",
        "kl": "single-sample KL",
        "covariance": "squared distance of the code's covariance from the identity",
    }
)


def covariance_penalty(covariance: jax.Array, diagonal: float) -> jax.Array:
    """Return Σ_{i≠j} C_ij² + d·Σ (C_ii − 1)² of a covariance `[latents, latents]`."""
    variances = jnp.diagonal(covariance)
    between = jnp.square(covariance).sum() - jnp.square(variances).sum()
    return between + diagonal * jnp.square(variances - 1).sum()


@register
@dataclass(frozen=True)
class DipI(GaussianObjective):
    """½‖x − x̂‖²/σ² + KL + λ·(Σ_{i≠j} C_ij² + d·Σ (C_ii − 1)²), C the covariance of the means.

    Source: Kumar, Sattigeri & Balakrishnan 2018, "Variational Inference of Disentangled Latent
    Concepts from Unlabeled Observations"; λ is its λ_od and d = λ_d/λ_od.
    """

    diagonal: float = 10.0
    """Weight d of the variances against the covariances (the paper's I has 10, its II 1)."""

    kind = "dip_i"
    axis = AXIS
    Terms = DipLosses
    meanings = MEANINGS
    formula = "½‖x − x̂‖²/σ² + KL + λ·(Σ C_ij² + d·Σ (C_ii − 1)²), C of the means"
    trap = "a latent that collapsed is paid for with d·λ, so that it rather codes noise"
    least_batch = 2  # of one image the batch says nothing
    with_variances: ClassVar[bool] = False

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        require_number("diagonal", self.diagonal, 0)

    def losses(
        self,
        network: Network,
        params: Params,
        x: jax.Array,
        noise: Any,
        strength: jax.Array | float,
        step: jax.Array,
        variance: float,
    ) -> DipLosses:
        """Return the terms of each image; the covariance is that of the batch."""
        mean, logvar, _, reconstruction = self.passed(network, params, x, noise, variance)
        kl = sample_kl(noise, mean, logvar)
        centred = mean - mean.mean(0, keepdims=True)
        covariance = centred.T @ centred / len(mean)
        if self.with_variances:
            covariance = covariance + jnp.diag(jnp.exp(logvar).mean(0))
        penalty = jnp.broadcast_to(covariance_penalty(covariance, self.diagonal), kl.shape)
        weight = linear_warmup(step, self.kl_warmup)
        loss = reconstruction + weight * (kl + strength * penalty)
        return DipLosses(loss, reconstruction, kl, penalty)


@register
@dataclass(frozen=True)
class DipII(DipI):
    """DIP-VAE I with C the covariance of the sampled code: that of the means + E[diag σ²(x)]."""

    diagonal: float = 1.0
    """Weight d of the variances against the covariances (the paper's I has 10, its II 1)."""

    kind = "dip_ii"
    formula = "½‖x − x̂‖²/σ² + KL + λ·(Σ C_ij² + d·Σ (C_ii − 1)²), C of the samples"
    with_variances = True
