import chex
import jax
import numpy as np
import pytest

from biasvae_jax.components import ConfigError
from biasvae_jax.networks import Convolutional
from biasvae_jax.networks.conv import convolve, spread


def xla(x, kernel):
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        x, kernel, (2, 2), [(1, 1), (1, 1)], dimension_numbers=layout
    )


@pytest.mark.parametrize(("side", "inputs", "outputs"), [(4, 1, 2), (8, 3, 5), (2, 2, 1)])
def test_the_product_of_patches_is_xlas_convolution_and_its_transpose(side, inputs, outputs):
    @jax.jit
    def both(key):
        keys = jax.random.split(key, 3)
        x = jax.random.normal(keys[0], (2, side, side, inputs))
        kernel = jax.random.normal(keys[1], (4, 4, inputs, outputs))
        y, transpose = jax.vjp(lambda x: xla(x, kernel), x)
        g = jax.random.normal(keys[2], y.shape)
        return (convolve(x, kernel), spread(g, kernel)), (y, transpose(g)[0])

    ours, theirs = both(jax.random.key(0))
    chex.assert_trees_all_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_for_one_example_and_for_batches(channels):
    network = Convolutional().bind((64, 64, channels), 5)
    x = (2, 1, 64 * 64 * channels)

    @jax.jit
    def results(key):
        params = network.init(key)
        images = jax.random.uniform(jax.random.fold_in(key, 1), x)
        mean, logvar = network.encode(params, images)
        layer = params["encoder"]["code"]
        code = network.features(params, images) @ layer["kernel"] + layer["bias"][None, None]
        alone = network.encode(params, images[0, 0])[0]
        return mean, logvar, network.decode(params, mean), alone, code

    mean, logvar, image, alone, code = results(jax.random.key(0))
    chex.assert_shape((mean, logvar), (2, 1, 5))
    chex.assert_shape(image, x)
    chex.assert_trees_all_close(alone, mean[0, 0], rtol=1e-3, atol=1e-5)
    chex.assert_trees_all_close(code, np.concatenate([mean, logvar], -1), atol=1e-5)


def test_the_layers_are_those_of_the_field():
    """Burgess et al. 2018: 4×4 kernels, 32-32-64-64 channels, 256 units; 764 thousand numbers."""
    params = jax.eval_shape(Convolutional().bind((64, 64, 1), 10).init, jax.random.key(0))
    shapes = [params["encoder"][f"conv_{i}"]["kernel"].shape for i in range(4)]
    assert shapes == [(4, 4, 1, 32), (4, 4, 32, 32), (4, 4, 32, 64), (4, 4, 64, 64)]
    mirrored = [params["decoder"][f"conv_{i}"]["kernel"].shape for i in range(4)]
    assert mirrored == [(4, 4, 64, 64), (4, 4, 32, 64), (4, 4, 32, 32), (4, 4, 1, 32)]
    assert sum(a.size for a in jax.tree.leaves(params)) == 764_245


def test_an_untrained_network_keeps_the_scale_of_what_it_is_given():
    network = Convolutional(output="identity").bind((64, 64, 1), 10)

    @jax.jit
    def spreads(key):
        params = network.init(key)
        h = network.features(params, jax.random.normal(jax.random.fold_in(key, 1), (8, 4096)))
        image = network.decode(params, jax.random.normal(jax.random.fold_in(key, 2), (8, 10)))
        return h.std(), image.std()

    assert all(0.05 < float(each) < 2 for each in spreads(jax.random.key(0)))


@pytest.mark.parametrize("image", [(21, 21, 1), (64, 32, 1), (64, 64, 2)])
def test_other_images_are_refused_in_one_line(image):
    with pytest.raises(ConfigError, match="64×64"):
        Convolutional().bind(image, 4)


def test_it_is_one_static_argument():
    one, other = (Convolutional().bind((64, 64, 1), n) for n in (4, 4))
    assert one == other and hash(one) == hash(other)
    assert np.isfinite(hash(one))
