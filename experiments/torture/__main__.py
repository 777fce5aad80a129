"""`python -m experiments.torture`."""

from biasvae_jax.cli import common
from experiments.torture.command import main

common.run(main)
