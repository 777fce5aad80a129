"""What is minimised, one file an objective."""

from biasvae_jax.objectives.autoencoder import Autoencoder
from biasvae_jax.objectives.base import Objective
from biasvae_jax.objectives.beta_elbo import BetaElbo, Losses, analytic_beta_elbo, beta_elbo
from biasvae_jax.objectives.beta_tc import BetaTc, decompose
from biasvae_jax.objectives.capacity import Capacity
from biasvae_jax.objectives.dip import DipI, DipII
from biasvae_jax.objectives.elbo import GaussianObjective
from biasvae_jax.objectives.factor import FactorLosses, FactorVae
from biasvae_jax.objectives.hfs import Hfs
from biasvae_jax.objectives.intel import Intel
from biasvae_jax.objectives.iwae import Iwae
from biasvae_jax.objectives.mixture_prior import MixturePrior
from biasvae_jax.objectives.sigma import SigmaVae
from biasvae_jax.objectives.terms import (
    analytic_kl,
    gaussian_reconstruction,
    linear_warmup,
    log_normal,
    reparameterise,
    sample_kl,
)

__all__ = [
    "Autoencoder",
    "BetaElbo",
    "BetaTc",
    "Capacity",
    "DipI",
    "DipII",
    "FactorLosses",
    "FactorVae",
    "GaussianObjective",
    "Hfs",
    "Intel",
    "Iwae",
    "Losses",
    "MixturePrior",
    "Objective",
    "SigmaVae",
    "analytic_beta_elbo",
    "analytic_kl",
    "beta_elbo",
    "decompose",
    "gaussian_reconstruction",
    "linear_warmup",
    "log_normal",
    "reparameterise",
    "sample_kl",
]
