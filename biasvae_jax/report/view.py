"""What a report shows of one run: names, arrays and pictures, no models."""

from dataclasses import dataclass, field

import numpy as np

from biasvae_jax.config import Config
from biasvae_jax.report.maps import Cells

Pictures = dict[str, str]  # kind (a key of `PICTURES`) → a PNG's data URI

PICTURES = {
    "reconstruction": "Their reconstructions, decoded from the posterior mean",
    "projection": "Their true factors u, mapped linearly to latents and decoded: decode(P(u))",
    "traversal": "Latent traversal: one row a latent, set to −3 … 3 with the others at 0",
    "prior": "Samples from the prior: decode(z_hat), z_hat ~ N(0, I)",
}


@dataclass(frozen=True)
class RunView:
    """One run, ready to be written about."""

    name: str
    config: Config
    """The run's config, its μ and β cut to those shown on the page."""
    stored: str
    """The run's whole config, as JSON."""
    facts: dict[str, str]
    """What else is known of it (versions, devices, time): label → text."""
    command: str
    """The command that trains the run again."""
    banner: str
    """One sentence on what is missing from the run; empty if nothing is."""
    scores: dict[str, Cells]
    """Each score over the grid, seeds summarised."""
    labels: dict[str, str]
    """What each score is."""
    random: dict[str, float]
    """Mean score of randomly initialised networks."""
    theory: dict[str, np.ndarray]
    """What the linear optimum predicts of a score, `[mu, beta]`; empty where it says nothing."""
    boundary: np.ndarray
    """β*(μ), `[mu]`."""
    step: np.ndarray
    """Training step of each point of the curves."""
    curves: dict[str, np.ndarray]
    """loss, reconstruction, kl: `[mu, beta, step, 3]`, mean and extremes over seeds, nats."""
    regimes: np.ndarray | None = None
    """Codes of `Regime`, `[mu, beta, seed]`, NaN for models still to score; None if not stored."""
    test_images: str = ""
    """The test images of all reconstructions, as a data URI."""
    pictures: dict[tuple[int, int], Pictures] = field(default_factory=dict)
    """Of the cells shown in pictures, seed 0."""
