"""What the comparisons ask of finished models, beyond the scores that every run has."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.networks import Params
from biasvae_jax.projection import fit_least_squares
from biasvae_jax.runs.loading import LoadedRun, load_run
from biasvae_jax.scores.alignment import mcc, standardised
from biasvae_jax.scores.disentanglement import dci, mig, sap
from biasvae_jax.scores.events import best_code, over_images
from biasvae_jax.scores.recovery import mean_code
from experiments.pages.run import Run, Runs

IMAGES = 4_096  # drawn for each model
USUAL: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "MIG": mig,
    "SAP": sap,
    "DCI": lambda u, code: dci(u, code).disentanglement,
}
"""Scores of disentanglement in use, of factors and code."""
Ask = Callable[[LoadedRun], Callable[[Params, float, int], Mapping[str, float]]]
"""Of a run: what is measured of a model's parameters, its bias and its seed."""


def asked(runs: Runs) -> Runs:
    """Add to the scores of runs what their models are asked."""
    return {
        name: _ask(run, QUESTIONS[name]) if name in QUESTIONS else run for name, run in runs.items()
    }


def _ask(run: Run, ask: Ask) -> Run:
    loaded = load_run(run.path)
    of_one, grid = ask(loaded), loaded.grid
    found: dict[str, np.ndarray] = {}
    for rows, params in loaded.stacks(loaded.finite, 1):
        row, own = int(rows[0]), jax.tree.map(lambda a: a[0], params)
        bias, seed = float(grid.models.bias[row]), int(grid.models.seed[row])
        for name, value in of_one(own, bias, seed).items():
            found.setdefault(name, np.full(grid.size, np.nan))[row] = value
    new = {name: (grid.dims, grid.unflatten(values)) for name, values in found.items()}
    return run._replace(scores=run.scores.assign(new))


def entanglement(u: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Return how far each pair of factors shares a latent, in the order of `combinations`.

    With s the share of a factor's squared correlations that a latent has, it is the largest
    min(s_a, s_b) of any latent: 0 where no latent has both, ½ of a sum and a difference. After the
    pairwise score of Träuble et al. 2021, which has boosted trees' importances for s.
    """
    truth, latents = standardised(truth=u, code=code)
    squares = (latents.T @ truth / len(truth)) ** 2
    shares = squares / squares.sum(0)
    pairs = itertools.combinations(range(shares.shape[1]), 2)
    return np.array([shares[:, pair].min(1).max() for pair in pairs])


def of_a_pair(run: LoadedRun) -> Callable[[Params, float, int], Mapping[str, float]]:
    """Ask whether the first two factors share latents more than others do, and what scores say.

    Codes are posterior means of 4,096 images like those of the training (`usual_…`), and of as many
    of the same noise whose factors are independent (`fair_…`).
    """
    recipe = run.recipe

    @jax.jit
    def codes(params: Params, bias: jax.Array, seed: jax.Array):
        noise = recipe.world.draw(purpose_key(seed, Purpose.SCORE), (IMAGES,))
        with jax.default_matmul_precision("highest"):
            samples = [recipe.sample(noise, rho) for rho in (bias, 0.0)]
            return [(sample.u, mean_code(recipe, params, sample.x)) for sample in samples]

    def of_one(params: Params, bias: float, seed: int) -> dict[str, float]:
        usual, fair = (
            tuple(np.asarray(a) for a in pair)
            for pair in codes(params, jnp.float32(bias), jnp.int32(seed))
        )
        pair, *others = entanglement(*fair)
        found = {"pair_shared": pair, "others_shared": float(np.median(others))}
        for name, score in USUAL.items():
            found |= {f"usual_{name}": score(*usual), f"fair_{name}": score(*fair)}
        return found

    return of_one


def of_a_combination(run: LoadedRun) -> Callable[[Params, float, int], Mapping[str, float]]:
    """Ask how a model draws test images of the combination that training may lack, and others.

    Squared error a pixel of the encoder's code and of the best code; and the encoder's error in the
    two factors (R.m.s.), as a linear head tells them that was fitted without the combination.
    """
    recipe = run.recipe
    world: Any = recipe.world
    u, x = world.test_set()
    places = jnp.asarray(recipe.bias.on(world.factors).places)  # type: ignore[attr-defined]
    held = np.asarray((u[:, places] > 0.5).all(1))

    @jax.jit
    def measure(params: Params):
        with jax.default_matmul_precision("highest"):
            mean = mean_code(recipe, params, x)
            best = over_images(lambda image: best_code(image, params, recipe)[0], x, recipe)
            errors = [
                jnp.square(recipe.network.decode(params, code) - x).mean(-1)
                for code in (mean, best)
            ]
            told = fit_least_squares(mean[~held], u[~held])(mean)
            return mean, *errors, jnp.square(told - u)[:, places].mean(1)

    def of_one(params: Params, bias: float, seed: int) -> dict[str, float]:
        mean, *errors = map(np.asarray, measure(params))
        found = {"mcc_mean": mcc(np.asarray(u), mean)}
        for name, error in zip(("encoded", "best", "told"), errors, strict=True):
            found |= {f"held_{name}": error[held].mean(), f"others_{name}": error[~held].mean()}
        return found

    return of_one


QUESTIONS: dict[str, Ask] = {
    "pair": of_a_pair,
    "missing": of_a_combination,
    "missing-alike": of_a_combination,
}
"""What is asked of which run."""
