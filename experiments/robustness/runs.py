"""The design: every objective over its own strengths, under every kind of bias.

A run is one objective under one kind of bias with one amount of data. All share images, noise and
initialisation of a seed, so that objectives and biases are compared in pairs.
"""

from experiments.pages.run import Plan

BIASES: dict[str, tuple[str, float, tuple[str, ...]]] = {
    "shift": ("mu", 2, ()),
    "scale": ("scale", 0.25, ()),
    "truncate": ("quantile", 0.3, ()),
    "correlate": ("rho", 0.9, ("--pairs", "square 1 & *")),
    "mixture": ("bright-share", 0.75, ()),
    "missing": ("missing", 1, ()),
}
"""Kind → flag of its strength, the strength, other flags."""
FAIR, FAIR_RUN = 0.0, "shift"  # the shift's runs hold the fair data too, at μ = 0
OBJECTIVES: dict[str, tuple[str, tuple[float, ...]]] = {
    "beta_elbo": ("beta", (0.1, 0.5, 1, 2, 4)),
    "mixture_prior": ("beta", (0.1, 0.5, 1, 2, 4)),
    "beta_tc": ("beta", (0, 0.5, 1, 2, 6)),
    "dip_ii": ("dip", (0, 1, 5, 20, 50)),
    "hfs": ("gamma", (0, 1, 3, 10, 30)),
    "capacity": ("capacity", (2, 4, 8, 12, 16)),
    "autoencoder": ("penalty", (0, 1, 10, 100, 1000)),
}
"""Kind → flag of its strength, and the strengths."""
PLAIN, PLAIN_STRENGTH = "beta_elbo", 1.0  # the plain VAE
SIZES: tuple[int | None, ...] = (1_000, None)
"""Training images; None: endless."""
SNAPSHOTS = 12  # of the plain VAE, whose rival is a shorter training
SIDE, NOISE = 4, 0.25 * 4**2 / 7**2  # pixels of a square; a square's noise as in the original study
COMMON = (
    *("--m", f"{SIDE}", "--noise-variance", f"{NOISE:.4g}", "--seeds", "5"),
    *("--steps", "5000", "--kl-warmup", "1000", "--learning-rate-decay", "cosine"),
)
QUICK = ("--seeds", "2", "--steps", "400", "--kl-warmup", "100", "--n", "2")
QUICK_OBJECTIVES, QUICK_BIASES = ("beta_elbo", "dip_ii"), ("shift", "missing")


def name(objective: str, bias: str, images: int | None) -> str:
    """Return the name of a run."""
    return f"{objective}-{bias}-{images or 'endless'}"


def _plan(objective: str, bias: str, images: int | None) -> Plan:
    flag, strength, others = BIASES[bias]
    values = (FAIR, strength) if bias == FAIR_RUN else (strength,)
    axis, weights = OBJECTIVES[objective]
    flags = (
        *("--bias", bias, f"--{flag}", *(f"{v:g}" for v in values), *others),
        *("--objective", objective, f"--{axis}", *(f"{w:g}" for w in weights)),
        *COMMON,
        *(() if images is None else ("--training-images", f"{images}")),
        *("--snapshots", f"{SNAPSHOTS if images and objective == PLAIN else 0}"),
    )
    quick = objective in QUICK_OBJECTIVES and bias in QUICK_BIASES
    return Plan(flags, QUICK if quick else None)


RUNS = {
    name(objective, bias, images): _plan(objective, bias, images)
    for images in SIZES
    for bias in BIASES
    for objective in OBJECTIVES
}
