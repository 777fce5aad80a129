"""`python -m experiments.agreement`."""

from biasvae_jax.cli import common
from experiments.agreement.command import main

common.run(main)
