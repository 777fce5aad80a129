"""The KL held at a capacity that rises: controlled capacity increase."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp

from biasvae_jax.axes import Axis
from biasvae_jax.components import register, require_positive
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.beta_elbo import Losses
from biasvae_jax.objectives.elbo import GaussianObjective
from biasvae_jax.objectives.terms import analytic_kl, linear_warmup


@register
@dataclass(frozen=True)
class Capacity(GaussianObjective):
    """½‖x − x̂‖²/σ² + γ·|KL − C|: the code may carry C nats, no more and no less.

    KL is the analytic one, a mean over the batch; `kl_warmup` are the steps over which C rises
    from 0, where the paper has 100,000. Source: Burgess et al. 2018, "Understanding disentangling
    in β-VAE".
    """

    gamma: float = 1000.0
    """Weight γ of the distance from the capacity, as in the paper."""

    kind = "capacity"
    axis = Axis(
        "capacity",
        "C",
        "nats that the code is to carry",
        (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 24.0),
        least=0.0,
    )
    Terms = Losses
    meanings = MappingProxyType(
        {
            "loss": "capacity loss",
            "reconstruction": "reconstruction term",
            "kl": "analytic KL",
        }
    )
    formula = "½‖x − x̂‖²/σ² + γ·|KL − C|"
    trap = "C nats are spent on noise where the images have less to say"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        require_positive("gamma", self.gamma)

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
        """Return the terms of each image; the distance is that of the batch's mean KL."""
        mean, logvar, _, reconstruction = self.passed(network, params, x, noise, variance)
        kl = analytic_kl(mean, logvar)
        capacity = strength * linear_warmup(step, self.kl_warmup)
        loss = reconstruction + self.gamma * jnp.abs(kl.mean() - capacity)
        return Losses(loss, reconstruction, kl)
