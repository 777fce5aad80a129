"""`biasvae sweep` from a checkout: `python -m experiments.full_sweep`."""

from biasvae_jax.cli import common
from biasvae_jax.cli.sweep import main

__all__ = ["main"]

if __name__ == "__main__":
    common.run(main)
