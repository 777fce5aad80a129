"""Encoders and decoders, one file a kind."""

from biasvae_jax.networks.base import Architecture, Network, NoisyInput, Params
from biasvae_jax.networks.conv import ConvNet, Convolutional
from biasvae_jax.networks.mlp import MLP, Activation, Dense, Output, linear_network

__all__ = [
    "MLP",
    "Activation",
    "Architecture",
    "ConvNet",
    "Convolutional",
    "Dense",
    "Network",
    "NoisyInput",
    "Output",
    "Params",
    "linear_network",
]
