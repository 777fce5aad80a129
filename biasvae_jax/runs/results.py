"""From flat arrays over models to the labelled datasets of `results.nc` and `history.nc`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from biasvae_jax.axes import Axis, Grid
from biasvae_jax.objectives import BetaElbo, Objective
from biasvae_jax.scores import diagnosis as diagnosis  # registers its scores
from biasvae_jax.scores import events as events  # likewise
from biasvae_jax.scores import frames
from biasvae_jax.scores.base import SCORES as REGISTERED
from biasvae_jax.scores.base import SWEPT, Meaning
from biasvae_jax.scores.course import COURSE
from biasvae_jax.scores.recovery import BASELINE
from biasvae_jax.statistics.regimes import GIVEN, regime, renewed
from biasvae_jax.statistics.staircase import distinct
from biasvae_jax.theory.reference import Reference
from biasvae_jax.training import history as training_history

ALWAYS = {
    "regime": Meaning(
        "what became of the model, from active_units, signal_share and β*", "1", "", "training",
        np.int8, title="What became of the model",
    ),
    "steps": Meaning(
        "training steps taken; fewer than asked for where patience ended", "steps", "", "training",
        np.int32, title="Steps taken",
    ),
    "finite": Meaning(
        "1 if the model stayed finite", "1", "", "training", np.int8, title="Stayed finite"
    ),
}  # fmt: skip
PREFIXES = {"random_": "random initialisation: ", "linear_": "at the linear optimum: "}


def loss_meanings(objective: Objective, where: str = "the last 5 % of steps") -> dict[str, Meaning]:
    """Return what each of an objective's terms is, as a mean over a part of training."""
    return {
        name: Meaning(
            f"{text}, mean over {where}", objective.units.get(name, "nat"), "", "training",
            title=_sentence(text),
        )
        for name, text in objective.meanings.items()
    }  # fmt: skip


def _sentence(text: str) -> str:
    """Begin with a capital, but leave a symbol as it is: a capital β looks like a B."""
    return text[:1].upper() + text[1:] if text[:1].isascii() else text


def _swept() -> dict[str, Meaning]:
    """Return the scores that belong to every sweep."""
    found: dict[str, Meaning] = {}
    for name in SWEPT:
        found |= REGISTERED[name].variables
    return found


MEANINGS = {**loss_meanings(BetaElbo()), **_swept(), **BASELINE, **ALWAYS}
"""What the variables of `results.nc` are, with the β-ELBO's terms."""
SCORES = tuple(_swept())
"""Names of the scores that a sweep computes, where the study has what they need."""


def _coordinates(grid: Grid) -> dict[str, xr.Variable]:
    def axis(of: Axis, role: str) -> xr.Variable:
        about: dict[str, Any] = {
            "long_name": of.long_name, "units": "1", "symbol": of.symbol, "role": role
        }  # fmt: skip
        if np.isfinite(of.neutral):
            about["neutral"] = of.neutral
        return xr.Variable(of.name, np.asarray(of.values, np.float64), about)

    seeds = np.arange(grid.seeds, dtype=np.int32)
    return {
        grid.bias.name: axis(grid.bias, "bias"),
        grid.strength.name: axis(grid.strength, "strength"),
        "seed": xr.Variable("seed", seeds, {"long_name": "replicate", "units": "1"}),
    }


def _variable(
    name: str, meaning: Meaning, dims: tuple[str, ...], values: np.ndarray
) -> xr.Variable:
    prefix = next((text for start, text in PREFIXES.items() if name.startswith(start)), "")
    attributes = meaning.attributes(prefix)
    if name == "regime":  # codes and their names, as the CF conventions have them
        attributes["flag_values"] = np.array(GIVEN, np.int8)
        attributes["flag_meanings"] = " ".join(code.name.lower() for code in GIVEN)
    return xr.Variable(dims, np.asarray(values).astype(meaning.dtype), attributes)


def results_dataset(
    study: Any,
    scores: Mapping[str, np.ndarray],
    history: training_history.History,
    baselines: Mapping[str, np.ndarray],
    reference: Reference | np.ndarray | None,
) -> xr.Dataset:
    """Assemble `results.nc` from flat arrays `[models]` and the baselines `[network]`.

    `study` is a `Study` or `Config`; `reference` is what the theory predicts, or β* `[bias]` alone,
    or None: then there are neither `threshold` nor `linear_…`. A model whose training left the
    finite numbers gets NaN scores (0 active units) and `finite` 0. A score that is undefined is NaN
    by itself; one that the study has no use for is not among `scores`.
    """
    study = getattr(study, "study", study)
    grid, objective = study.grid, study.objective
    _, tail = training_history.means(history, study.training.steps)
    finite = np.asarray(history.finite)
    values = dict(zip(objective.Terms._fields, tail.T, strict=True))
    values |= {name: np.asarray(scores[name], np.float64) for name in SCORES if name in scores}
    meanings = {**loss_meanings(objective), **_swept()}
    variables = {}
    for name, meaning in meanings.items():
        if name in values:
            nothing = 0 if np.issubdtype(meaning.dtype, np.integer) else np.nan
            masked = np.where(finite & np.isfinite(values[name]), values[name], nothing)
            variables[name] = _variable(name, meaning, grid.dims, grid.unflatten(masked))
    threshold = reference.threshold if isinstance(reference, Reference) else reference
    active = variables["active_units"].values
    limit = None if threshold is None else np.asarray(threshold)[:, None, None]
    strength = np.asarray(grid.strength.values)[:, None]
    wanted = min(study.latents, len(study.world.factors))
    share = variables["signal_share"].values if "signal_share" in variables else None
    codes = regime(strength, limit, active, grid.unflatten(finite), wanted, share)
    for name, each in (
        ("regime", codes),
        ("steps", grid.unflatten(history.steps)),
        ("finite", grid.unflatten(finite)),
    ):
        variables[name] = _variable(name, ALWAYS[name], grid.dims, each)
    for name, value in baselines.items():
        meaning = {**meanings, **BASELINE}[name]
        variables["random_" + name] = _variable("random_" + name, meaning, ("network",), value)
    if threshold is not None:
        about = Meaning(f"{grid.strength.symbol} at which the linear optimum collapses", "1")
        variables["threshold"] = _variable(
            "threshold", about._replace(group="training", dtype=np.float64),
            (grid.bias.name,), np.asarray(threshold),
        )  # fmt: skip
    if isinstance(reference, Reference):
        if distinct(reference.thresholds).shape[1] > 1:  # else `threshold` says it all
            about = Meaning(
                f"{grid.strength.symbol} at which each of its latents does, falling", "1"
            )
            variables["thresholds"] = _variable(
                "thresholds", about._replace(group="training", dtype=np.float64),
                (grid.bias.name, "direction"), reference.thresholds,
            )  # fmt: skip
        for name, each in reference.predictions.items():
            meaning = meanings[name]._replace(dtype=np.float32)
            dims = grid.dims[:2]
            variables["linear_" + name] = _variable("linear_" + name, meaning, dims, each)
    attributes = {
        "title": "Recovery of the generating variables by VAEs under training bias",
        "loss_convention": f"{objective.stated(study.sigma2)}, nats an image",
        "factors": ", ".join(factor.name for factor in study.world.factors),
        "config": study.to_json(),
    }
    return xr.Dataset(variables, _coordinates(grid), attributes)


def with_todays_regimes(results: xr.Dataset) -> xr.Dataset:
    """Give results that any version stored the regimes of today, which the file does not get."""
    if "regime" not in results:
        return results
    stored = results["regime"]
    share = None
    if "signal_share" in results:
        share = results["signal_share"].transpose(*stored.dims).values
    dims, codes = tuple(map(str, stored.dims)), renewed(stored.values, share)
    return results.assign(regime=_variable("regime", ALWAYS["regime"], dims, codes))


def history_dataset(
    study: Any,
    history: training_history.History,
    course: Mapping[str, np.ndarray] | None = None,
    pictures: tuple[np.ndarray, np.ndarray] | None = None,
) -> xr.Dataset:
    """Assemble `history.nc`: means over at most 200 bins of steps, and any time course.

    `course` holds `[models, snapshot]` of each number, measured after the study's
    `snapshot_steps`; its names are those of `scores.course.COURSE`. `pictures` are bytes of
    `scores.frames`: what the first seed's models drew after its `frame_steps`, `[cells, frame,
    image, pixel]`, and of which images, `[image, pixel]`; left out if none was drawn.
    """
    study = getattr(study, "study", study)
    grid, total = study.grid, study.training.steps
    bins, _ = training_history.means(history, total)
    variables = {}
    for column, (name, meaning) in enumerate(
        loss_meanings(study.objective, "a bin of steps").items()
    ):
        dims = (*grid.dims, "step")
        variables[name] = _variable(name, meaning, dims, grid.unflatten(bins[..., column]))
    steps = training_history.bin_centres(total)
    step = xr.Variable("step", steps, {"long_name": "mean training step of the bin", "units": "1"})
    coordinates = _coordinates(grid) | {"step": step}
    for name, values in (course or {}).items():
        about = {"long_name": "steps taken at a measurement of the time course", "units": "1"}
        after = np.asarray(study.training.snapshot_steps, np.int32)
        coordinates["snapshot"] = xr.Variable("snapshot", after, about)
        dims = (*grid.dims, "snapshot")
        variables[name] = _variable(name, COURSE[name], dims, grid.unflatten(values))
    if pictures is not None and (pictures[0] != frames.MISSING).any():
        about = {"long_name": "steps taken when pictures were drawn", "units": "1"}
        after = np.asarray(study.training.frame_steps, np.int32)
        coordinates["frame"] = xr.Variable("frame", after, about)
        variables |= _pictures(study, *pictures)
    return xr.Dataset(variables, coordinates, {"config": study.to_json()})


def _pictures(study: Any, drawn: np.ndarray, shown: np.ndarray) -> dict[str, xr.Variable]:
    """Label pictures in the middle of training; a file holds them as bytes."""
    image = ("image", "pixel_y", "pixel_x", "channel")
    scale, missing = np.float32(1 / frames.LEVELS), np.uint8(frames.MISSING)
    stored = {"dtype": "uint8", "scale_factor": scale, "_FillValue": missing}

    def labelled(values: np.ndarray, text: str, *before: str) -> xr.Variable:
        about = {"long_name": text, "units": "intensity"}
        folded = frames.unpacked(values).reshape(*values.shape[:-1], *study.world.image)
        return xr.Variable((*before, *image), folded, about, stored)

    drawn = drawn.reshape(*study.grid.shape[:2], *drawn.shape[1:])
    return {
        frames.NAME: labelled(
            drawn,
            "test_images decoded from the posterior mean by the first replicate, clipped to [0, 1]",
            *study.grid.dims[:2],
            "frame",
        ),
        "test_images": labelled(shown, "clean test images"),
    }
