"""FactorVAE: the ELBO and a weight on the total correlation of the code, by a discriminator.

Kim & Mnih 2018, "Disentangling by Factorising", algorithm 2.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from biasvae_jax.axes import Axis
from biasvae_jax.components import register, require, require_positive
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.base import adam
from biasvae_jax.objectives.beta_elbo import beta_elbo
from biasvae_jax.objectives.elbo import GaussianObjective
from biasvae_jax.objectives.terms import linear_warmup, reparameterise


class FactorLosses(NamedTuple):
    """The objective and its terms, in nats."""

    loss: jax.Array
    """Reconstruction + KL + γ·total correlation, what encoder and decoder minimise."""
    reconstruction: jax.Array
    kl: jax.Array
    total_correlation: jax.Array
    """The discriminator's estimate of KL(q(z_hat) ‖ Π q(z_hat_j))."""
    discriminator: jax.Array
    """Cross-entropy of the discriminator, ln 2 where it cannot tell."""


class FactorNoise(NamedTuple):
    """The random numbers of one step."""

    posterior: jax.Array
    """Standard normal, `[batch, latents]`."""
    order: jax.Array
    """Uniform; its order in each column permutes that latent over the batch, same shape."""


class _Discriminator(nn.Module):
    """log odds that a code comes from q(z_hat) and not from the product of its marginals."""

    widths: tuple[int, ...]

    @nn.compact
    def __call__(self, z):
        for width in self.widths:
            z = nn.leaky_relu(nn.Dense(width)(z), 0.2)
        return nn.Dense(1)(z)[..., 0]


@register
@dataclass(frozen=True)
class FactorVae(GaussianObjective):
    """Reconstruction + KL + γ·TC, the total correlation TC by the density-ratio trick.

    One gradient trains two players: `stop_gradient` keeps the discriminator's loss from the code
    and the TC from the discriminator, and each player has its own Adam. The permuted codes are of
    the same batch, where the paper draws a second one.
    """

    kl_warmup: int = 0
    """Steps over which the weights of KL and total correlation rise linearly from 0."""
    likelihood_variance: float | None = None
    """Variance of the Gaussian likelihood, a pixel (None: the noise variance)."""
    discriminator: tuple[int, ...] = (128, 128, 128)
    """Widths of the discriminator's hidden layers (the paper has six of 1,000)."""
    discriminator_rate: float = 1e-4
    """Adam's learning rate of the discriminator; its β₁ is 0.5."""

    kind = "factor"
    axis = Axis(
        "gamma",
        "γ",
        "weight of the total correlation",
        (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 100.0),
        neutral=0.0,
        least=0.0,
    )
    Terms = FactorLosses
    meanings = MappingProxyType(
        {
            "loss": "FactorVAE loss",
            "reconstruction": "reconstruction term",
            "kl": "single-sample KL",
            "total_correlation": "total correlation of the code, the discriminator's estimate",
            "discriminator": "cross-entropy of the discriminator",
        }
    )
    formula = "½‖x − x̂‖²/σ² + KL + γ·TC"
    trap = "the TC is only as good as the discriminator"
    least_batch = 2  # of one image the batch says nothing

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        widths = self.discriminator
        whole = isinstance(widths, tuple) and all(type(w) is int and 1 <= w < 2**31 for w in widths)
        require(whole, "discriminator", widths, "must be whole numbers ≥ 1, or empty for a line")
        require_positive("discriminator_rate", self.discriminator_rate)

    def init(self, key: jax.Array, latents: int) -> dict[str, Params]:
        """Return the discriminator's parameters."""
        return {"discriminator": self._log_odds.init(key, jnp.zeros(latents))["params"]}

    def draw(self, key: jax.Array, batch: int, latents: int) -> FactorNoise:
        """Draw the posterior's noise, as the β-ELBO does, and the permutations'."""
        order_key = jax.random.fold_in(key, 1)
        return FactorNoise(
            super().draw(key, batch, latents), jax.random.uniform(order_key, (batch, latents))
        )

    def losses(
        self,
        network: Network,
        params: Params,
        x: jax.Array,
        noise: FactorNoise,
        strength: jax.Array | float,
        step: jax.Array,
        variance: float,
    ) -> FactorLosses:
        """Return the terms of each image; the gradient of `loss` also trains the discriminator."""
        weight = linear_warmup(step, self.kl_warmup)
        elbo = beta_elbo(network, params, x, noise.posterior, weight, variance)
        mean, logvar = network.encode(params, x)
        z_hat = reparameterise(noise.posterior, mean, logvar)
        player = params["discriminator"]
        total_correlation = self._odds(jax.lax.stop_gradient(player), z_hat)
        code = jax.lax.stop_gradient(z_hat)
        permuted = jnp.take_along_axis(code, jnp.argsort(noise.order, axis=0), axis=0)
        # −log of the probability of the right answer, a half for each kind of code
        told = jax.nn.softplus(-self._odds(player, code))
        fooled = jax.nn.softplus(self._odds(player, permuted))
        discriminator = 0.5 * (told + fooled)
        loss = elbo.loss + weight * strength * total_correlation
        # adds the discriminator's gradient and not its value
        unseen = discriminator - jax.lax.stop_gradient(discriminator)
        return FactorLosses(
            loss + unseen, elbo.reconstruction, elbo.kl, total_correlation, discriminator
        )

    def optimizer(
        self, rate: optax.ScalarOrSchedule, weight_decay: float = 0.0
    ) -> optax.GradientTransformation:
        """Return two Adams: the discriminator's own, and that of everything else."""
        players: Any = {
            "vae": adam(rate, weight_decay),
            "discriminator": optax.adam(self.discriminator_rate, b1=0.5),
        }

        def labels(params: Any) -> Any:
            return {name: "discriminator" if name == "discriminator" else "vae" for name in params}

        return optax.multi_transform(players, labels)

    @property
    def _log_odds(self) -> _Discriminator:
        return _Discriminator(self.discriminator)

    def _odds(self, player: Params, z: jax.Array) -> jax.Array:
        odds: Any = self._log_odds.apply({"params": player}, z)
        return odds
