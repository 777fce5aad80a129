"""The maps of a finished run: which scores, in which words, over which range of colours."""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from biasvae_jax.figures import Apart, heat_map
from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.runs.results import MEANINGS


class Map(NamedTuple):
    """How a score is drawn."""

    title: str
    unit: str
    limits: tuple[float, float] | None = None
    """Of the colours, for scores with a range: then maps of different runs compare."""
    of_active: str = ""
    """Why cells whose models (most of them) have no active latent are without a colour."""


# file: the score is its name without "heatmap_"
HEAT_MAPS = {
    "heatmap_pmi": Map(
        "PMI: error of the linear head from true factors to the learned code", "MSE"
    ),
    "heatmap_recovery_mse": Map(
        "Error of the linear head from the learned code to the true factors", "MSE"
    ),
    "heatmap_recovery_r2": Map(
        "Recovery: share of the factors' variance a linear map of the code explains", "R²", (0, 1)
    ),
    "heatmap_generation_mse": Map(
        "Error of the decoded projection, decode(P(u)) against G(u)", "MSE"
    ),
    "gap": Map(
        "Loss above that of the linear optimum (below 0: better than it)",
        "nats",
        of_active="no latent active: a constant image's loss, no success",
    ),
    "signal_share": Map(
        "Signal or noise? Share of the code that follows the factors (n/a: no latent active)",
        "share",
        (0, 1),
    ),
}


def draw_map(run: LoadedRun, name: str, title: str = "", for_page: bool = False) -> Figure:
    """Draw one of `HEAT_MAPS` of a run, the mean over its seeds, under its own title or another.

    `for_page` is the form of `heat_map` for a narrow column.
    """
    grid, drawn, score = run.grid, HEAT_MAPS[name], score_of(name)
    seeds = "" if grid.seeds == 1 else f" (mean of {grid.seeds} seeds)"
    apart = None
    if drawn.of_active:
        active = run.scores["active_units"].transpose(*grid.dims).values
        apart = Apart(np.median(active, -1) == 0, drawn.of_active)
    return heat_map(
        np.asarray(run.scores[score].transpose(*grid.dims).mean("seed").values),
        grid.bias,
        grid.strength,
        title or drawn.title + seeds,
        drawn.unit,
        run.boundaries,
        better=MEANINGS[score].better,
        limits=drawn.limits,
        apart=apart,
        for_page=for_page,
    )


def score_of(name: str) -> str:
    """Return the variable of the results that a map draws."""
    return name.removeprefix("heatmap_")
