"""Out of distribution: how often the prior draws the rare event, and how far it is to reach."""

import numpy as np

from biasvae_jax.statistics.intervals import t_interval
from experiments.findings.evidence import LEAST, MOST
from experiments.pages.ratios import geometric_interval
from experiments.pages.run import Run, Runs
from experiments.pages.words import paragraphs, table, value

PARTS = {
    "prior_mass": "mass, prior",
    "posterior_mass": "mass, codes",
    "reach": "reach",
    "price": "price",
    "encoder_error": "encoder error",
}


def prior_section(runs: Runs) -> str:
    """Write what is behind the answer for the prior."""
    run = runs["n-endless"]
    return paragraphs(
        "## 2. Samples that the bias made rare",
        "*Mass* is P(a square below ½) of decoded samples over that of the training data, with z "
        "from the prior or with the codes of training images. *Reach* is how near the decoder can "
        "come to a test image with such a square, with the best z that there is (squared error a "
        "pixel); *price* is ‖z‖² there, about the number of latents for a typical sample; "
        "*encoder error* is ‖z − the encoder's‖². ([Definitions](scores.md).) Endless data:",
        _table(run),
        "The mass of the linear optimum is in closed form. Measured over that, geometric mean over "
        f"the cells with μ up to {MOST} and β between 0 and β\\*: {_against_theory(run)}.",
    )


def _table(run: Run) -> str:
    names = [name for name in PARTS if name in run.scores]
    rows = []
    for mu in (0, 1, 2, 4):
        if not np.isclose(run.mu, mu).any():
            continue
        for beta in (0.1, 1, 3):
            i, j = run.row(mu), run.column(beta)
            cells = [value(t_interval(run.values(name)[i, j])) for name in names]
            rows.append([f"{mu:g}", f"{run.beta[j]:g}", *cells])
    return table(["μ", "β", *(PARTS[name] for name in names)], rows)


def _against_theory(run: Run) -> str:
    if "linear_prior_mass" not in run.scores:
        return "not known"
    predicted = run.scores["linear_prior_mass"].transpose("mu", "beta").values
    kept = run.below() & (run.beta > 0) & (run.mu <= MOST)[:, None] & (predicted > LEAST)
    ratio = np.maximum(run.values("prior_mass")[kept], LEAST) / predicted[kept][:, None]
    return value(geometric_interval(np.log(ratio).mean(0)))
