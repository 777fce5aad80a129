"""`python -m experiments.findings`."""

from biasvae_jax.cli import common
from experiments.findings.command import main

common.run(main)
