"""The field's standard convolutional encoder and decoder for images of 64×64.

A convolution of 4×4 with stride 2 is written as a product of patches: pixels of 2×2 are stacked
as channels, and four neighbours of that are multiplied by the kernel. It is the same convolution,
and unlike XLA's own it keeps its speed within a loop on a CPU (`docs/performance.md`) and, vmapped
over models, on an accelerator.
"""

from dataclasses import dataclass
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.components import ConfigError, register, require_choice
from biasvae_jax.networks.base import Architecture, Params
from biasvae_jax.networks.mlp import Output, affine, finish, output_layers
from biasvae_jax.networks.portable import Apply, Fold, Layer, Product, Split
from biasvae_jax.worlds.base import Image

SIDE = 64
CHANNELS = (32, 32, 64, 64)
DENSE = 256
_lecun = jax.nn.initializers.lecun_normal()


def product(rows: jax.Array, kernel: jax.Array) -> jax.Array:
    """Multiply rows `[..., inputs]` by a kernel `[inputs, outputs]`, by its transpose.

    The same bits, and a gradient by the kernel that is up to 2.6 times as fast on a CPU: with the
    barrier it is gᵀ·rows and then turned, where XLA would make it rowsᵀ·g, whose long sum runs over
    the columns of the larger factor (`docs/performance.md`).
    """
    turned = jax.lax.optimization_barrier(kernel.T)
    contracted = (((rows.ndim - 1,), (1,)), ((), ()))
    return jax.lax.dot_general(rows, turned, contracted)


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolve with 4×4 kernels, stride 2 and padding 1: half the side.

    `x` `[..., side, side, in]`, `kernel` `[4, 4, in, out]` → `[..., side/2, side/2, out]`.
    """
    *batch, side, _, channels = x.shape
    half, out = side // 2, kernel.shape[-1]
    padding = [(0, 0)] * len(batch) + [(1, 1), (1, 1), (0, 0)]
    blocks = jnp.pad(x, padding).reshape(*batch, half + 1, 2, half + 1, 2, channels)
    blocks = jnp.moveaxis(blocks, -4, -3).reshape(*batch, half + 1, half + 1, 4 * channels)
    patches = jnp.concatenate(
        [blocks[..., i : i + half, j : j + half, :] for i in (0, 1) for j in (0, 1)], axis=-1
    )
    # the kernel in the patches' order: which block (i, j), then where in it, then the channel
    weight = kernel.reshape(2, 2, 2, 2, channels, out).transpose(0, 2, 1, 3, 4, 5)
    return product(patches, weight.reshape(16 * channels, out))


def spread(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Transpose of `convolve`: twice the side. Each pixel adds a 4×4 patch to the image.

    `x` `[..., side, side, in]`, `kernel` `[4, 4, out, in]` → `[..., 2·side, 2·side, out]`, the
    kernel that of the convolution of which it is the transpose.
    """
    *batch, side, _, channels = x.shape
    out = kernel.shape[2]
    weight = kernel.reshape(2, 2, 2, 2, out, channels).transpose(0, 2, 1, 3, 4, 5)
    patches = x @ weight.reshape(16 * out, channels).T
    parts = jnp.split(patches, 4, axis=-1)
    blocks = jnp.zeros((), x.dtype)
    for (i, j), part in zip(((0, 0), (0, 1), (1, 0), (1, 1)), parts, strict=True):
        around = [(0, 0)] * len(batch) + [(i, 1 - i), (j, 1 - j), (0, 0)]
        blocks = blocks + jnp.pad(part, around)
    blocks = blocks.reshape(*batch, side + 1, side + 1, 2, 2, out)
    image = jnp.moveaxis(blocks, -3, -4).reshape(*batch, 2 * side + 2, 2 * side + 2, out)
    return image[..., 1:-1, 1:-1, :]


def _layer(x: jax.Array, layer: Params) -> jax.Array:
    """Apply an affine map."""
    return x @ layer["kernel"] + jnp.broadcast_to(
        layer["bias"], (*x.shape[:-1], len(layer["bias"]))
    )


def _biased(x: jax.Array, layer: Params) -> jax.Array:
    return x + jnp.broadcast_to(layer["bias"], x.shape)


@dataclass(frozen=True)
class ConvNet:
    """Four convolutions (32, 32, 64, 64 channels, 4×4, stride 2), a dense layer of 256, mirrored.

    ReLU between layers; (mean, logvar) is affine in the dense layer. Parameters are LeCun normal,
    biases 0. Images are flat, in the order height, width, channel.
    """

    channels: int
    latent_dim: int
    output: Output = "sigmoid"

    def init(self, key: jax.Array) -> Params:
        """Return freshly initialised parameters."""
        keys = iter(jax.random.split(key, 12))
        last, flat = CHANNELS[-1], CHANNELS[-1] * 4 * 4

        def dense(inputs: int, outputs: int) -> Params:
            return {"kernel": _lecun(next(keys), (inputs, outputs)), "bias": jnp.zeros(outputs)}

        def conv(small: int, large: int, transposed: bool) -> Params:
            # fan-in of the direction in which the kernel is used
            shape = (4, 4, large, small)
            kernel = jax.nn.initializers.variance_scaling(
                1.0,
                "fan_in",
                "truncated_normal",
                in_axis=3 if transposed else 2,
                out_axis=2 if transposed else 3,
            )(next(keys), shape)
            # a pixel of the transpose gets a quarter of the kernel's patches
            return {
                "kernel": kernel * (2.0 if transposed else 1.0),
                "bias": jnp.zeros(large if transposed else small),
            }

        encoder, inputs = {}, self.channels
        for i, outputs in enumerate(CHANNELS):
            encoder[f"conv_{i}"] = conv(outputs, inputs, False)
            inputs = outputs
        encoder |= {"dense": dense(flat, DENSE), "code": dense(DENSE, 2 * self.latent_dim)}
        decoder = {"dense_0": dense(self.latent_dim, DENSE), "dense_1": dense(DENSE, flat)}
        inputs = last
        for i, outputs in enumerate((*CHANNELS[-2::-1], self.channels)):
            decoder[f"conv_{i}"] = conv(inputs, outputs, True)
            inputs = outputs
        return {"encoder": encoder, "decoder": decoder}

    def features(self, params: Params, x: jax.Array) -> jax.Array:
        """Return the encoder's last hidden layer, `[..., 256]`."""
        layers = params["encoder"]
        h = x.reshape(*x.shape[:-1], SIDE, SIDE, self.channels)
        for i in range(len(CHANNELS)):
            h = jax.nn.relu(
                _biased(convolve(h, layers[f"conv_{i}"]["kernel"]), layers[f"conv_{i}"])
            )
        return jax.nn.relu(_layer(h.reshape(*x.shape[:-1], -1), layers["dense"]))

    def encode(self, params: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Map images `[..., pixels]` to posterior (mean, logvar), each `[..., latent_dim]`."""
        both = _layer(self.features(params, x), params["encoder"]["code"])
        mean, logvar = jnp.split(both, 2, axis=-1)
        return mean, logvar

    def decode(self, params: Params, z_hat: jax.Array) -> jax.Array:
        """Map learned latents `[..., latent_dim]` to images `[..., pixels]`."""
        layers = params["decoder"]
        h = jax.nn.relu(_layer(z_hat, layers["dense_0"]))
        h = jax.nn.relu(_layer(h, layers["dense_1"])).reshape(*z_hat.shape[:-1], 4, 4, CHANNELS[-1])
        for i in range(len(CHANNELS)):
            h = _biased(spread(h, layers[f"conv_{i}"]["kernel"]), layers[f"conv_{i}"])
            h = h if i == len(CHANNELS) - 1 else jax.nn.relu(h)
        return finish(h.reshape(*z_hat.shape[:-1], -1), self.output)

    def layers(self, params: Params) -> list[Layer]:
        """Return the decoder as a portable list of layers: convolutions are products and folds."""
        trained, relu = params["decoder"], Apply("relu")
        dense = [affine(trained[f"dense_{i}"]) for i in (0, 1)]
        listed: list[Layer] = [dense[0], relu, dense[1], relu, Split(16)]
        for i in range(len(CHANNELS)):
            kernel = np.asarray(trained[f"conv_{i}"]["kernel"])  # [4, 4, outputs, inputs]
            flat = np.ascontiguousarray(kernel.reshape(-1, kernel.shape[-1]).T)
            nothing = np.zeros(flat.shape[1], np.float32)
            bias = np.asarray(trained[f"conv_{i}"]["bias"])
            listed += [Product(flat, nothing), Fold(4 * 2**i, bias), relu]
        return [*listed[:-1], *output_layers(self.output)]


@register
@dataclass(frozen=True)
class Convolutional(Architecture):
    """The field's convolutions for 64×64 images, grey or RGB; binds to `ConvNet`.

    Sources: Burgess et al. 2018, "Understanding disentangling in β-VAE"; Locatello et al. 2019,
    "Challenging Common Assumptions", table 1.
    """

    output: Output = "sigmoid"
    """The decoder's last function."""

    kind = "conv"

    def check(self) -> None:
        """Raise ConfigError of one line if a field is out of range."""
        require_choice("output", self.output, get_args(Output))

    def bind(self, image: Image, latents: int) -> ConvNet:
        """Return the network; raises ConfigError unless the image is 64×64, grey or RGB."""
        height, width, channels = image
        if (height, width) != (SIDE, SIDE) or channels not in (1, 3):
            raise ConfigError(
                f"--network conv is for images of {SIDE}×{SIDE}, grey or RGB, and this world's are "
                f"{height}×{width} with {channels} channels; use --network mlp, or other images"
            )
        return ConvNet(channels, latents, self.output)
