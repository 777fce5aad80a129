"""The tables of the page on rivers."""

from collections.abc import Mapping, Sequence

import numpy as np

from biasvae_jax.statistics.bounded import share_interval
from biasvae_jax.statistics.intervals import Interval, t_interval
from biasvae_jax.statistics.multiple import holm
from experiments.pages.ratios import geometric_interval
from experiments.pages.tables import Cell, Table, code
from experiments.pages.words import of
from experiments.rare.asked import Asked
from experiments.rare.comparing import ALPHA, Line, cell, corrected, gains_table, labels
from experiments.rare.left import LEFT, QUESTIONS, RIGHT, differing, mean_over, rate, share
from experiments.rare.runs import SIZE

FAIR, STRONG = 0.5, 0.9
FINITE, ENDLESS = f"rivers-{SIZE}", "rivers-endless"
RUN = {"objective": "objective", "images": "images"}
Runs = Mapping[str, Asked]


def lines(asked: Runs) -> dict[str, Line]:
    """Return the runs at p = .9, by name."""
    return {n: Line([code(a.objective), a.size], a, STRONG) for n, a in asked.items()}


def differences(asked: Runs) -> dict[tuple[str, str], tuple[np.ndarray, float]]:
    """Compare the rivals with the β-ELBO of as many images, by (run, question).

    Each at the strength that is best for the other seeds: the differences `[seed]`, and Holm's p.
    """
    every = lines(asked)
    found = {}
    for name in asked:
        if name not in (FINITE, ENDLESS):
            elbo = every[FINITE if asked[name].size == asked[FINITE].size else ENDLESS]
            for key, question in QUESTIONS.items():
                found[name, key] = every[name].chosen(question) - elbo.chosen(question)
    adjusted = corrected(list(found.values()))
    return {key: (apart, p) for (key, apart), p in zip(found.items(), adjusted, strict=True)}


def prior_table(asked: Runs) -> Table:
    """Count the models whose samples differ from their training images."""
    rows = []
    for each in asked.values():
        for p in map(float, each.run.mu):
            found, samples = holm(differing(each, p)), share(each)[each.row(p)]
            whole = int(np.isfinite(found).sum())
            counts = [
                int(((found < ALPHA) & side).sum())
                for side in (samples > rate(p), samples < rate(p))
            ]
            rows.append([
                code(each.objective), each.size, p, 100 * rate(p),
                _percent(samples.mean(0)),
                *(Cell(of(count, whole, "model"), {"": count}) for count in counts),
            ])  # fmt: skip
    columns = RUN | {
        "p": "probability",
        "training, %": "training_percent",
        "samples, %": "samples_percent",
        "more often than in training": "models_more",
        "more rarely": "models_fewer",
    }
    return Table("rivers_prior", columns, rows)


def _percent(shares: np.ndarray) -> Interval:
    found = share_interval(shares)
    return found._replace(**{end: 100 * getattr(found, end) for end in ("mean", "low", "high")})


def decoder_table(both: Sequence[Asked]) -> Table:
    """Compare errors of rivers that curve left with those that curve right, at β = 1."""
    rows = []
    for asked, p, at in _at_one(both):
        cells = []
        for by in ("best", "encoded"):
            left, right = (mean_over(asked, f"{by}_error", side)[at] for side in (LEFT, RIGHT))
            cells += [t_interval(left), geometric_interval(np.log(left / right))]
        rows.append([asked.size, p, *cells])
    columns = {
        "images": "images",
        "p": "probability",
        "error, best code": "error_best_code",
        "÷ right-curving": "ratio_best_code",
        "error, encoder's code": "error_encoded",
        "÷ right-curving ": "ratio_encoded",
    }
    return Table("rivers_decoder", columns, rows)


def code_table(both: Sequence[Asked]) -> Table:
    """Say what heads tell of the turns, at β = 1."""
    rows = []
    for asked, p, at in _at_one(both):
        told = [
            share_interval(mean_over(asked, f"told_{head}", side)[at])
            for head in ("fair", "biased")
            for side in (LEFT, RIGHT)
        ]
        rows.append([asked.size, p, t_interval(asked.values("recovered")[at].mean(-1)), *told])
    columns = {
        "images": "images",
        "p": "probability",
        "accuracy of a turn": "accuracy",
        "fair head, left": "fair_head_left",
        "right": "fair_head_right",
        "biased head, left": "biased_head_left",
        "right ": "biased_head_right",
    }
    return Table("rivers_code", columns, rows)


def _at_one(both: Sequence[Asked]):
    """Yield (asked, p, its models at β = 1)."""
    for asked in both:
        for p in map(float, asked.run.mu):
            yield asked, p, (asked.row(p), asked.column(1))


def objectives_table(asked: Runs) -> Table:
    """Show each objective at its best strength, beside the β-ELBO."""
    apart, rows = differences(asked), []
    for name, line in lines(asked).items():
        cells = [
            cell(
                question.interval(line.chosen(question)), apart.get((name, key), (None, np.nan))[1]
            )
            for key, question in QUESTIONS.items()
        ]
        rows.append([*line.labels, *cells])
    return Table("rivers_objectives", RUN | labels(QUESTIONS), rows)


def strengths_table(asked: Runs) -> Table:
    """Show what a stronger regularisation than the weakest gains."""
    every = [
        line._replace(labels=[*line.labels, float(line.asked.run.beta.min())])
        for line in lines(asked).values()
    ]
    return gains_table("rivers_strengths", RUN | {"weakest": "weakest"}, every, QUESTIONS)


def cells_table(asked: Runs) -> Table:
    """Show every strength at p = .9, with the rare event as the world itself reads it."""
    rows = []
    for line in lines(asked).values():
        answers = [(q.interval, line.values(q)) for q in QUESTIONS.values()]
        mass = line.asked.run.values("prior_mass")[line.asked.row(STRONG)]
        answers.append((t_interval, mass))
        rows += [
            [*line.labels, float(strength), *(interval(each[j]) for interval, each in answers)]
            for j, strength in enumerate(line.asked.run.beta)
        ]
    columns = RUN | {"strength": "strength"} | labels(QUESTIONS) | {"`prior_mass`": "prior_mass"}
    return Table("rivers_cells", columns, rows)
