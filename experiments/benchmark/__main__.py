"""`python -m experiments.benchmark`."""

from biasvae_jax.cli import common
from experiments.benchmark.command import main

common.run(main)
