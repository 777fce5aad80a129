"""Ways in which training data can be biased, one file each."""

from biasvae_jax.biases.associate import Associate
from biasvae_jax.biases.base import Bias, LatentBias, RowBias
from biasvae_jax.biases.correlate import Correlate
from biasvae_jax.biases.correlate_rows import CorrelateRows
from biasvae_jax.biases.missing import Missing
from biasvae_jax.biases.mixture import Mixture
from biasvae_jax.biases.moments import LinkedMoments
from biasvae_jax.biases.probability import Probability
from biasvae_jax.biases.resample import Resample
from biasvae_jax.biases.scale import Scale
from biasvae_jax.biases.shift import Shift
from biasvae_jax.biases.truncate import Truncate

__all__ = [
    "Associate",
    "Bias",
    "Correlate",
    "CorrelateRows",
    "LatentBias",
    "LinkedMoments",
    "Missing",
    "Mixture",
    "Probability",
    "Resample",
    "RowBias",
    "Scale",
    "Shift",
    "Truncate",
]
