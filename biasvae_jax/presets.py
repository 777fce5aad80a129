"""Named studies, which `--preset` starts from; each says what it costs and what to expect.

Those of the original study are in `config`. One that needs files is a draft until `--data` names
them.
"""

from collections.abc import Callable

from biasvae_jax.biases import CorrelateRows, Missing, Probability, Resample
from biasvae_jax.config import PRESETS
from biasvae_jax.networks import Convolutional, Dense
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.study import Draft, Study, Training
from biasvae_jax.worlds import Digits, Faces, Folder, Rivers, Table


def rivers() -> Study:
    """The original study's motivation: 11 probabilities of a right turn × 11 betas.

    `biasvae sweep --preset rivers`: about 9 minutes on 2 CPU cores. Expect `prior_mass`, how often
    samples turn left over how often training rivers do, to fall as p rises: at β = 0.5 from 0.7 to
    0.4, at β = 5 from 0.5 to 0; at β = 0.1 it rises above 1 instead (one seed). It is 0 beyond β*
    of 11 to 20, where models collapse. Recovery R² stays near a half at most: a river's picture is
    no linear function of its turns, and 8 latents do not hold it.
    """
    return Study(
        Rivers(),
        Probability(),
        BetaElbo(kl_warmup=2_000),
        biases=(0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95),
        strengths=(0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 25.0),
    )


def faces() -> Study:
    """Drawn faces of which ever fewer are blond with dark skin: 3 shares removed × 3 betas.

    `biasvae sweep --preset faces`: 14 minutes on 2 CPU cores, half of them training. Expect a
    recovery R² of 0.5 to 0.6 in every cell, and `reach`, the error of the best drawing of blond
    hair with dark skin, twice as large where the decoder has never seen it (0.007 against 0.003,
    one seed). Where all are removed, their share of the training images is 0 and the masses are
    undefined.
    """
    return Study(
        Faces(),
        Missing(combination="hair colour & skin tone"),
        BetaElbo(kl_warmup=500),
        Convolutional(),
        Training(steps=3_000, batch_size=8),
        biases=(0.0, 0.9, 1.0),
        strengths=(1.0, 10.0, 100.0),
    )


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
} | {"rivers": rivers, "faces": faces, "digits": digits, "dsprites": dsprites, "celeba": celeba}
"""Preset → study, or draft of one."""
