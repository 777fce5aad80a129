"""`python -m experiments.robustness`."""

from biasvae_jax.cli import common
from experiments.robustness.command import main

common.run(main)
