"""Runs of every composition from the one command: whole, and interrupted and gone on with."""

import contextlib
import functools
import re
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest

from biasvae_jax import components
from biasvae_jax.cli import sweep
from biasvae_jax.runs.signals import Interrupted
from biasvae_jax.scores import diagnosis, recovery
from biasvae_jax.sweep import Sweep
from biasvae_jax.sweep import sweep as sweep_module
from biasvae_jax.theory import reference

TINY = [
    *("--preset", "smoke", "--seeds", "1", "--steps", "20", "--kl-warmup", "4"),
    *("--batch-size", "8", "--chunk", "10", "--devices", "1"),
]
SQUARES = ["--n", "2", "--m", "3", "--hidden", "4", "--beta", "0.2", "50"]
PAGE = Path(__file__).parents[2] / "docs" / "variants.md"


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Score on few images."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(diagnosis, "IMAGES", 16)
        patched.setattr(recovery, "ACTIVE_IMAGES", 32)
        patched.setattr(sweep_module, "GAP_BATCHES", 2)
        patched.setattr(sweep_module, "SHARE_BATCHES", 2)
        patched.setattr(sweep_module, "LOSS_BATCHES", 2)
        patched.setattr(reference, "MOST_PIXELS", 1_000)
        yield


@pytest.fixture(scope="session")
def images64(tmp_path_factory):
    """Files of 64×64 images, grey (.npz) and RGB (.h5): a square of two places and two sizes."""
    folder = tmp_path_factory.mktemp("data64")
    factors = np.array([[place, size] for place in (0, 1) for size in (0, 1)] * 8, float)
    images = np.zeros((32, 64, 64), np.uint8)
    for image, (place, size) in zip(images, factors.astype(int), strict=True):
        image[8 : 24 + 8 * size, 8 + 24 * place : 24 + 24 * place] = 1
    np.savez_compressed(folder / "grey.npz", imgs=images, latents_values=factors)
    with h5py.File(folder / "rgb.h5", "w") as stored:
        stored["images"] = np.stack([255 * images] * 3, axis=-1)
        stored["labels"] = factors
    return folder


@pytest.fixture(scope="session")
def flags(dsprites, shapes3d, images64):
    """Every composition's flags, by name."""
    table = ["--world", "table", "--share", "0.2", "0.8", "--likelihood-variance", "0.1"]
    held = ["--beta", "0.2", "50", "--test-images", "16"]
    one = [
        *("--network", "conv", "--share", "0.5", "--beta", "1", "--test-images", "8"),
        *("--batch-size", "2", "--steps", "4", "--kl-warmup", "1", "--chunk", "2"),
    ]
    some = {
        "scale": ["--bias", "scale", "--scale", "0.5", "1", *SQUARES],
        "factor": [
            *("--objective", "factor", "--gamma", "0", "20", "--discriminator", "8"),
            *("--n", "2", "--m", "3", "--hidden", "4", "--mu", "0", "3"),
        ],
        "few": [
            *("--training-images", "5", "--snapshots", "3", "--learning-rate-decay", "cosine"),
            *("--weight-decay", "0.1", "--input-noise", "0.2", "--mu", "0", "3", *SQUARES),
            *("--seeds", "2", "--group", "4"),
        ],
        "npz": [*table, "--data", str(dsprites), "--factor", "factor 3", *held, "--hidden", "4"],
        "h5": [*table, "--data", str(shapes3d), "--noise-variance", "0.1", *held, "--hidden", "4"],
        "grey": [*table, "--data", str(images64 / "grey.npz"), *one],
        "rgb": [*table, "--data", str(images64 / "rgb.h5"), *one],
    }
    return {name: [*TINY, *more] for name, more in some.items()}


def interrupt(patched):
    """Send SIGTERM once the first chunk is trained."""
    train = Sweep.train

    def one_chunk(self, *arguments):
        for chunk in train(self, *arguments):
            signal.raise_signal(signal.SIGTERM)
            yield chunk

    patched.setattr(Sweep, "train", one_chunk)


alike = functools.lru_cache(maxsize=1)(Sweep)  # what is compiled for a study serves its next run


def train(arguments, out, *, stop=False, present=False, fresh=False):
    """Run the command in this process: to its end, or to a SIGTERM after the first chunk."""
    with pytest.MonkeyPatch.context() as patched:
        if not fresh:
            patched.setattr(sweep, "Sweep", alike)
        if stop:
            interrupt(patched)
        if not present:
            patched.setattr("biasvae_jax.cli.finished.present", lambda out: None)
        ending = pytest.raises(Interrupted) if stop else contextlib.nullcontext()
        with ending as caught:
            sweep.main([*arguments, "--out", str(out)])
        assert not stop or caught.value.status == 128 + signal.SIGTERM
    return out


@pytest.fixture(scope="session")
def trained():
    """Name the function that runs the command."""
    return train


@pytest.fixture(scope="session")
def mine(tmp_path_factory):
    """The files that docs/variants.md shows, in a folder."""
    folder = tmp_path_factory.mktemp("mine")
    for name, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE.read_text(), re.DOTALL):
        (folder / name).write_text(code)
    return folder


@pytest.fixture
def without(monkeypatch):
    """Name a function that makes kinds unknown again."""

    def forget(*gone):
        known = {
            role: {kind: c for kind, c in of.items() if kind not in gone}
            for role, of in components._kinds.items()
        }
        monkeypatch.setattr(components, "_kinds", known)

    components.kinds("world")  # loads what is installed
    forget()  # what a test registers is forgotten after it
    return forget
