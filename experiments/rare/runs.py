"""The runs behind the pages of rivers and of faces: sweeps like any other, by name."""

from experiments.pages.run import Plan

SEEDS = ("--seeds", "5")
QUICK = ("--steps", "300", "--seeds", "2", "--kl-warmup", "20")
SIZE = 1_000

RIVERS = ("--preset", "rivers", *SEEDS, "--snapshots", "0")
RIGHT = ("--probability", "0.5", "0.7", "0.9")
FAIR_AND_BIASED = ("--probability", "0.5", "0.9")
BETAS = ("--kl", "analytic", "--beta", "0.1", "0.3", "1", "2", "4", "8")
RIVALS = {
    "mixture": ("--objective", "mixture_prior", "--beta", "0.1", "1", "4"),
    "autoencoder": ("--objective", "autoencoder", "--penalty", "0", "0.1", "1"),
    "tc": ("--objective", "beta_tc", "--beta", "0", "4", "10"),
}

FACES = ("--preset", "faces", "--bias", "correlate", "--pairs", "hair colour & skin tone")
CORRELATED = ("--rho", "0", "-0.9", "-1", "--beta", "1", "30", "1000")
FACES_LENGTH = ("--seeds", "3", "--steps", "2200", "--snapshots", "0")


def rivers() -> dict[str, Plan]:
    """Return the runs of rivers: the β-ELBO at two sizes of the training set, rivals at one."""
    few = (*QUICK, *FAIR_AND_BIASED)
    limited = ("--training-images", f"{SIZE}")
    runs = {
        f"rivers-{SIZE}": Plan((*RIVERS, *RIGHT, *BETAS, *limited), (*few, "--beta", "0.1", "2")),
        "rivers-endless": Plan((*RIVERS, *RIGHT, *BETAS), (*few, "--beta", "0.1", "2")),
    }
    for name, flags in RIVALS.items():
        known = (*RIVERS, *FAIR_AND_BIASED, *flags)
        runs[f"rivers-{name}-{SIZE}"] = Plan((*known, *limited), QUICK)
    return runs


def faces() -> dict[str, Plan]:
    """Return the one run of faces: hair and skin independent, correlated, and one variable."""
    quick = (*QUICK, "--rho", "0", "-1", "--beta", "30", "--steps", "60")
    return {"faces": Plan((*FACES, *CORRELATED, *FACES_LENGTH), quick)}


RUNS = rivers() | faces()
