"""The autoencoder without sampling, and with a penalty on its code's length."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from biasvae_jax.axes import Axis
from biasvae_jax.components import register
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.elbo import GaussianObjective
from biasvae_jax.objectives.terms import linear_warmup


class AutoencoderLosses(NamedTuple):
    """The objective and its two terms, in nats."""

    loss: jax.Array
    reconstruction: jax.Array
    kl: jax.Array
    """½‖code‖², the KL from N(code, I) to N(0, I)."""


@register
@dataclass(frozen=True)
class Autoencoder(GaussianObjective):
    """½‖x − decode(code)‖²/σ² + λ·½‖code‖², code = encode(x): nothing is drawn.

    λ = 0 is the plain autoencoder; above it the regularised one of Ghosh et al. 2020, "From
    Variational to Deterministic Autoencoders" (RAE-L2, whose decoder also has weight decay:
    `--weight-decay`). It has no prior, so samples are drawn from the Gaussian of its own codes.
    """

    kind = "autoencoder"
    axis = Axis(
        "penalty",
        "λ",
        "weight of the code's squared length",
        (0.0, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0),
        neutral=0.0,
        least=0.0,
    )
    Terms = AutoencoderLosses
    meanings = MappingProxyType(
        {
            "loss": "autoencoder loss",
            "reconstruction": "reconstruction term",
            "kl": "½‖code‖², the KL of a posterior of variance 1",
        }
    )
    formula = "½‖x − x̂‖²/σ² + λ·½‖code‖²"
    trap = "a decoder can make up for any shorter code, so λ alone may change its length only"

    def posterior(
        self, network: Network, params: Params, x: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Return the code and a log variance of −∞: what is drawn is the code itself."""
        mean, _ = network.encode(params, x)
        return mean, jnp.full_like(mean, -jnp.inf)

    def prior_sample(self, params: Params, normals: jax.Array, codes: jax.Array) -> jax.Array:
        """Draw from the Gaussian with the mean and the covariance of `codes`."""
        mean = codes.mean(0, keepdims=True)
        centred = codes - mean
        covariance = centred.T @ centred / len(codes)
        values, vectors = jnp.linalg.eigh(covariance)
        spread = vectors * jnp.sqrt(jnp.maximum(values, 0))[None]
        return mean + normals @ spread.T

    def losses(
        self,
        network: Network,
        params: Params,
        x: jax.Array,
        noise: Any,
        strength: jax.Array | float,
        step: jax.Array,
        variance: float,
    ) -> AutoencoderLosses:
        """Return the terms of each image; `noise` has no part in them."""
        mean, _, _, reconstruction = self.passed(network, params, x, noise, variance)
        kl = 0.5 * jnp.square(mean).sum(-1)
        weight = strength * linear_warmup(step, self.kl_warmup)
        return AutoencoderLosses(reconstruction + weight * kl, reconstruction, kl)
