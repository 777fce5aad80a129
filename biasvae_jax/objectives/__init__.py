"""What is minimised, one file an objective."""

from biasvae_jax.objectives.base import Objective
from biasvae_jax.objectives.beta_elbo import BetaElbo, Losses, analytic_beta_elbo, beta_elbo
from biasvae_jax.objectives.factor import FactorLosses, FactorVae
from biasvae_jax.objectives.terms import (
    analytic_kl,
    gaussian_reconstruction,
    linear_warmup,
    reparameterise,
    sample_kl,
)

__all__ = [
    "BetaElbo",
    "FactorLosses",
    "FactorVae",
    "Losses",
    "Objective",
    "analytic_beta_elbo",
    "analytic_kl",
    "beta_elbo",
    "gaussian_reconstruction",
    "linear_warmup",
    "reparameterise",
    "sample_kl",
]
