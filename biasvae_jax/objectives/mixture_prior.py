"""A learned mixture of Gaussians as the prior."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp

from biasvae_jax.components import register, require, require_whole
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.beta_elbo import Losses
from biasvae_jax.objectives.elbo import KL_WEIGHT, GaussianObjective
from biasvae_jax.objectives.terms import linear_warmup, log_normal

MOST = 1_000


@register
@dataclass(frozen=True)
class MixturePrior(GaussianObjective):
    """½‖x − x̂‖²/σ² + β·(ln q(z|x) − ln Σ_k π_k N(z; m_k, diag s_k²)), the mixture learned too.

    The KL is that of one sample, which is unbiased; there is no closed form. One component starts
    as the standard normal, more of them with means drawn from it. Source: Dilokthanakul et al.
    2016, "Deep Unsupervised Clustering with Gaussian Mixture VAEs"; the original study names such
    priors.
    """

    components: int = 10
    """Gaussians in the mixture."""

    kind = "mixture_prior"
    axis = KL_WEIGHT
    Terms = Losses
    meanings = MappingProxyType(
        {
            "loss": "β-ELBO loss with a learned prior",
            "reconstruction": "reconstruction term",
            "kl": "single-sample KL to the learned prior",
        }
    )
    formula = "½‖x − x̂‖²/σ² + β·KL to Σ π_k N(m_k, s_k²)"
    trap = "a component that no code is near gets no gradient and stays where it is"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        require_whole("components", self.components)
        require(self.components <= MOST, "components", self.components, f"must be ≤ {MOST:,}")

    def check_batch(self, size: int) -> None:
        """Raise ConfigError unless there is an image of the batch for each component."""
        rule = f"is fewer than --components {self.components}, of which each needs an image"
        require(size >= self.components, "batch_size", size, rule)

    def init(self, key: jax.Array, latents: int) -> dict[str, Params]:
        """Return the prior's logits `[K]`, means and log variances `[K, latents]`."""
        shape = (self.components, latents)
        means = jax.random.normal(key, shape) if self.components > 1 else jnp.zeros(shape)
        logits = jnp.zeros(self.components)
        return {"prior": {"logits": logits, "mean": means, "logvar": jnp.zeros(shape)}}

    def log_prior(self, params: Params, z_hat: jax.Array) -> jax.Array:
        """Return ln Σ_k π_k N(z; m_k, s_k²): `[..., latents]` → `[...]`."""
        prior = params["prior"]
        shape = (*z_hat.shape[:-1], *prior["mean"].shape)
        mean, logvar = (jnp.broadcast_to(prior[name], shape) for name in ("mean", "logvar"))
        each = log_normal(jnp.broadcast_to(z_hat[..., None, :], shape), mean, logvar).sum(-1)
        shares = jnp.broadcast_to(jax.nn.log_softmax(prior["logits"]), each.shape)
        return jax.nn.logsumexp(each + shares, axis=-1)

    def prior_sample(self, params: Params, normals: jax.Array, codes: jax.Array) -> jax.Array:
        """Draw from the mixture: the first normal's rank chooses the component."""
        prior = params["prior"]
        shares = jax.nn.softmax(prior["logits"])
        ends = jnp.cumsum(shares)
        uniform = jax.scipy.stats.norm.cdf(normals[:, 0]) * ends[-1]
        chosen = jnp.minimum(jnp.searchsorted(ends, uniform, side="right"), len(shares) - 1)
        # what is left of it within the component is uniform again
        within = (uniform - (ends - shares)[chosen]) / shares[chosen]
        tiny = jnp.finfo(normals.dtype).eps / 2
        first = jax.scipy.stats.norm.ppf(jnp.clip(within, tiny, 1 - tiny))
        fresh = normals.at[:, 0].set(first)
        return prior["mean"][chosen] + jnp.exp(0.5 * prior["logvar"][chosen]) * fresh

    def losses(
        self,
        network: Network,
        params: Params,
        x: jax.Array,
        noise: Any,
        strength: jax.Array | float,
        step: jax.Array,
        variance: float,
    ) -> Losses:
        """Return the terms of each image; the gradient trains the prior too."""
        mean, logvar, z_hat, reconstruction = self.passed(network, params, x, noise, variance)
        kl = log_normal(z_hat, mean, logvar).sum(-1) - self.log_prior(params, z_hat)
        weight = strength * linear_warmup(step, self.kl_warmup)
        return Losses(reconstruction + weight * kl, reconstruction, kl)
