"""Hausdorff factorised support: all combinations of the latents' values are to occur."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.components import register, require_number, require_whole
from biasvae_jax.networks.base import Network, Params
from biasvae_jax.objectives.elbo import GaussianObjective
from biasvae_jax.objectives.terms import linear_warmup, sample_kl


class HfsLosses(NamedTuple):
    """The objective and its terms: nats, but for the distance."""

    loss: jax.Array
    reconstruction: jax.Array
    kl: jax.Array
    distance: jax.Array
    """Σ over pairs of latents of the squared Hausdorff distance, of the batch."""


def factorised_support_distance(code: jax.Array, points: int) -> jax.Array:
    """Return Σ_{i<j} max over (a, b) of min over rows of (a − z_i)² + (b − z_j)².

    (a, b) are all pairs of values of latent i and latent j among the first `points` rows: how far
    the farthest combination of values that could occur is from one that does. `code`
    `[rows, latents]` → scalar; 0 with one latent. Source: Roth et al. 2023, equation 5.
    """
    first, second = np.triu_indices(code.shape[-1], 1)
    if not len(first):
        return jnp.zeros(())
    # the gradient flows through the farthest combination and its nearest row alone: find them first
    fixed = jax.lax.stop_gradient(code).T
    apart = jnp.square(fixed[:, :points, None] - fixed[:, None])  # [latent, value, row]
    both = apart[first][:, :, None] + apart[second][:, None]  # [pair, a, b, row]
    nearest = both.min(-1)
    farthest = nearest.reshape(len(first), -1).argmax(-1)
    a, b = jnp.unravel_index(farthest, nearest.shape[1:])
    row = (apart[first, a] + apart[second, b]).argmin(-1)
    along, across = code[a, first] - code[row, first], code[b, second] - code[row, second]
    return (jnp.square(along) + jnp.square(across)).sum()


@register
@dataclass(frozen=True)
class Hfs(GaussianObjective):
    """½‖x − x̂‖²/σ² + β·KL + γ·Σ d_H², d_H the distance of a pair's support from its product.

    It asks that combinations occur and not that latents are independent, so correlated factors
    may keep their own latents. Of the posterior means, over all pairs, with the combinations of
    `points` rows of a batch; the paper draws 100 combinations and 25 pairs at random, and has a
    penalty on the code's range, which here the KL holds. Source: Roth et al. 2023, "Disentanglement
    of Correlated Factors via Hausdorff Factorized Support".
    """

    kl_weight: float = 1.0
    """Weight β of the KL term."""
    points: int = 16
    """Rows of a batch of which all combinations are looked at."""

    kind = "hfs"
    axis = Axis(
        "gamma",
        "γ",
        "weight of the support's distance from a product",
        (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0),
        neutral=0.0,
        least=0.0,
    )
    Terms = HfsLosses
    meanings = MappingProxyType(
        {
            "loss": "HFS loss",
            "reconstruction": "reconstruction term",
            "kl": "single-sample KL",
            "distance": "squared Hausdorff distances of pairs of latents from a product, summed",
        }
    )
    units = MappingProxyType({"distance": "1"})
    formula = "½‖x − x̂‖²/σ² + β·KL + γ·Σ d_H²"
    trap = "a shorter code shortens every distance, so γ is strong regularisation too"
    least_batch = 2  # of one image the batch says nothing

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        super().check()
        require_number("kl_weight", self.kl_weight, 0)
        require_whole("points", self.points)

    def losses(
        self,
        network: Network,
        params: Params,
        x: jax.Array,
        noise: Any,
        strength: jax.Array | float,
        step: jax.Array,
        variance: float,
    ) -> HfsLosses:
        """Return the terms of each image; the distance is that of the batch."""
        mean, logvar, _, reconstruction = self.passed(network, params, x, noise, variance)
        kl = sample_kl(noise, mean, logvar)
        distance = factorised_support_distance(mean, self.points)
        regular = self.kl_weight * kl + strength * distance
        loss = reconstruction + linear_warmup(step, self.kl_warmup) * regular
        return HfsLosses(loss, reconstruction, kl, jnp.broadcast_to(distance, kl.shape))
