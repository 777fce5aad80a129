"""Ask finished models what the bias made rare: `python -m experiments.rare.examine RUN …`.

Each run directory gets `rare.nc`, all that the pages need of its models, pictures included.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from biasvae_jax.cli.runtime import start_jax
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Params
from biasvae_jax.projection import fit_least_squares
from biasvae_jax.runs.datasets import write_dataset
from biasvae_jax.runs.loading import LoadedRun, load_run
from biasvae_jax.scores.by_factor import factor_scores
from biasvae_jax.scores.events import BATCH, best_code, event_noise, over_images
from biasvae_jax.scores.recovery import mean_code, test_codes
from biasvae_jax.training import Recipe
from experiments.rare.views import View, view_of

FILE = "rare.nc"
MODELS = 1  # at once: of several, jaxlib's CPU can wait for its own threads for ever
PRIOR, RAREST = 8, 8  # samples in pictures: the first, and those that show the event most
STEPS = 5  # of a traversal, from one value of a factor to the other
HEAD = 2_048  # training images of a head that knows no fair ones


def examine(run: LoadedRun) -> xr.Dataset:
    """Return what every model of a finished run shows, over the grid and further dimensions."""
    recipe, view, grid = run.recipe, view_of(run.recipe.world), run.grid
    ask = jax.jit(jax.vmap(partial(_answers, recipe, view)))
    draw = jax.jit(partial(_pictures, recipe, view))
    seeds, biases = grid.models.seed, grid.models.bias
    found: dict[str, np.ndarray] = {}
    for rows, params in run.stacks(run.finite, MODELS):
        answers = dict(ask(params, jnp.asarray(biases[rows]), jnp.asarray(seeds[rows])))
        codes = np.asarray(answers.pop("codes"))
        kinds = [factor.kind for factor in recipe.world.factors]
        u = np.asarray(recipe.world.test_factors(run.data))
        answers["recovered"] = np.array([factor_scores(u, z, kinds).recovery for z in codes])
        for place, row in enumerate(rows):
            model = {name: np.asarray(values[place]) for name, values in answers.items()}
            if seeds[row] == 0:
                own = jax.tree.map(lambda a: a[place], params)  # noqa: B023
                model |= {k: np.asarray(v) for k, v in draw(own, biases[row]).items()}
            for name, values in model.items():
                empty = 0 if values.dtype == np.uint8 else np.nan
                whole = found.setdefault(name, np.full((grid.size, *values.shape), empty))
                whole[row] = values
    return _dataset(run, view, found)


def _answers(
    recipe: Recipe, view: View, params: Params, bias: jax.Array, seed: jax.Array
) -> dict[str, jax.Array]:
    """Measure one model; a class's mean is over the test images that show it."""
    world: Any = recipe.world
    network, u = recipe.network, jnp.asarray(view.cases)
    with jax.default_matmul_precision("highest"):
        x = world.render(u)
        mean = mean_code(recipe, params, x)
        best = _best(recipe, params, x)
        of_class = jax.nn.one_hot(view.classify(view.read(x)), len(view.classes))
        weights = of_class / of_class.sum(0, keepdims=True)
        found = {}
        for name, codes in (("encoded", mean), ("best", best)):
            drawn = network.decode(params, codes)
            numbers = view.read(drawn)
            same = view.classify(numbers) == view.classify(view.read(x))
            found[f"{name}_error"] = jnp.square(drawn - x).mean(-1) @ weights
            found[f"{name}_same"] = same @ weights
            found[f"{name}_numbers"] = weights.T @ numbers
        found["price"] = jnp.square(best).sum(-1) @ weights
        found |= _masses(recipe, view, params, bias, seed)
        test, images = world.test_set()
        found["codes"] = test_codes(purpose_key(0, Purpose.TEST), recipe, params, images)[0]
        key = purpose_key(0, Purpose.HEAD)
        biased = recipe.sample(world.draw(key, (HEAD,)), bias)
        of_biased = test_codes(key, recipe, params, biased.x)[0]
        z_hat = test_codes(key, recipe, params, x)[0]
        known = {"fair": (test, found["codes"]), "biased": (biased.u, of_biased)}
        for name, (factors, codes) in known.items():
            told = fit_least_squares(codes, factors)(z_hat)
            right = (told > 0.5) == (u > 0.5)
            found[f"told_{name}"] = right[:, jnp.array(view.told)].mean(-1) @ weights
            if view.moved:
                head = fit_least_squares(factors, codes)
                found[f"moved_{name}"] = _moved(recipe, view, params, u, mean, head)
        return found


def _best(recipe: Recipe, params: Params, images: jax.Array) -> jax.Array:
    """Return the code of each image that is decoded nearest to it, `[images, latents]`."""
    return over_images(lambda x: best_code(x, params, recipe)[0], images, recipe)


def _prior(
    recipe: Recipe, params: Params, bias: jax.Array, seed: jax.Array, batch: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return codes of the prior `[512, latents]`, and the training images of the same draw."""
    noise, normals = event_noise(seed, batch, recipe)
    sample = recipe.sample(noise, bias)
    z_hat, _ = test_codes(purpose_key(seed, Purpose.EVENT), recipe, params, sample.x)
    return recipe.objective.prior_sample(params, normals, z_hat), sample.x_clean


def _masses(
    recipe: Recipe, view: View, params: Params, bias: jax.Array, seed: jax.Array
) -> dict[str, jax.Array]:
    """Count the classes of samples of the prior, and of as many training images."""

    def one(batch: jax.Array) -> dict[str, jax.Array]:
        codes, training = _prior(recipe, params, bias, seed, batch)
        numbers = view.read(recipe.network.decode(params, codes))
        classes = jax.nn.one_hot(view.classify(numbers), len(view.classes))
        known = jax.nn.one_hot(view.classify(view.read(training)), len(view.classes))
        return {
            "prior": classes.sum(0),
            "prior_numbers": classes.T @ numbers,
            "training": known.sum(0),
        }

    found = jax.tree.map(lambda a: a.sum(0), jax.lax.map(one, jnp.arange(view.batches)))
    found["prior_numbers"] /= found["prior"][:, None]  # NaN of a class that does not come
    return found


def _moved(
    recipe: Recipe, view: View, params: Params, u: jax.Array, mean: jax.Array, head: Any
) -> jax.Array:
    """Move one factor of each test image to its mirror, 1 − u, through the code.

    The code takes the step that a linear head gives the factor. Returns how far each number moves
    for a step of 1 of each factor, `[factors moved, numbers]`: the unit matrix is perfect.
    """
    before = view.read(recipe.network.decode(params, mean))
    rows = []
    for factor in view.moved:
        step = 1 - 2 * u[:, factor]
        codes = mean + step[:, None] * head.weight[None, factor]
        change = view.read(recipe.network.decode(params, codes)) - before
        rows.append(step @ change / jnp.square(step).sum())
    return jnp.stack(rows)


def _pictures(recipe: Recipe, view: View, params: Params, bias: jax.Array) -> dict[str, jax.Array]:
    """Draw a model of seed 0, bytes: `[…, pixels]`."""
    world: Any = recipe.world
    decode = lambda codes: recipe.network.decode(params, codes)  # noqa: E731
    with jax.default_matmul_precision("highest"):
        x = world.render(jnp.asarray(view.shown))
        mean = mean_code(recipe, params, x)
        best = _best(recipe, params, x)
        codes = jax.lax.map(
            lambda batch: _prior(recipe, params, bias, jnp.int32(0), batch)[0],
            jnp.arange(view.batches),
        )
        rarity = jax.lax.map(lambda z: view.rarity(view.read(decode(z))), codes).ravel()
        codes = codes.reshape(view.batches * BATCH, -1)
        found = {
            "picture_prior": decode(codes[:PRIOR]),
            "picture_rarest": decode(codes[jax.lax.top_k(rarity, RAREST)[1]]),
            "picture_encoded": decode(mean),
            "picture_best": decode(best),
        }
        if view.moved:
            test, images = world.test_set()
            z_hat = test_codes(purpose_key(0, Purpose.TEST), recipe, params, images)[0]
            head = fit_least_squares(test, z_hat)
            steps = jnp.linspace(0, 1, STEPS)[:, None]
            start = mean[: len(view.moved)]  # the first images shown: one to be moved for each
            found["picture_moved"] = jnp.stack(
                [
                    decode(z[None] + (1 - 2 * view.shown[i, f]) * steps * head.weight[f][None])
                    for i, (z, f) in enumerate(zip(start, view.moved, strict=True))
                ]
            )
    return {k: jnp.uint8(jnp.round(255 * jnp.clip(v, 0, 1))) for k, v in found.items()}


def _dataset(run: LoadedRun, view: View, found: dict[str, np.ndarray]) -> xr.Dataset:
    """Lay the models' arrays out over the grid; pictures are of seed 0 alone."""
    along = {
        **{f"{a}_{b}": ("class",) for a in ("encoded", "best") for b in ("error", "same")},
        **{f"{a}_numbers": ("class", "number") for a in ("encoded", "best", "prior")},
        **{name: ("class",) for name in ("price", "prior", "training")},
        **{f"told_{name}": ("class",) for name in ("fair", "biased")},
        **{f"moved_{name}": ("moved", "number") for name in ("fair", "biased")},
        "recovered": ("factor",),
    }
    grid, variables = run.grid, {}
    for name, values in found.items():
        shaped = grid.unflatten(values)
        if name.startswith("picture_"):
            kind = name.removeprefix("picture_")
            places = (f"{kind}_{k}" for k in range(values.ndim - 2))
            dims = (*grid.dims[:2], *places, "pixel")
            variables[name] = (dims, shaped[:, :, 0].astype(np.uint8))
        else:
            variables[name] = ((*grid.dims, *along[name]), shaped.astype(np.float32))
    coordinates = {grid.dims[0]: list(grid.bias), grid.dims[1]: list(grid.strength)}
    return xr.Dataset(variables, coordinates)


def main(paths: Sequence[str]) -> None:
    """Examine run directories; what has its file is left as it is."""
    start_jax()
    for path in map(Path, paths):
        if not (path / FILE).exists():
            write_dataset(path / FILE, examine(load_run(path)))
            print(f"{path / FILE}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
