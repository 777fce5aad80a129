"""The runs behind the page: sweeps like any other, by name, and what a quick look takes of them."""

from itertools import product

import numpy as np

from biasvae_jax.theory import cell_eigenvalues, sigmoid_moments
from biasvae_jax.worlds import Squares
from experiments.pages.run import Plan

SEEDS = ("--seeds", "5")
THREE = ("--seeds", "3")  # of full grids whose part is to be compared with
WARM = ("--kl-warmup", "2000")
EXACT = ("--kl", "analytic")
COURSE = ("--snapshots", "16")
QUICK = ("--steps", "400", "--seeds", "2")
QUICK_WARM = (*QUICK, "--kl-warmup", "100")

GRIDS = ("blog", "annealed", "analytic", "analytic-annealed")  # each KL, with and without warm-up
FEW = ("--mu", "0", "1.5", "3", "5", "--beta", "0.5", "1", "2", "4")
SIZES = (300, 1_000, 3_000, 10_000)
FINITE = (
    *("--mu", "0", "1", "2", "3", "4", "5"),
    *("--beta", "0", "0.01", "0.1", "0.3", "0.6", "1", "1.5", "2", "3", "5", "10"),
)
RIVAL_SIZE = 1_000
RIVALS = {
    **{f"decay-{rate}": ("--weight-decay", rate) for rate in ("0.03", "0.1", "0.3", "1")},
    **{f"width-{width}": ("--hidden", width) for width in ("8", "32")},
    **{f"noise-{level}": ("--input-noise", level) for level in ("0.25", "0.5", "1")},
}
SCALED = ("--use", "experiments/findings/scaled.py", "--network", "scaled")
NETWORKS = {
    "linear": ("--hidden",),
    "depth-2": ("--hidden", "128", "128"),
    "width-512": ("--hidden", "512"),
    "tanh": ("--activation", "tanh"),
    "latents-18": ("--latent-dim", "18"),
    **{f"init-{factor}": (*SCALED, "--initial-scale", factor) for factor in ("0.3", "3")},
}
AROUND = (0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99, 1, 1.01, 1.025, 1.05, 1.1)  # of β*


def contrast(bias: float, like: float) -> float:
    """Return the contrast at which a bias has the signal's variance of another at contrast 1."""
    ours, theirs = (float(sigmoid_moments(mu)[1]) for mu in (bias, like))
    return float(np.sqrt(theirs / ours))


def with_contrast(bias: float, like: float) -> tuple[str, ...]:
    """Return the flags of a bias whose λ is that of another."""
    world = Squares()
    value = f"{contrast(bias, like):.4f}"
    return ("--mu", f"{bias:g}", "--contrast", *[value] * world.latents)


def around(bias: float) -> tuple[str, ...]:
    """Return the flags of a bias with β closely around β*."""
    world = Squares()
    threshold = cell_eigenvalues(world, bias).max() / world.noise_variance
    return ("--mu", f"{bias:g}", "--beta", *(f"{part * threshold:.4g}" for part in AROUND))


def _all() -> dict[str, Plan]:
    small = ("--mu", "0", "2", "4", "--beta", "0.1", "1", "4")
    runs = {
        "blog": Plan(THREE, (*QUICK, *small)),
        "annealed": Plan((*WARM, *THREE), (*QUICK_WARM, *small)),
        "analytic": Plan((*EXACT, *THREE), (*QUICK, *small)),
        "analytic-annealed": Plan((*EXACT, *WARM, *SEEDS), (*QUICK_WARM, *small)),
    }
    finite = (*FINITE, *EXACT, *WARM, *SEEDS, *COURSE)
    few = (*QUICK_WARM, "--mu", "0", "2", "--beta", "0", "0.1", "1", "3")
    for size in SIZES:
        quick = few if size in (300, 3_000) else None
        runs[f"n-{size}"] = Plan((*finite, "--training-images", f"{size}"), quick)
    runs["n-endless"] = Plan(finite, few)
    rival = ("--mu", "0", "2", "--beta", "0.1", "1", *EXACT, *WARM, *SEEDS, *COURSE)
    for name, flags in RIVALS.items():
        quick = QUICK_WARM if name in ("decay-0.3", "width-32", "noise-0.5") else None
        known = (*rival, "--training-images", f"{RIVAL_SIZE}")
        runs[name] = Plan((*known, *flags), quick)
    other = ("--mu", "0", "2", "--beta", "0.1", "1", "3", "10", *EXACT, *WARM, *SEEDS, *COURSE)
    for name, flags in NETWORKS.items():
        quick = QUICK_WARM if name in ("linear", "tanh") else None
        known = (*other, "--training-images", f"{RIVAL_SIZE}")
        runs[f"net-{name}"] = Plan((*known, *flags), quick)
    for kl, activation, rate in product(
        ("sampled", "analytic"), ("relu", "leaky_relu"), ("1e-3", "3e-4")
    ):
        flags = ("--kl", kl, "--activation", activation, "--learning-rate", rate)
        quick = (*QUICK, "--mu", "0", "3", "--beta", "0.5", "4") if rate == "1e-3" else None
        runs[f"collapse-{kl}-{activation}-{rate}"] = Plan((*FEW, *SEEDS, *flags, *COURSE), quick)
    control = (*EXACT, *WARM, *SEEDS)
    cut = (*QUICK_WARM, "--beta", "0.1", "1", "4")
    for like in (1, 2, 3, 4):
        quick = cut if like == 2 else None
        runs[f"lambda-{like}"] = Plan((*with_contrast(0, like), *control), quick)
    for bias in (1, 2):
        quick = cut if bias == 2 else None
        runs[f"shift-{bias}"] = Plan((*with_contrast(bias, 3), *control), quick)
    slow = (*EXACT, *WARM, *SEEDS, "--steps", "20000", "--learning-rate-decay", "cosine")
    runs["fine-0"] = Plan((*around(0), *slow), QUICK_WARM)
    runs["fine-2"] = Plan((*around(2), *slow))
    return runs


RUNS = _all()
