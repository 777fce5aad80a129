"""Decoders, codes and heads of a run's models, made small enough to run in the page."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import numpy as np

from biasvae_jax.cli.gathering.models import Model, Tested
from biasvae_jax.factors import Factor, classes
from biasvae_jax.networks.portable import Apply, Fold, Layer, Product, Split, decode
from biasvae_jax.projection import Head
from biasvae_jax.report.live import Live, LiveCell, Rounded
from biasvae_jax.training import Recipe

LIVE_BYTES = 1_600_000  # of all runs' decoders, before base64
POINT_BYTES = 300_000  # of all cells' codes
PROBES = 256  # codes by which a decoder is asked whether it answers, and how far rounding moves it
ANSWERS = 1 / 255  # a pixel's difference below which nobody sees one


def live_run(recipe: Recipe, test: Tested, cells: int) -> Live:
    """Return what all cells of a run share; it has no cell yet."""
    world, latents = recipe.world, recipe.network.latent_dim
    points = int(np.clip(POINT_BYTES // (cells * latents), 64, 256))
    described = [
        _described(factor, column)
        for factor, column in zip(world.factors, test.factors.T, strict=True)
    ]
    few = test.factors[:points]
    return Live(world.image, latents, described, test.shown_factors, few, ())


def _described(factor: Factor, column: np.ndarray) -> dict[str, Any]:
    if factor.kind == "categorical":
        return {"name": factor.name, "kind": factor.kind, "values": classes(column).tolist()}
    ends = {"low": float(column.min()), "high": float(column.max())}
    return {"name": factor.name, "kind": factor.kind, **ends}


def live_cell(model: Model, test: Tested, points: int) -> LiveCell:
    """Gather a model's codes and heads, without its decoder."""
    z_hat, mean = np.asarray(model.codes.z_hat), np.asarray(model.codes.mean)
    read = np.asarray(model.codes.to_factors(model.codes.z_hat))
    return LiveCell(
        to_code=_matrix(model.codes.to_code),
        to_factors=_matrix(model.codes.to_factors),
        reach=np.ceil(np.maximum(3, np.abs(z_hat).max(0))),
        spread=mean.std(0),
        correlation=_correlation(test.u, z_hat),
        turned=_correlation(test.u, read),
        codes=z_hat[:points],
    )


def decoder(
    network: Any, draw: Callable, model: Model
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Make a decoder portable: its layers without weights, and a `LiveCell`'s fields.

    `draw` is the network's `decode`, compiled. ([], {}) where it does not state its layers.
    """
    if not hasattr(network, "layers"):
        return [], {}
    codes = _probes(np.asarray(model.codes.z_hat))
    with jax.default_matmul_precision("highest"):
        images = np.asarray(draw(model.params, codes))
    drawn = np.clip(images, 0, 1)
    layers = network.layers(model.params)
    if np.ptp(drawn, axis=0).max() <= ANSWERS:
        return shapes(layers), {"constant": np.round(255 * drawn.mean(0)).astype(np.uint8)}
    small, weights = rounded(layers)
    error = np.clip(decode(small, codes), 0, 1) - drawn
    most, usual = float(np.abs(error).max()), float(np.sqrt(np.square(error).mean()))
    return shapes(layers), {"weights": weights, "error": (most, usual)}


def _probes(z_hat: np.ndarray) -> np.ndarray:
    """Return codes of test images, and as many from the whole box that they lie in."""
    rng = np.random.default_rng(0)
    reach = np.maximum(3, np.abs(z_hat).max(0))
    anywhere = rng.uniform(-reach, reach, (PROBES // 2, len(reach)))
    return np.concatenate([z_hat[: PROBES // 2], anywhere.astype(np.float32)])


def rounded(layers: Iterable[Layer]) -> tuple[list[Layer], list[np.ndarray]]:
    """Round the products' kernels to int8: the layers that are left, and the arrays to store."""
    small, stored = [], []
    for layer in layers:
        if isinstance(layer, Product):
            kernel = Rounded.of(layer.kernel)
            layer = Product(kernel.values, layer.bias)
            stored += [kernel.scale.astype("<f4"), layer.bias.astype("<f4"), kernel.whole]
        elif isinstance(layer, Fold):
            stored.append(layer.bias.astype("<f4"))
        small.append(layer)
    return small, stored


def shapes(layers: Iterable[Layer]) -> list[dict[str, Any]]:
    """Say what each layer does, without its weights."""
    said = []
    for layer in layers:
        match layer:
            case Product(kernel, _):
                said.append({"do": "product", "inputs": len(kernel), "outputs": kernel.shape[1]})
            case Apply(function):
                said.append({"do": function})
            case Fold(side, bias):
                said.append({"do": "fold", "side": side, "channels": len(bias)})
            case Split(rows):
                said.append({"do": "split", "rows": rows})
    return said


def size(arrays: Sequence[np.ndarray]) -> int:
    """Count the bytes of arrays."""
    return sum(array.nbytes for array in arrays)


def _matrix(head: Head) -> np.ndarray:
    """Write a head as one matrix, its last row the bias."""
    weight, bias = np.asarray(head.weight, float), np.asarray(head.bias, float)
    if head.centre is not None:
        bias = bias - np.asarray(head.centre, float) @ weight
    return np.vstack([weight, bias])


def _correlation(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Correlate columns, `[columns of u, columns of v]`; NaN where one does not vary."""
    u, v = (np.asarray(a, float) - np.mean(a, axis=0, dtype=float) for a in (u, v))
    scale = np.outer(np.linalg.norm(u, axis=0), np.linalg.norm(v, axis=0))
    rounding = 1e-6 * np.sqrt(len(u))
    varies = scale > rounding
    return np.where(varies, u.T @ v / np.where(varies, scale, 1), np.nan)
