"""InteL-VAE: a Gaussian latent, mapped to a code with a structure that is wanted."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.scipy.special import entr

from biasvae_jax.components import register, require_choice, require_number, require_whole
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.elbo import KL_WEIGHT, GaussianObjective
from biasvae_jax.objectives.terms import analytic_kl, linear_warmup

Target = Literal["sparse", "clustered"]
LEAST = 0.2  # of a factor, so that no latent is cut off for ever
POWER = 0.2
TINY = 1e-6


class IntelLosses(NamedTuple):
    """The objective and its terms, in nats."""

    loss: jax.Array
    reconstruction: jax.Array
    kl: jax.Array
    sparsity: jax.Array
    """E H(share of each latent) − H(E share), of the batch; 0 for the clustered target."""


class _Selector(nn.Module):
    """Which latents an image uses, `[..., latents]` between 0.2 and 1."""

    latents: int

    @nn.compact
    def __call__(self, y):
        for _ in range(2):
            y = nn.relu(nn.Dense(10)(y))
        return LEAST + (1 - LEAST) * nn.sigmoid(nn.Dense(self.latents)(y))


def cluster(y: jax.Array) -> jax.Array:
    """Push values away from 0, so that those of either sign are a cluster: y + sign(y)·|y|^0.2.

    Its slope is bounded: |y| counts as 1e-6 at least.
    """
    return y + jnp.sign(y) * jnp.maximum(jnp.abs(y), TINY) ** POWER


@register
@dataclass(frozen=True)
class Intel(GaussianObjective):
    """½‖x − g(y)‑decoded‖²/σ² + β·KL(y) + s·sparsity, the code z = g(y) and y ~ N(0, I) a priori.

    Target sparse: z = y·(0.2 + 0.8·sigmoid(a small network of y)), trained with everything, and
    sparsity = E H(p) − H(E p) with p an image's shares of those factors, H the entropy: an image
    uses few latents, and all images together many. Target clustered: z = y + sign(y)|y|^0.2 in the
    first `clustered` latents. Scores see z. Source: Miao et al. 2022, "On Incorporating Inductive
    Biases into VAEs".
    """

    target: Target = "sparse"
    """Structure that the code is mapped to."""
    sparsity: float = 1.0
    """Weight s of the sparsity, of the target sparse."""
    clustered: int = 1
    """Latents that are pushed into two clusters each, of the target clustered."""

    kind = "intel"
    axis = KL_WEIGHT
    Terms = IntelLosses
    meanings = MappingProxyType(
        {
            "loss": "InteL-VAE loss",
            "reconstruction": "reconstruction term",
            "kl": "analytic KL of the latent before the mapping",
            "sparsity": "how evenly an image uses the latents, less how evenly all images do",
        }
    )
    formula = "½‖x − x̂‖²/σ² + β·KL(y) + s·sparsity, code z = g(y)"
    trap = "the KL is that of y, and says nothing about the distribution of the code"
    least_batch = 2  # of one image the batch says nothing

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        require_choice("target", self.target, get_args(Target))
        require_number("sparsity", self.sparsity, 0)
        require_whole("clustered", self.clustered)

    def init(self, key: jax.Array, latents: int) -> dict[str, Params]:
        """Return the selector's parameters, of the target sparse."""
        if self.target == "clustered":
            return {}
        return {"mapping": _Selector(latents).init(key, jnp.zeros(latents))["params"]}

    def code(self, params: Params, z_hat: jax.Array) -> jax.Array:
        """Map the Gaussian latent y to the code z, `[..., latents]` both."""
        if self.target == "clustered":
            first = min(self.clustered, z_hat.shape[-1])
            return z_hat.at[..., :first].set(cluster(z_hat[..., :first]))
        return z_hat * self._factors(params, z_hat)

    def _factors(self, params: Params, y: jax.Array) -> jax.Array:
        found: Any = _Selector(y.shape[-1]).apply({"params": params["mapping"]}, y)
        return found

    def losses(
        self,
        network: Network,
        params: Params,
        x: jax.Array,
        noise: Any,
        strength: jax.Array | float,
        step: jax.Array,
        variance: float,
    ) -> IntelLosses:
        """Return the terms of each image; the sparsity is that of the batch."""
        mean, logvar, y, reconstruction = self.passed(network, params, x, noise, variance)
        kl, sparsity = analytic_kl(mean, logvar), jnp.zeros(())
        if self.target == "sparse":
            factors = self._factors(params, y)
            shares = factors / factors.sum(-1, keepdims=True)
            sparsity = entr(shares).sum(-1).mean() - entr(shares.mean(0)).sum()
        weight = linear_warmup(step, self.kl_warmup)
        regular = strength * kl + self.sparsity * sparsity
        sparsity = jnp.broadcast_to(sparsity, kl.shape)
        return IntelLosses(reconstruction + weight * regular, reconstruction, kl, sparsity)
