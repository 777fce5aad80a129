"""Finite training sets: where the best β lies, how training goes on, and what replaces β."""

import jax
import jax.numpy as jnp
import numpy as np

from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.statistics.bounded import share_interval
from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.theory import Moments, finite_prediction, world_moments
from biasvae_jax.training.images import image_noise
from experiments.findings.answers import optimum_words
from experiments.findings.evidence import CODE, DECODER, WEAK, at_end, sizes, stopped
from experiments.findings.optima import best, short_against_strong
from experiments.findings.runs import RIVAL_SIZE, RIVALS
from experiments.pages.run import Run, Runs
from experiments.pages.words import number, paragraphs, sign, table, value

THEORY_SIZES = 3_000  # images at most, for which the linear optimum is computed


def finite_section(runs: Runs) -> str:
    """Write what is behind the answers for finite data."""
    return paragraphs(
        "## 1. Finite training sets",
        "Each seed is a training set of its own, and every image of it is shown once an epoch. The "
        "best β of each score, with a bootstrap interval over seeds, among the β of the grid "
        f"({', '.join(f'{b:g}' for b in runs['n-endless'].beta)}):",
        _optima(runs),
        "### Is it β, or the length of training?",
        _stopping_words(runs),
        _stopping(runs),
        "![Error of generated images and R² over training](images/findings_course.png)",
        f"*With {RIVAL_SIZE:,} images; means over seeds with bands of 95 %.*",
        "### Other rivals of β",
        f"From {RIVAL_SIZE:,} images, at the end of training and stopped early (by the loss on "
        "unseen images); `generation_mse` with the least-squares head, mean over seeds:",
        _rivals(runs),
        "### How much of it the linear theory explains",
        _theory(runs),
    )


def _optima(runs: Runs) -> str:
    rows = []
    for label, run in sizes(runs):
        code = best(run.values(CODE), run.beta, "higher")
        decoder = best(run.values(DECODER), run.beta, "lower")
        for i, mu in enumerate(run.mu):
            rows.append(
                [
                    label,
                    f"{mu:g}",
                    optimum_words(code, i),
                    value(code.gain.at(i)),
                    optimum_words(decoder, i),
                    value(decoder.gain.at(i)),
                ]
            )
    head = ["images", "μ", "best β for R²", "gain", "best β for `generation_mse`", "change"]
    return table(head, rows)


def _stopping_words(runs: Runs) -> str:
    run = runs.get(f"n-{RIVAL_SIZE}") or next(r for n, r in runs.items() if n[2:].isdigit())
    early, column = stopped(run), run.column(WEAK)
    generation = run.course("generation_mse_exact")[:, column]
    recovery = run.course("recovery_r2")[:, column]
    first = run.snapshots[np.nan_to_num(generation, nan=np.inf).argmin(-1)]
    last = run.snapshots[np.nan_to_num(recovery, nan=-np.inf).argmax(-1)]
    return (
        "A rival of β is to stop early. At "
        f"β = {run.beta[column]:g} with {run.study.training.training_images:,} images the decoder "
        f"is best after {np.median(first):,.0f} steps, the loss on unseen images after "
        f"{np.median(early.step[:, column]):,.0f} and the code after {np.median(last):,.0f} "
        "(medians over μ and seeds), among the steps measured. The weight of the KL is still "
        "rising to β there, which for a β so weak changes little. In the table, `generation_mse` "
        "of the weak β at the end; of the same models, each stopped where its loss on unseen "
        "images is lowest; of the same models after the number of steps that is best on the other "
        f"seeds; and of the β from {run.beta[column]:g} on that is best on the other seeds, at the "
        "end. So steps and β are chosen alike. Differences are paired by seed, and called "
        "equivalent if their 90 % interval lies within a tenth of the first column's:"
    )


def _stopping(runs: Runs) -> str:
    rows = []
    for label, run in sizes(runs)[:-1]:
        found = short_against_strong(run)
        for i, mu in enumerate(run.mu):
            rows.append(
                [
                    label,
                    f"{mu:g}",
                    *(value(part.at(i)) for part in found[:5]),
                    str(found.verdict[i]),
                    value(found.both.at(i)),
                ]
            )
    head = [
        *("images", "μ", "weak β, end", "stopped by unseen loss", "fewer steps", "best β, end"),
        *("fewer steps − best β", "verdict", "best β stopped − weak β stopped"),
    ]
    return table(head, rows)


def _rivals(runs: Runs) -> str:
    plain = runs.get(f"n-{RIVAL_SIZE}")
    named = [("β alone", plain)] if plain is not None else []
    named += [(name.replace("-", " "), runs[name]) for name in RIVALS if name in runs]
    rows = []
    for name, run in named:
        end, early = at_end(run, "generation_mse_exact"), stopped(run).generation
        recovery = at_end(run, "recovery_r2")
        for mu in (0, 2):
            i, columns = run.row(mu), [run.column(b) for b in (WEAK, 1)]
            cells = [
                kind(a[i, j])
                for j in columns
                for a, kind in ((end, t_interval), (early, t_interval), (recovery, share_interval))
            ]
            rows.append([name, f"{mu:g}", *map(value, cells)])
    parts = ("end", "early", "R² at the end")
    head = ["", "μ", *(f"β = {b:g}, {part}" for b in (WEAK, 1) for part in parts)]
    return table(head, rows)


def _theory(runs: Runs) -> str:
    rows, shares = [], []
    endless = runs["n-endless"]
    for label, run in sizes(runs)[:-1]:
        images = run.study.training.training_images or 0
        if images > THEORY_SIZES:
            continue
        for mu in (0, 2):
            i, j, k = run.row(mu), run.column(WEAK), endless.row(mu)
            measured = run.values(DECODER)[i, j] - endless.values(DECODER)[k, endless.column(WEAK)]
            recipe = run.study.recipe
            moments = world_moments(recipe.world, mu, bias=recipe.bias)
            seeds = range(run.study.seeds)
            predicted = np.array([_linear_excess(run, mu, seed, moments) for seed in seeds])
            excess = [t_interval(a) for a in (measured, predicted)]
            share = float(excess[1].mean / excess[0].mean) if sign(excess[0]) > 0 else np.nan
            shares.append(share)  # NaN where there is nothing to explain
            rows.append([label, f"{mu:g}", *map(value, excess), number(100 * share, 0)])
    head = ["images", "μ", "networks", "linear optimum", "share, %"]
    known = [share for share in shares if np.isfinite(share)]
    low, high = (100 * f(known) for f in (min, max)) if known else (np.nan, np.nan)
    return paragraphs(
        "The linear optimum on the training set's own covariance "
        "([mathematics](mathematics.md#finite-training-sets)) overfits too: noise is worth a "
        "latent wherever its sample eigenvalue exceeds β. At "
        f"β = {WEAK:g} it explains {number(low, 0)} to {number(high, 0)} % of what the networks "
        "lose in `generation_mse` to the training set (theirs minus that with endless data):",
        table(head, rows),
    )


def _linear_excess(run: Run, mu: float, seed: int, moments: Moments) -> float:
    """Return generation_mse of the linear optimum of a training set above that of endless data."""
    recipe, beta = run.study.recipe, [float(run.beta[run.column(WEAK)])]
    images = run.study.training.training_images
    noise = image_noise(purpose_key(seed, Purpose.TRAIN), jnp.arange(images), recipe.world)
    x = np.asarray(jax.jit(lambda n: recipe.sample(n, mu).x)(noise))
    found = finite_prediction(
        x, recipe.world, mu, beta, recipe.likelihood_variance, recipe.network.latent_dim,
        population=moments,
    )  # fmt: skip
    linear = run.scores["linear_generation_mse"].sel(mu=mu, beta=beta[0], method="nearest")
    return float(found.generation_mse[0]) - float(linear)
