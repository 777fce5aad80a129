"""β-TCVAE: the KL in three parts, of which the total correlation has a weight of its own."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from biasvae_jax.axes import Axis
from biasvae_jax.components import register, require_number
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.elbo import GaussianObjective
from biasvae_jax.objectives.terms import aggregated_posterior, linear_warmup, log_normal


class Decomposition(NamedTuple):
    """Parts of the single-sample KL of each image, nats, `[batch]`."""

    index_code: jax.Array
    """log q(z|x) − log q(z): information of the code about which image it is of."""
    total_correlation: jax.Array
    """log q(z) − Σ log q(z_j)."""
    dimension_kl: jax.Array
    """Σ log q(z_j) − log p(z_j)."""


def decompose(z_hat: jax.Array, mean: jax.Array, logvar: jax.Array) -> Decomposition:
    """Split log q(z|x) − log p(z) of each row, the aggregated posterior being that of the rows.

    log q(z) = log 1/M Σ_m q(z|x_m) and log q(z_j) alike, over the M rows: the paper's minibatch
    weights 1/(N·M) with its N, the number of training images, left out, a constant that is no part
    of a gradient. The parts add up to the single-sample KL. Shapes: `[M, latents]` each. Source:
    Chen et al. 2018, "Isolating Sources of Disentanglement in VAEs", appendix C.1.
    """
    joint, product = aggregated_posterior(z_hat, mean, logvar)
    own = log_normal(z_hat, mean, logvar).sum(-1)
    prior = log_normal(z_hat, 0.0, jnp.zeros_like(z_hat)).sum(-1)
    return Decomposition(own - joint, joint - product, product - prior)


class BetaTcLosses(NamedTuple):
    """The objective and its terms, in nats."""

    loss: jax.Array
    reconstruction: jax.Array
    kl: jax.Array
    index_code: jax.Array
    total_correlation: jax.Array
    dimension_kl: jax.Array


@register
@dataclass(frozen=True)
class BetaTc(GaussianObjective):
    """½‖x − x̂‖²/σ² + α·I(x; z) + β·TC + γ·Σ KL(q(z_j) ‖ p): β alone on the total correlation.

    At α = β = γ = 1 it is the ELBO. Source: Chen et al. 2018, "Isolating Sources of
    Disentanglement in VAEs".
    """

    alpha: float = 1.0
    """Weight α of the information of the code about the image's index."""
    gamma: float = 1.0
    """Weight γ of the dimension-wise KL."""

    kind = "beta_tc"
    axis = Axis(
        "beta",
        "β",
        "weight of the total correlation",
        (0.0, 0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0),
        neutral=1.0,
        least=0.0,
    )
    Terms = BetaTcLosses
    meanings = MappingProxyType(
        {
            "loss": "β-TCVAE loss",
            "reconstruction": "reconstruction term",
            "kl": "single-sample KL",
            "index_code": "information of the code about the image's index, from the batch",
            "total_correlation": "total correlation of the code, from the batch",
            "dimension_kl": "dimension-wise KL, from the batch",
        }
    )
    formula = "½‖x − x̂‖²/σ² + α·I(x; z) + β·TC + γ·Σ KL_j"
    trap = "from a batch of M images I(x; z) is at most ln M, and what is missing counts as TC"
    least_batch = 2  # of one image the batch says nothing

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        require_number("alpha", self.alpha, 0)
        require_number("gamma", self.gamma, 0)

    def losses(
        self,
        network: Network,
        params: Params,
        x: jax.Array,
        noise: Any,
        strength: jax.Array | float,
        step: jax.Array,
        variance: float,
    ) -> BetaTcLosses:
        """Return the terms of each image; the aggregated posterior is that of the batch."""
        mean, logvar, z_hat, reconstruction = self.passed(network, params, x, noise, variance)
        parts = decompose(z_hat, mean, logvar)
        weighted = self.alpha * parts.index_code + strength * parts.total_correlation
        weighted = weighted + self.gamma * parts.dimension_kl
        loss = reconstruction + linear_warmup(step, self.kl_warmup) * weighted
        kl = parts.index_code + parts.total_correlation + parts.dimension_kl
        return BetaTcLosses(loss, reconstruction, kl, *parts)
