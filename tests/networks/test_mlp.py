import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from biasvae_jax.networks import MLP


@pytest.mark.parametrize("hidden", [(), (16,), (16, 8)])
@pytest.mark.parametrize("output", ["sigmoid", "identity"])
def test_shapes_for_one_example_and_for_batches(hidden, output):
    network = MLP(pixels=36, latent_dim=4, hidden=hidden, output=output)
    params = jax.eval_shape(network.init, jax.random.key(0))
    for shape in ((), (5,), (2, 5)):
        image = jax.ShapeDtypeStruct((*shape, 36), np.float32)
        mean, logvar = jax.eval_shape(network.encode, params, image)
        assert mean.shape == logvar.shape == (*shape, 4)
        assert jax.eval_shape(network.decode, params, mean).shape == (*shape, 36)


def test_hidden_widths_are_mirrored_in_the_decoder():
    params = jax.eval_shape(MLP(36, 4, hidden=(16, 8)).init, jax.random.key(0))
    widths = {
        part: [layer["kernel"].shape for _, layer in sorted(params[part].items())]
        for part in ("encoder", "decoder")
    }
    assert widths["encoder"] == [(36, 16), (16, 8), (8, 8)]
    assert widths["decoder"] == [(4, 8), (8, 16), (16, 36)]


def test_without_hidden_layers_encoder_and_decoder_are_affine():
    network = MLP(9, 3, hidden=(), output="identity")
    params = network.init(jax.random.key(0))
    a, b = jax.random.normal(jax.random.key(1), (2, 9))
    for f in (lambda x: network.encode(params, x), lambda x: network.decode(params, x[:3])):
        midpoint = jax.tree.map(lambda p, q: (p + q) / 2, f(a), f(b))
        chex.assert_trees_all_close(f((a + b) / 2), midpoint, atol=1e-5)


def test_sigmoid_output_is_an_intensity_and_identity_is_not_bounded():
    z = 100 * jnp.ones(2)
    for output, bounded in (("sigmoid", True), ("identity", False)):
        network = MLP(16, 2, output=output)
        image = network.decode(network.init(jax.random.key(0)), z)
        assert bool(((image >= 0) & (image <= 1)).all()) is bounded


def test_networks_of_equal_settings_are_one_static_argument():
    assert hash(MLP(9, 3)) == hash(MLP(9, 3)) and MLP(9, 3) == MLP(9, 3) != MLP(9, 4)


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        ("relu", lambda x: np.maximum(x, 0)),
        ("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x)),
        ("gelu", lambda x: x * stats.norm.cdf(x)),
        ("tanh", np.tanh),
    ],
)
def test_the_activation_is_between_the_layers_of_both_parts(activation, function):
    network = MLP(9, 3, hidden=(5,), output="identity", activation=activation)
    params = jax.tree.map(np.asarray, network.init(jax.random.key(0)))

    def by_hand(part, x):
        first, last = (part[f"Dense_{i}"] for i in range(2))
        return function(x @ first["kernel"] + first["bias"]) @ last["kernel"] + last["bias"]

    x = np.asarray(jax.random.normal(jax.random.key(1), (7, 9)))
    both = np.concatenate(network.encode(params, x), axis=-1)
    # flax's gelu is the tanh approximation, within 5e-4 of the exact one
    np.testing.assert_allclose(both, by_hand(params["encoder"], x), atol=2e-3)
    z_hat = x[:, :3]
    np.testing.assert_allclose(
        network.decode(params, z_hat), by_hand(params["decoder"], z_hat), atol=2e-3
    )


@pytest.mark.parametrize("hidden", [(), (5,), (6, 5)])
def test_the_posterior_is_affine_in_the_features(hidden):
    network = MLP(9, 3, hidden=hidden, activation="tanh")
    params = network.init(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (2, 7, 9))
    h = network.features(params, x)
    last = params["encoder"][f"Dense_{len(hidden)}"]
    both = np.concatenate(network.encode(params, x), axis=-1)
    assert both.shape == (2, 7, 6) and h.shape == (2, 7, hidden[-1] if hidden else 9)
    # the first biases are 0
    np.testing.assert_allclose(np.asarray(h) @ np.asarray(last["kernel"]), both, atol=1e-5)
