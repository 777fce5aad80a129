"""Factors that vary together in training: whether latents tell them apart, and scores that."""

import numpy as np
from scipy.special import expit

from biasvae_jax.statistics.intervals import Interval, paired_interval, t_interval
from biasvae_jax.theory.squares import cell_moments
from biasvae_jax.worlds import Squares
from experiments.agreement.asked import USUAL, entanglement
from experiments.agreement.cases.case import AGREES, DIFFERS, PARTLY, Case
from experiments.pages.run import Run, Runs
from experiments.pages.words import listed, number, sign, value

HARDLY = 0.1  # of scores between 0 and 1: a fall by less hardly shows


def correlated(runs: Runs) -> Case:
    """Träuble et al.: a correlated pair shares its latents, and usual scores miss it."""
    run = runs["pair"]
    falls = {name: [_fall(run, kind, name) for kind in ("usual", "fair")] for name in USUAL}
    missed = [float(usual.high) < HARDLY for usual, _ in falls.values()]
    found = (
        "Squares 1 and 2 of four vary together. The share of both that one latent has is "
        f"{_shared(run)}; were latents the images' principal axes, it would be "
        f"{listed(number(expected(run, rho)) for rho in run.mu)}. From ρ = 0 to {run.mu[-1]:g} "
        "scores fall, on images like those of the training and on images of independent squares: "
        + listed(
            f"{name} by {value(usual)} and {value(fair)}" for name, (usual, fair) in falls.items()
        )
        + "."
    )
    return Case(
        "Träuble et al. 2021",
        "Correlations of two factors in the training data are learned and show in the latents, and "
        "widely used scores of disentanglement fall short of capturing that.",
        found,
        DIFFERS if not _learned(run) else AGREES if all(missed) else PARTLY,
        f"A fall by less than {HARDLY:g} counts as missed. On correlated images the pair's sum "
        "predicts both squares and its difference neither, so that a gap between a square's best "
        "latent and the next stays wide (SAP, MIG); importances are shared all the same (DCI). "
        "Theirs are dSprites, 3D Shapes and MPI3D; of their five to seven factors a pair is less "
        "of the average than of four squares.",
    )


def _shared(run: Run) -> str:
    """Say how much of both squares a latent has, at each ρ."""
    pair = [value(t_interval(values)) for values in run.values("pair_shared")[:, 0]]
    others = value(t_interval(run.values("others_shared")[-1, 0]))
    each = listed(f"{share} at ρ = {rho:g}" for share, rho in zip(pair, run.mu, strict=True))
    return f"{each}, of other pairs {others} at ρ = {run.mu[-1]:g}"


def _learned(run: Run) -> bool:
    """Tell whether the pair shares more than other pairs do, and than it does without."""
    pair, others = run.values("pair_shared")[:, 0], run.values("others_shared")[:, 0]
    rivals = (others[-1], pair[0])
    return all(sign(paired_interval(pair[-1], rival)) > 0 for rival in rivals)


def _fall(run: Run, kind: str, score: str) -> Interval:
    """Return how much lower a score is at the largest ρ than without."""
    values = run.values(f"{kind}_{score}")[:, 0]
    return paired_interval(values[0], values[-1])


def expected(run: Run, rho: float) -> float:
    """Return the pair's `entanglement` if latents are the principal axes of the images."""
    world, recipe = run.study.world, run.study.recipe
    found = cell_moments(world, rho, recipe.bias)
    assert isinstance(world, Squares) and found is not None
    u = expit(np.random.default_rng(0).normal(size=(100_000, world.latents)))
    axes = world.contrasts[:, None] * np.linalg.eigh(found.covariance)[1]
    return float(entanglement(u, u @ axes)[0])
