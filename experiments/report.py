"""`biasvae report` from a checkout: `python -m experiments.report`."""

from biasvae_jax.cli import common
from biasvae_jax.cli.report import main

__all__ = ["main"]

if __name__ == "__main__":
    common.run(main)
