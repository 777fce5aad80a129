"""The runs behind the comparisons: small sweeps like any other, by name."""

from typing import Any

import numpy as np

from biasvae_jax.theory import cell_eigenvalues
from biasvae_jax.worlds import Squares
from experiments.findings.runs import RUNS as FINDINGS
from experiments.pages.run import Plan

CONTRASTS = (1.0, 0.877, 0.769, 0.675, 0.592, 0.519, 0.455, 0.399, 0.35)  # nine eigenvalues
NUMBERS = tuple(f"{c:g}" for c in CONTRASTS)
LINEAR = ("--mu", "0", "--hidden", "--output", "identity", "--kl", "analytic")
SEEDS = ("--seeds", "5")
SETTLED = ("--learning-rate-decay", "cosine")
QUICK = ("--steps", "400", "--seeds", "2")
DEPTHS = {0: (), 1: ("128",), 2: ("128",) * 2, 4: ("128",) * 4}
FRACTIONS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of β*
LONG, THREEFOLD = 50_000, 30_000  # steps, in place of 10,000
FOUR = ("--contrast", "1", "0.7", "0.5", "0.35")  # so far apart that latents turn soon
CLEAR = (
    *("--n", "2", "--noise-variance", "0.01", "--kl", "analytic", "--snapshots", "0"),
    *SETTLED,
)
"""Four squares in little noise."""
TURNED = ("--beta", "10", "--learning-rate", "0.003")
"""With it one hidden layer's latents turn into the directions of squares of contrasts FOUR."""
PAIR = ("--bias", "correlate", "--pairs", "square 1 & square 2", "--rho", "0", "0.3", "0.9")
LACKING = (
    *("--bias", "missing", "--combination", "square 1 & square 4", "--missing", "0", "1"),
    *("--bins", "0.1", "0.3", "0.5", "0.7", "0.9"),
)
FROZEN = 0.5  # variance of a latent, given an image
OWN = ("--use", "experiments/agreement/frozen.py", "--network", "frozen")


def thresholds(contrast: tuple[float, ...] = (), **fields: Any) -> np.ndarray:
    """Return λ/σ² of every square without bias, rising: the β at which its latent collapses."""
    world = Squares(contrast=contrast, **fields)
    return np.sort(cell_eigenvalues(world, 0.0)) / world.noise_variance


def between(levels: np.ndarray) -> np.ndarray:
    """Return β between neighbours, and one below and one above all: a step of the cascade each."""
    inside = np.sqrt(levels[1:] * levels[:-1])
    return np.concatenate([[0.8 * levels[0]], inside, [1.1 * levels[-1]]])


def _betas(values: np.ndarray | tuple[float, ...]) -> tuple[str, ...]:
    return ("--beta", *(f"{value:.4g}" for value in values))


def _all() -> dict[str, Plan]:
    star = thresholds().max()
    parts = _betas(tuple(f * star for f in FRACTIONS))
    cascade = _betas(between(thresholds(CONTRASTS)))
    runs = {
        "cascade": (*LINEAR, "--contrast", *NUMBERS, *cascade, *SETTLED),
        "cascade-long": (
            *(*LINEAR, "--contrast", *NUMBERS, *cascade, *SETTLED),
            *("--steps", f"{THREEFOLD}"),
        ),
        "long": (
            *LINEAR,
            *_betas((0.8 * star, 1.05 * star, 1.5 * star)),
            *("--steps", f"{LONG}", "--snapshots", "16"),
        ),
        "plateau": (*LINEAR, *parts, "--snapshots", "30"),
        "plateau-annealed": (*LINEAR, *parts, "--snapshots", "30", "--kl-warmup", "2000"),
        "sigma": ("--mu", "0", "2", "--beta", "1", "--objective", "sigma"),
    }
    clear = thresholds(n=2, noise_variance=0.01).max()
    runs |= {
        "pair": (*PAIR, *CLEAR, *FOUR, *TURNED),
        "missing": (*LACKING, *CLEAR, *FOUR, *TURNED),
        "missing-alike": (*LACKING, *CLEAR, *TURNED),
        "frozen": (
            *("--mu", "0", *CLEAR, "--learning-rate", "0.01", *OWN),
            *("--posterior-variance", f"{FROZEN:g}"),
            *_betas(tuple(f * clear for f in (0.9, 1.1, 0.9 / FROZEN, 1.1 / FROZEN))),
        ),
    }
    runs["spare-endless"] = (*LINEAR, "--beta", "1", "--latent-dim", "18")
    for latents in (9, 18):
        runs[f"spare-{latents}"] = (
            *(*LINEAR, "--beta", "1", "--training-images", "1000"),
            *("--latent-dim", f"{latents}"),
        )
    for depth, widths in DEPTHS.items():
        runs[f"depth-{depth}"] = ("--mu", "0", "2", "--beta", "1", "2", "--hidden", *widths)
    quick = {"plateau-annealed": ("--kl-warmup", "100")}
    plans = {
        name: Plan((*flags, *SEEDS), (*QUICK, *quick.get(name, ()))) for name, flags in runs.items()
    }
    return {**plans, "kink": FINDINGS["fine-0"]}  # β closely around β*, with one hidden layer


RUNS = _all()
