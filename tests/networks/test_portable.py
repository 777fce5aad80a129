import jax
import numpy as np
import pytest

from biasvae_jax.networks import MLP, ConvNet, portable


@pytest.mark.parametrize(
    "network",
    [
        MLP(12, 3, hidden=(), output="identity"),
        *(MLP(12, 3, hidden=(16, 8), activation=name) for name in ("relu", "leaky_relu")),
        *(MLP(12, 3, hidden=(16,), activation=name) for name in ("gelu", "tanh")),
        ConvNet(1, 3),
        ConvNet(3, 2, output="identity"),
    ],
    ids=lambda network: f"{type(network).__name__}-{network.output}",
)
def test_the_portable_layers_are_the_decoder(network):
    @jax.jit
    def made(key):
        params = network.init(key)
        # biases that matter, and kernels of no symmetry
        params = jax.tree.map(
            lambda a: a + 0.1 * jax.random.normal(jax.random.key(a.size), a.shape), params
        )
        codes = 2 * jax.random.normal(jax.random.fold_in(key, 1), (4, network.latent_dim))
        return params, codes, network.decode(params, codes)

    params, codes, known = made(jax.random.key(0))
    assert np.ptp(known, axis=0).max() > 0.01
    found = portable.decode(network.layers(params), np.asarray(codes))
    assert found.shape == known.shape
    np.testing.assert_allclose(found, known, rtol=1e-4, atol=1e-4 * np.abs(known).max())
