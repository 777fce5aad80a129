"""What a report shows of one run: names, arrays and pictures, no models."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from biasvae_jax.axes import Axis, Grid
from biasvae_jax.meaning import Meaning
from biasvae_jax.report.film import Film
from biasvae_jax.report.live import Live
from biasvae_jax.report.maps import Cells

Pictures = dict[str, str]  # kind (a key of `PICTURES`) → a PNG's data URI

TRAVERSED = 12  # latents at most

PICTURES = {
    "reconstruction": "Their reconstructions, decoded from the posterior mean",
    "projection": "Their true factors u, mapped linearly to latents and decoded: decode(P(u))",
    "traversal": f"Latent traversal: a row for each latent (of many, the {TRAVERSED} that vary "
    "most), set to −3, −2, −1, 0, 1, 2, 3 from left to right with the others at 0",
    "prior": "Samples from the prior: decode(z_hat), z_hat ~ N(0, I)",
}


class Seen(NamedTuple):
    """Training images of one bias, each a PNG's data URI."""

    clean: str
    noised: str = ""
    """The same as the models see them; empty where there is no noise."""


@dataclass(frozen=True)
class RunView:
    """One run, ready to be written about."""

    name: str
    grid: Grid
    """The run's axes, cut to the values shown on the page, and its seeds."""
    steps: int
    """Training steps of each model."""
    latents: int
    """Learned latents of each model."""
    loss: str
    """What was minimised, in one line."""
    stored: str
    """The run's whole study, as JSON."""
    facts: dict[str, str]
    """What else is known of it (versions, devices, time): label → text."""
    command: str
    """The command that trains the run again."""
    banner: str
    """One sentence on what is missing from the run; empty if nothing is."""
    scores: dict[str, Cells]
    """Each score over the grid, seeds summarised."""
    meanings: dict[str, Meaning]
    """What each score is, and `regime`."""
    random: dict[str, float]
    """Mean score of randomly initialised networks."""
    step: np.ndarray
    """Training step of each point of the curves."""
    curves: dict[str, np.ndarray]
    """Each term, the loss first: `[rows, columns, step, 3]`, mean and extremes over seeds, nats."""
    moments: np.ndarray = field(default_factory=lambda: np.array([]))
    """Steps at which the time course was measured; none if it was not asked for."""
    course: dict[str, np.ndarray] = field(default_factory=dict)
    """What was measured then, mean over seeds, `[rows, columns, moments]`."""
    models: str = "VAEs"
    """What the models are called."""
    theory: dict[str, np.ndarray] = field(default_factory=dict)
    """What the linear optimum predicts of a score, `[rows, columns]`; empty without a theory."""
    boundary: np.ndarray | None = None
    """β*(μ), the strength at which the theory expects collapse, `[rows]`; None without one."""
    boundaries: np.ndarray | None = None
    """β* of each latent where they differ, falling, `[rows, lines]`, `boundary` the first; None
    if that is all."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Scores that every sweep computes and this one could not: name → why."""
    regimes: np.ndarray | None = None
    """Codes of `Regime`, `[rows, columns, seed]`, NaN for models still to score; None if not
    stored."""
    recovered: tuple[int, int] | None = None
    """Models with a recovery R² of 0.9 or more, of those where it is defined; None if not told."""
    training: dict[int, Seen] = field(default_factory=dict)
    """The same training images under the bias of each row; empty if they are too large."""
    strip: list[int] = field(default_factory=list)
    """Rows whose training images begin the page, from the fairest bias to the strongest."""
    test_images: str = ""
    """The test images of all reconstructions, as a data URI."""
    test_caption: str = "Test images, without noise"
    test_subject: str = "Test images"
    """What they show, for readers who do not see them."""
    clipped: bool = False
    """Whether the models' images may leave [0, 1]."""
    no_pictures: str = "No pictures of this cell."
    """What stands in their place where there are none."""
    pictures: dict[tuple[int, int], Pictures] = field(default_factory=dict)
    """Of the cells shown in pictures, seed 0."""
    live: Live | None = None
    """Codes, heads and decoders of seed 0; None if there are none."""
    film: Film | None = None
    """What seed 0's models drew in the middle of training; None if there is nothing."""
    no_film: str = ""
    """What stands in its place then."""

    @property
    def rows(self) -> Axis:
        """The axis of the bias."""
        return self.grid.bias

    @property
    def columns(self) -> Axis:
        """The axis of the regularisation."""
        return self.grid.strength

    @property
    def threshold(self) -> str:
        """How the theory's line is written, such as β*(μ)."""
        return f"{self.columns.symbol}*({self.rows.symbol})"

    @property
    def lines(self) -> np.ndarray | None:
        """Every β* that a map shows, `[rows, lines]`, the largest first; None without a theory."""
        if self.boundaries is not None or self.boundary is None:
            return self.boundaries
        return self.boundary[:, None]

    @property
    def follows(self) -> bool:
        """Whether it was measured what the codes follow."""
        return "signal_share" in self.scores

    def mean(self, name: str) -> np.ndarray:
        """A score's mean over seeds, `[rows, columns]`; NaN if the run has no such score."""
        cells = self.scores.get(name)
        return np.full(self.grid.shape[:2], np.nan) if cells is None else cells.mean

    @property
    def start(self) -> tuple[int, int]:
        """The cell shown first: the one of highest R², or with most KL."""
        for name in ("recovery_r2", "kl"):
            mean = self.mean(name)
            if np.isfinite(mean).any():
                row, column = np.unravel_index(np.nanargmax(mean), mean.shape)
                return int(row), int(column)
        return 0, 0
