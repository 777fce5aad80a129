"""`python -m experiments.pictures`."""

from biasvae_jax.cli import common
from experiments.pictures.command import main

common.run(main)
