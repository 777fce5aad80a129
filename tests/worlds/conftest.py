"""Small files of the field's layouts, made anew: the images are of the true factors."""

import h5py
import numpy as np
import pytest


def tiny_rows(channels):
    """Return images `[rows, 8, 8(, channels)]`, factors: a place, a size and a constant."""
    places, sizes = np.meshgrid(np.arange(4), np.arange(3), indexing="ij")
    factors = np.stack([np.ones(12), places.ravel() / 3, sizes.ravel() + 0.5], axis=1)
    factors = np.repeat(factors, 5, axis=0)
    images = np.zeros((60, 8, 8), np.uint8)
    for image, (_, place, size) in zip(images, factors, strict=True):
        column = round(3 * place)
        image[: 2 + int(size) * 2, column * 2 : column * 2 + 2] = 1
    if channels:
        images = np.repeat(images[..., None], channels, -1) * np.uint8(255)
    return images, factors


@pytest.fixture(scope="session")
def dsprites(tmp_path_factory):
    """A file in dSprites' layout, with the pickled metadata that the real one has."""
    file = tmp_path_factory.mktemp("data") / "dsprites.npz"
    images, factors = tiny_rows(0)
    metadata = np.array({"title": "tiny"}, dtype=object)
    np.savez_compressed(
        file, imgs=images, latents_values=factors, latents_classes=factors.astype(int),
        metadata=metadata,
    )  # fmt: skip
    return file


@pytest.fixture(scope="session")
def shapes3d(tmp_path_factory):
    """A file in 3D Shapes' layout."""
    file = tmp_path_factory.mktemp("data") / "3dshapes.h5"
    images, factors = tiny_rows(3)
    with h5py.File(file, "w") as stored:
        stored["images"], stored["labels"] = images, factors
    return file
