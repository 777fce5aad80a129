"""The importance-weighted autoencoder: a tighter bound from K samples."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp

from biasvae_jax.axes import Axis
from biasvae_jax.components import ConfigError, register, require_whole
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.beta_elbo import Losses
from biasvae_jax.objectives.elbo import GaussianObjective
from biasvae_jax.objectives.terms import (
    gaussian_reconstruction,
    linear_warmup,
    reparameterise,
    sample_kl,
)


@register
@dataclass(frozen=True)
class Iwae(GaussianObjective):
    """−ln 1/K Σ_k exp(−½‖x − x̂_k‖²/σ² − KL_k), K samples of the posterior for each image.

    K = 1 is the ELBO. All cells draw and decode `samples` of them, of which a cell uses K, so a
    grid costs as its largest K. Source: Burda, Grosse & Salakhutdinov 2016, "Importance Weighted
    Autoencoders". The
    encoder's gradient gets noisier with K: Rainforth et al. 2018, "Tighter Variational Bounds are
    Not Necessarily Better".
    """

    samples: int = 8
    """Samples of the posterior drawn for each image; K is at most so many."""

    kind = "iwae"
    axis = Axis(
        "importance_samples",
        "K",
        "samples of the bound",
        (1.0, 2.0, 4.0, 8.0),
        neutral=1.0,
        least=1.0,
    )
    Terms = Losses
    meanings = MappingProxyType(
        {
            "loss": "negative importance-weighted bound",
            "reconstruction": "reconstruction term, mean of the K samples",
            "kl": "single-sample KL, mean of the K samples",
        }
    )
    formula = "−ln 1/K Σ exp(−½‖x − x̂‖²/σ² − KL)"
    trap = "the bound gets tighter while the encoder's gradient gets noisier"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        require_whole("samples", self.samples)

    def check_strengths(self, values: tuple[float, ...]) -> None:
        """Raise ConfigError unless each K is a whole number, and no more than are drawn."""
        for value in values:
            if value != int(value):
                raise ConfigError(f"--importance-samples must be whole numbers; got {value:g}")
            if value > self.samples:
                raise ConfigError(
                    f"--importance-samples {value:g} is more than the {self.samples} that "
                    "--samples draws; raise --samples"
                )

    def draw(self, key: jax.Array, batch: int, latents: int) -> jax.Array:
        """Draw standard normals `[batch, samples, latents]`, the first as the β-ELBO does."""
        first = super().draw(key, batch, latents)[:, None]
        more = jax.random.normal(jax.random.fold_in(key, 1), (batch, self.samples - 1, latents))
        return jnp.concatenate([first, more], axis=1)

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
        """Return the bound and the means of its terms, of the first K samples."""
        # the samples are rows of one product, which is faster than one product each
        batch, drawn, latents = noise.shape
        mean, logvar = (
            jnp.broadcast_to(a[:, None], noise.shape) for a in self.posterior(network, params, x)
        )
        kl = sample_kl(noise, mean, logvar)
        z_hat = reparameterise(noise, mean, logvar).reshape(batch * drawn, latents)
        x_hat = network.decode(params, z_hat).reshape(batch, drawn, -1)
        seen = jnp.broadcast_to(x[:, None], x_hat.shape)
        reconstruction = gaussian_reconstruction(seen, x_hat, variance)
        cost = reconstruction + linear_warmup(step, self.kl_warmup) * kl
        used = jnp.broadcast_to(jnp.arange(drawn) < strength, cost.shape)
        loss = jnp.log(strength) - jax.nn.logsumexp(jnp.where(used, -cost, -jnp.inf), axis=1)
        parts = (jnp.where(used, part, 0).sum(1) / strength for part in (reconstruction, kl))
        return Losses(loss, *parts)
