"""A run as the report's page takes it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from biasvae_jax.cli.flags import command
from biasvae_jax.cli.gathering.cells import of_models
from biasvae_jax.cli.gathering.curves import every_kth, extremes, time_course
from biasvae_jax.cli.gathering.facts import banner, facts
from biasvae_jax.cli.gathering.strip import fair_to_biased, training_images
from biasvae_jax.cli.gathering.surfaces import of_each_factor, predictions
from biasvae_jax.components import ConfigError
from biasvae_jax.meaning import Meaning, stored_meaning
from biasvae_jax.objectives import BetaElbo
from biasvae_jax.report import RunView
from biasvae_jax.report.maps import over_seeds
from biasvae_jax.runs.loading import LoadedRun
from biasvae_jax.scores.base import left_out_of_sweep
from biasvae_jax.statistics.regimes import recovered
from biasvae_jax.worlds import Generated


def gather(
    run: LoadedRun, biases: Sequence[float], strengths: Sequence[float], runs: int = 1
) -> RunView:
    """Gather what the page of so many runs shows of this one's cells at these strengths."""
    study, (bias, strength, seed) = run.study, run.grid.dims
    rows = [run.grid.bias.find(value) for value in biases]
    columns = [run.grid.strength.find(value) for value in strengths]
    grid = run.grid.select(rows, columns)
    cut = {bias: rows, strength: columns}
    scores, history = run.scores.isel(cut), run.history.isel(cut)
    maps = of_each_factor(scores, grid.dims)
    values = {n: v.transpose(*grid.dims).values for n, v in maps.items()}
    values["active_units"] = np.where(values["finite"] == 1, values["active_units"], np.nan)
    regimes = values.pop("regime", None)  # codes: no mean, no map
    if not study.training.patience:
        values.pop("steps", None)  # all alike
    curves = {
        str(name): extremes(v.transpose(bias, strength, "step", seed).values)
        for name, v in history.data_vars.items()
        if "step" in v.dims
    }
    kept = every_kth(curves, grid.seeds)
    view = RunView(
        name=run.path.resolve().name,
        grid=grid,
        steps=study.training.steps,
        latents=_latents(run),
        loss=study.objective.stated(study.sigma2),
        models="β-VAEs" if isinstance(study.objective, BetaElbo) else "VAEs",
        stored=study.to_json(),
        facts=facts(run),
        command=command(study),
        banner=banner(run),
        scores={name: over_seeds(each) for name, each in values.items()},
        meanings={str(name): _meaning(str(name), each.attrs) for name, each in maps.items()},
        random={n: float(scores[f"random_{n}"].mean()) for n in values if f"random_{n}" in scores},
        theory={name: v[np.ix_(rows, columns)] for name, v in predictions(run).items()},
        boundary=None if run.boundary is None else run.boundary[rows],
        boundaries=None if run.boundaries is None else run.boundaries[rows],
        regimes=regimes,
        recovered=recovered(values["recovery_r2"]) if "recovery_r2" in values else None,
        step=history["step"].values[kept],
        curves={name: v[:, :, kept] for name, v in curves.items()},
        clipped=getattr(study.network, "output", "") != "sigmoid",
        moments=history["snapshot"].values if "snapshot" in history.dims else np.array([]),
        course=time_course(history, (bias, strength)),
    )
    return replace(view, **_of_components(run, rows, columns, view.start, runs))


def _of_components(
    run: LoadedRun, rows: Sequence[int], columns: Sequence[int], start: tuple[int, int], runs: int
) -> dict[str, Any]:
    """Gather what the study's own code draws; a note of why there is nothing if it cannot."""
    try:
        recipe = run.recipe
    except ConfigError as error:  # a data file that is gone, a kind that is not known here
        return {"no_pictures": f"No pictures: {error}."}
    world = recipe.world
    biases = [run.grid.bias[row] for row in rows]
    generated = isinstance(world, Generated)
    return {
        "left_out": left_out_of_sweep(recipe),
        "test_caption": "Test images "
        + ("G(u), without noise" if generated else "held out of training"),
        "test_subject": f"Test images: {world.caption}",
        **of_models(run, rows, columns, start, runs),
        "training": dict(enumerate(training_images(run, biases))),
        "strip": [biases.index(bias) for bias in fair_to_biased(run.grid.bias, biases)],
    }


def _meaning(name: str, attributes: Mapping[str, Any]) -> Meaning:
    """Read what a score is; one of a single factor, `score: factor`, names it."""
    score, _, factor = name.partition(": ")
    meaning = stored_meaning(score, attributes)
    return meaning._replace(title=f"{meaning.title}: {factor}") if factor else meaning


def _latents(run: LoadedRun) -> int:
    """Count the learned latents of a model, by the results where the data file is gone."""
    try:
        return run.study.latents
    except ConfigError:
        return len(str(run.scores.attrs.get("factors", "")).split(", "))
