"""All components that come with the package; importing this registers them."""

from biasvae_jax import biases, networks, objectives, worlds

__all__ = ["biases", "networks", "objectives", "worlds"]
