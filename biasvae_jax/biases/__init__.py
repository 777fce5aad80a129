"""Ways in which training data can be biased, one file each."""

from biasvae_jax.biases.base import Bias, LatentBias, RowBias
from biasvae_jax.biases.missing import Missing
from biasvae_jax.biases.probability import Probability
from biasvae_jax.biases.resample import Resample
from biasvae_jax.biases.scale import Scale
from biasvae_jax.biases.shift import Shift

__all__ = [
    "Bias",
    "LatentBias",
    "Missing",
    "Probability",
    "Resample",
    "RowBias",
    "Scale",
    "Shift",
]
