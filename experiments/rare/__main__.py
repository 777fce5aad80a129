"""`python -m experiments.rare`."""

from biasvae_jax.cli import common
from experiments.rare.command import main

common.run(main)
