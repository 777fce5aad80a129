"""Pictures and live models of a page's cells, until the page's room for them is spent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from biasvae_jax.cli.gathering import live, pictures
from biasvae_jax.cli.gathering.film import reel, why_none
from biasvae_jax.cli.gathering.models import models, tested
from biasvae_jax.figures import pictures as folded
from biasvae_jax.report.live import LiveCell
from biasvae_jax.report.sprites import sprite
from biasvae_jax.runs.loading import LoadedRun


def of_models(
    run: LoadedRun,
    rows: Sequence[int],
    columns: Sequence[int],
    start: tuple[int, int] = (0, 0),
    runs: int = 1,
) -> dict[str, Any]:
    """Gather what a page of so many runs, opened on the cell `start`, shows of this one's seed 0.

    Those whose parameters are not finite have no pictures and no codes.
    """
    recipe, test = run.recipe, tested(run)
    paint, draw = pictures.painter(run, test), jax.jit(recipe.network.decode)
    shared = live.live_run(recipe, test, len(rows) * len(columns))
    frames = reel(run, rows, columns)
    drawn, strips, cells = {}, {}, {}
    picture_room, live_room = pictures.PICTURE_BYTES // runs, live.LIVE_BYTES // runs
    for model in models(run, rows, columns, test, start):
        if picture_room > 0:
            found, strip = paint(model), frames.strip(model.cell) if frames else None
            picture_room -= sum(map(len, found.values())) + len(strip.images if strip else "")
            if picture_room >= 0:
                drawn[model.cell] = found
                strips |= {model.cell: strip} if strip else {}
        if not np.isfinite(model.codes.z_hat).all():
            continue
        cell: LiveCell = live.live_cell(model, test, len(shared.points))
        layers, fields = live.decoder(recipe.network, draw, model)
        if live.size(fields.get("weights", ())) <= live_room:
            live_room -= live.size(fields.get("weights", ()))
            cell = replace(cell, **fields)
        shared = replace(shared, layers=layers)
        cells[model.cell] = cell
    images = sprite(folded(test.shown_x, recipe.world.image)[None]) if drawn else ""
    return {
        "test_images": images,
        "pictures": drawn,
        "live": replace(shared, cells=cells),
        "film": frames.film(strips) if frames else None,
        "no_film": why_none(run),
    }
