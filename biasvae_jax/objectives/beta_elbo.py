"""The β-ELBO for one example: nats, summed over pixels and over latents.

Kingma & Welling 2014 (the ELBO and its reparameterisation), Higgins et al. 2017 (β).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

import jax

from biasvae_jax.components import register, require_choice
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.elbo import KL_WEIGHT, GaussianObjective
from biasvae_jax.objectives.terms import (
    analytic_kl,
    gaussian_reconstruction,
    linear_warmup,
    reparameterise,
    sample_kl,
)

Divergence = Literal["sampled", "analytic"]


class Losses(NamedTuple):
    """The objective and its two terms, in nats."""

    loss: jax.Array
    reconstruction: jax.Array
    kl: jax.Array


def beta_elbo(
    network: Network,
    params: Params,
    x: jax.Array,
    eps: jax.Array,
    beta: jax.Array | float,
    variance: float,
) -> Losses:
    """Negative β-ELBO: reconstruction + β·kl, with the single-sample KL.

    Shapes: `x` `[..., pixels]`, `eps` `[..., latent_dim]` standard normal → `[...]`, each in nats.
    """
    return _beta_elbo(sample_kl, network, params, x, eps, beta, variance)


def analytic_beta_elbo(
    network: Network,
    params: Params,
    x: jax.Array,
    eps: jax.Array,
    beta: jax.Array | float,
    variance: float,
) -> Losses:
    """`beta_elbo` with the analytic KL: the same expectation and less noise."""
    exact = lambda _, mean, logvar: analytic_kl(mean, logvar)  # noqa: E731
    return _beta_elbo(exact, network, params, x, eps, beta, variance)


def _beta_elbo(divergence, network, params, x, eps, beta, variance) -> Losses:
    mean, logvar = network.encode(params, x)
    x_hat = network.decode(params, reparameterise(eps, mean, logvar))
    reconstruction = gaussian_reconstruction(x, x_hat, variance)
    kl = divergence(eps, mean, logvar)
    return Losses(reconstruction + beta * kl, reconstruction, kl)


@register
@dataclass(frozen=True)
class BetaElbo(GaussianObjective):
    """½‖x − x̂‖²/σ² + β·KL: at β = 1 with the true σ² the negative ELBO."""

    kl_warmup: int = 0
    """Steps over which the KL weight rises linearly from 0 to beta."""
    likelihood_variance: float | None = None
    """Variance of the Gaussian likelihood, a pixel (None: the noise variance). A summed squared
    error without the ½ is 0.5; a mean over 441 pixels is 220.5."""
    kl: Divergence = "sampled"
    """The KL from one sample, as in the original study, or its closed form: less noise, and the
    same expectation."""

    kind = "beta_elbo"
    axis = KL_WEIGHT
    Terms = Losses
    meanings = MappingProxyType(
        {
            "loss": "β-ELBO loss",
            "reconstruction": "reconstruction term",
            "kl": "single-sample KL",
        }
    )
    formula = "½‖x − x̂‖²/σ² + β·KL"
    trap = "a stronger β lets the code say less, so recovery_r2 falls with it whatever the bias"
    optimum_known = True

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        require_choice("kl", self.kl, get_args(Divergence))

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
        """Return the β-ELBO and its terms; `noise` is the posterior's, standard normal."""
        elbo = beta_elbo if self.kl == "sampled" else analytic_beta_elbo
        weight = strength * linear_warmup(step, self.kl_warmup)
        return elbo(network, params, x, noise, weight, variance)
