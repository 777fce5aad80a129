"""A study: world × bias × objective × network × training × seeds, the identity of a run."""

from biasvae_jax.study.stored import LATER, NOT_FLAT, WHOLE, parse
from biasvae_jax.study.study import Draft, Study, settings
from biasvae_jax.study.training import Training

__all__ = ["LATER", "NOT_FLAT", "WHOLE", "Draft", "Study", "Training", "parse", "settings"]
