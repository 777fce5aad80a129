"""`biasvae score` from a checkout: `python -m experiments.score`."""

from biasvae_jax.cli import common
from biasvae_jax.cli.score import main

__all__ = ["main"]

if __name__ == "__main__":
    common.run(main)
