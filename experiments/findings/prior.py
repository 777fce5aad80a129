"""The page on the prior: how often samples show the rare event, and how far it is to reach."""

from functools import partial

import numpy as np

from biasvae_jax.statistics.intervals import t_interval
from experiments.findings.best_beta import images_cell, optimum_cell, protocol
from experiments.findings.evidence import LEAST, MOST, WEAK, sizes
from experiments.findings.figures import against_beta
from experiments.findings.optima import Best, best, questions
from experiments.findings.runs import GRIDS
from experiments.pages.documents import Page, Picture
from experiments.pages.ratios import geometric_interval
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Table
from experiments.pages.words import value

PARTS = {
    "prior_mass": "mass, prior",
    "posterior_mass": "mass, codes",
    "reach": "reach, squared error a pixel",
    "price": "price",
    "encoder_error": "encoder error",
}


def prior_page(runs: Runs) -> Page:
    """Answer for the prior."""
    endless = runs["n-endless"]
    return Page(
        "prior",
        "The prior: do samples still show what the bias made rare?",
        _answer(runs),
        [
            "The rare event is a square darker than ½. Its *mass* is how often decoded samples, z "
            "~ N(0, I), show it, over how often the training images do: 1 is right, above it the "
            "rare event floods, below it starves ([definition]"
            "(../scores.md#generation-outside-the-training-distribution)).",
            Picture(
                "findings_prior",
                "Mass of the rare event under the prior",
                partial(against_beta.prior, runs),
                "At the red line samples show the rare event as often as training images do. Means "
                f"over {endless.study.seeds} seeds, bands their 95 % intervals; below 0.1 the axis "
                "is linear.",
            ),
            "## Where the best β lies",
            "The best β has the smallest |ln mass| in the mean over seeds; in brackets a 95 % "
            f"bootstrap interval over seeds. Without bias the event is not rare, beyond μ = {MOST} "
            "training images show it too seldom to count.",
            _best_table(runs),
            "## What would look the same",
            "*A decoder that cannot draw the event.* Then the mass would be wrong also with the "
            "codes of training images in the prior's place (*mass, codes*). *Reach* is how near "
            "the decoder comes to a test image with a dark square, with the best z that there is; "
            "*price* is ‖z‖² there, about the number of latents for a typical sample; *encoder "
            "error* is ‖z − the encoder's‖². *An artefact of sampling* would show at μ = 0, where "
            f"the event is not rare, too. {_decoder_can(endless)} Endless data:",
            _parts_table(endless),
            "*The noise of the KL, or the missing warm-up.* The best β on the original study's "
            "grid, with each KL, with and without warm-up:",
            _grids_table(runs),
            "*What a linear model does anyway.* The mass of the linear optimum is known in closed "
            f"form. The networks' mass is {_against_theory(endless)} times that (geometric mean "
            f"over the cells with μ up to {MOST} and β between 0 and β\\*, endless data).",
        ],
    )


def _answer(runs: Runs) -> str:
    run = runs["n-endless"]
    asked = questions(run)["prior"]
    found, row = best(asked.values, run.beta, asked.better), run.row(1)
    weak, one = (t_interval(run.values("prior_mass")[row, run.column(b)]) for b in (WEAK, 1))
    _, smallest = sizes(runs)[0]
    few = t_interval(smallest.values("prior_mass")[smallest.row(1), smallest.column(1)])
    inside = (np.asarray(found.optimum.censored) == 0).all()
    return (
        f"**{'Only with a β between small and large: the' if inside else 'The'} best lies "
        f"{_between(found)}, with endless data.** At μ = {run.mu[row]:g} samples show dark squares "
        f"{value(weak)} times as often as training images do at β = "
        f"{run.beta[run.column(WEAK)]:g}, and {value(one)} times at β = "
        f"{run.beta[run.column(1)]:g}. From "
        f"{smallest.study.training.training_images:,} images it is {value(few)} times at "
        f"β = {smallest.beta[smallest.column(1)]:g}."
    )


def _between(found: Best) -> str:
    least, most = np.min(found.optimum.strength), np.max(found.optimum.strength)
    return f"at {least:g}" if least == most else f"between {least:g} and {most:g}"


def _best_table(runs: Runs) -> Table:
    rows = []
    for label, run in sizes(runs):
        asked = questions(run)["prior"]
        found = best(asked.values, run.beta, asked.better)
        rare = [run.row(mu) for mu in asked.mu]
        mass = run.values("prior_mass")[rare]
        at_best = [t_interval(mass[i, run.column(b)]) for i, b in enumerate(found.optimum.strength)]
        rows += [
            [images_cell(label, run), mu, optimum_cell(found, i), at_best[i], found.gain.at(i)]
            for i, mu in enumerate(asked.mu)
        ]
    columns = {
        "images": "images",
        "μ": "mu",
        "best β": "best_beta",
        "mass there": "mass_at_best",
        "change of |ln mass| from the weakest β": "abs_log_mass_change",
    }
    return Table("prior_best_beta", columns, rows)


def _grids_table(runs: Runs) -> Table:
    rows, biases = [], []
    for each in GRIDS:
        run = runs[each]
        asked = questions(run)["prior"]
        found = best(asked.values, run.beta, asked.better)
        biases = [mu for mu in (1, 2, 3) if np.isclose(asked.mu, mu).any()]
        cells = [optimum_cell(found, int(np.argmin(np.abs(asked.mu - mu)))) for mu in biases]
        rows.append([*protocol(run), run.study.seeds, *cells])
    columns = {"run": "run", "KL": "kl", "warm-up, steps": "warmup_steps", "seeds": "seeds"}
    columns |= {f"best β, μ = {mu}": f"best_beta_mu_{mu}" for mu in biases}
    return Table("prior_grids", columns, rows)


def _parts_table(run: Run) -> Table:
    names = [name for name in PARTS if name in run.scores]
    rows = []
    for mu in (0, 1, 2, 4):
        if not np.isclose(run.mu, mu).any():
            continue
        for beta in (0.1, 1, 3):
            i, j = run.row(mu), run.column(beta)
            cells = [t_interval(run.values(name)[i, j]) for name in names]
            rows.append([mu, run.beta[j], *cells])
    columns = {"μ": "mu", "β": "beta"} | {PARTS[name]: name for name in names}
    return Table("prior_parts", columns, rows)


def _decoder_can(run: Run) -> str:
    i, j = run.row(1), run.column(WEAK)
    prior, codes = (t_interval(run.values(f"{z}_mass")[i, j]) for z in ("prior", "posterior"))
    return (
        f"At μ = {run.mu[i]:g} and β = {run.beta[j]:g} the mass is {value(prior)} with the prior "
        f"and {value(codes)} with the codes."
    )


def _against_theory(run: Run) -> str:
    if "linear_prior_mass" not in run.scores:
        return "not known"
    predicted = run.scores["linear_prior_mass"].transpose("mu", "beta").values
    kept = run.below() & (run.beta > 0) & (run.mu <= MOST)[:, None] & (predicted > LEAST)
    ratio = np.maximum(run.values("prior_mass")[kept], LEAST) / predicted[kept][:, None]
    return value(geometric_interval(np.log(ratio).mean(0)))
