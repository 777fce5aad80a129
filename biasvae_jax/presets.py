"""Named studies, which `--preset` starts from; each says what it costs and what to expect.

Those of the original study are in `config`. One that needs files is a draft until `--data` names
them.
"""

from collections.abc import Callable

from biasvae_jax.biases import CorrelateRows, Resample
from biasvae_jax.config import PRESETS
from biasvae_jax.networks import Convolutional, Dense
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.study import Draft, Study, Training
from biasvae_jax.worlds import Digits, Folder, Table


def digits() -> Study:
    """Handwritten digits, of which the eights have another share than a tenth.

    `biasvae sweep --preset digits`: 5 shares × 4 betas, about a minute on 2 CPU cores. Expect a
    recovery R² of 0.5 at the lowest beta and of 0 at the highest. What the share costs is seen
    between: at beta 4, R² falls from 0.33 at the fair tenth to 0.13 at 95 % eights.
    """
    return Study(
        Digits(),
        Resample(factor="class", value=8),
        BetaElbo(kl_warmup=500, likelihood_variance=0.05),
        Dense((128,)),
        Training(steps=3_000),
        biases=(0.0, 0.1, 0.4, 0.7, 0.95),
        strengths=(0.2, 1.0, 4.0, 16.0),
        latent_dim=8,
    )


def dsprites() -> Draft:
    """DSprites with scale and position x correlated, the field's test of disentanglement.

    `biasvae sweep --preset dsprites --data dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz` (from
    https://github.com/google-deepmind/dsprites-dataset): 4 tightnesses × 3 betas on 100,000 of the
    rows, 60,000 model-steps of a convolution, a job for a GPU (`--dry-run` says how long it takes
    here). Expect scale and position x to share a latent as tightness grows (Träuble et al. 2021).
    """
    return Draft(
        Table(rows=100_000),
        CorrelateRows(pairs="scale & position x"),
        BetaElbo(kl_warmup=1_000, likelihood_variance=0.05),
        Convolutional(),
        Training(steps=5_000),
        biases=(0.0, 2.5, 10.0, 25.0),
        strengths=(0.5, 2.0, 8.0),
        latent_dim=10,
    )


def celeba() -> Draft:
    """CelebA resampled by hair colour, as the original study proposes.

    `biasvae sweep --preset celeba --data FOLDER` (the folder of img_align_celeba and
    list_attr_celeba.txt): 4 shares × 3 betas, 60,000 model-steps of a convolution, a job for a GPU
    (`--dry-run` says how long it takes here). The first start reads 180,000 pictures, about a
    minute and a half on 2 CPU cores, and keeps 2.2 GB of them in the user's cache. Expect blond
    hair to be told from the code worse the rarer it was in training, and at high beta first.
    """
    return Draft(
        Folder(crop=148),
        Resample(factor="Blond_Hair"),
        BetaElbo(kl_warmup=1_000, likelihood_variance=0.05),
        Convolutional(),
        Training(steps=5_000),
        biases=(0.01, 0.05, 0.15, 0.5),
        strengths=(0.5, 2.0, 8.0),
        latent_dim=32,
    )


STUDIES: dict[str, Callable[[], Study | Draft]] = {
    name: (lambda make=make: make().study) for name, make in PRESETS.items()
} | {"digits": digits, "dsprites": dsprites, "celeba": celeba}
"""Preset → study, or draft of one."""
