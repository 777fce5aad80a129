"""What the report shows of a run, gathered: arrays and pictures from its directory and models."""

from biasvae_jax.cli.gathering.view import gather

__all__ = ["gather"]
