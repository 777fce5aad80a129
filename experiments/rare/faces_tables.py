"""The tables of the page on faces."""

import numpy as np

from biasvae_jax.statistics.bounded import share_interval
from biasvae_jax.statistics.intervals import Interval, t_interval
from experiments.pages.ratios import geometric_interval
from experiments.pages.tables import Table
from experiments.rare.apart import (
    COMMON,
    QUESTIONS,
    RARE,
    contrast,
    mean_over,
    moved,
    rate,
    share,
)
from experiments.rare.asked import Asked
from experiments.rare.comparing import Line, gains_table

HEADS = {"fair": "fair", "biased": "as in training"}


def _cells(asked: Asked):
    """Yield (ρ, β, their places), by ρ."""
    for i, r in enumerate(asked.run.mu):
        for j, b in enumerate(asked.run.beta):
            yield [float(r), float(b)], (i, j)


def decoder_table(asked: Asked) -> Table:
    """Return the error of rare faces, and how many are drawn as what they are."""
    logs = {}
    for code in ("best", "encoded"):
        rare, common = (mean_over(asked, f"{code}_error", c) for c in (RARE, COMMON))
        logs[code] = np.log(rare / common)
    fair = asked.row(0)
    rows = [
        [
            *names,
            t_interval(mean_over(asked, "best_error")[at]),
            geometric_interval(logs["best"][at] - logs["best"][fair, at[1]]),
            geometric_interval(logs["encoded"][at] - logs["encoded"][fair, at[1]]),
            share_interval(mean_over(asked, "best_same")[at]),
            share_interval(mean_over(asked, "encoded_same")[at]),
        ]
        for names, at in _cells(asked)
    ]
    columns = {
        "ρ": "rho",
        "β": "beta",
        "error, best code": "error_best_code",
        "÷ common, over ρ = 0": "ratio_of_ratios_best_code",
        "encoder's, likewise": "ratio_of_ratios_encoded",
        "drawn as such, best code": "drawn_best_code",
        "encoder's code": "drawn_encoded",
    }
    return Table("faces_decoder", columns, rows)


def contrast_table(asked: Asked) -> Table:
    """Return how far rare faces differ in hair and skin, over how far common ones do."""
    pairs = {
        f"{code}_{k}": contrast(asked, code, k) for code in ("best", "encoded") for k in (0, 1)
    }
    rows = [[*names, *(t_interval(v[at]) for v in pairs.values())] for names, at in _cells(asked)]
    columns = {
        "ρ": "rho",
        "β": "beta",
        "hair, best code": "hair_best_code",
        "skin, best code": "skin_best_code",
        "hair, encoder's code": "hair_encoded",
        "skin, encoder's code": "skin_encoded",
    }
    return Table("faces_contrast", columns, rows)


def code_table(asked: Asked) -> Table:
    """Return what heads read from the code."""
    recovered = asked.values("recovered")
    rows = [
        [
            *names,
            *(t_interval(recovered[at][:, k]) for k in (0, 1)),
            *(share_interval(mean_over(asked, f"told_{head}")[at]) for head in HEADS),
        ]
        for names, at in _cells(asked)
    ]
    columns = {
        "ρ": "rho",
        "β": "beta",
        "hair, accuracy": "hair_accuracy",
        "skin, R²": "skin_r2",
        "told, fair head": "told_fair_head",
        "told, head as in training": "told_biased_head",
    }
    return Table("faces_code", columns, rows)


def moved_table(asked: Asked) -> Table:
    """Return how far hair and skin move with one another."""
    rows = [
        [
            HEADS[head],
            *names,
            *(
                t_interval(moved(asked, *pair, head)[at])
                for pair in ((0, 0), (0, 1), (1, 1), (1, 0))
            ),
        ]
        for head in HEADS
        for names, at in _cells(asked)
    ]
    columns = {
        "head": "head",
        "ρ": "rho",
        "β": "beta",
        "hair moved: hair": "hair_by_hair",
        "skin": "skin_by_hair",
        "skin moved: skin": "skin_by_skin",
        "hair": "hair_by_skin",
    }
    return Table("faces_moved", columns, rows)


def prior_table(asked: Asked) -> Table:
    """Return how often samples show a rare combination, and their mean skin."""
    found, drawn = share(asked), asked.values("prior_numbers")
    rows = []
    for names, at in _cells(asked):
        known = rate(names[0])
        over = t_interval(found[at] / known) if known > 1e-6 else _none(found[at])
        skin = (t_interval(drawn[at][:, k, 1]) for k in RARE)
        rows.append([*names, 100 * known, t_interval(100 * found[at]), over, *skin])
    columns = {
        "ρ": "rho",
        "β": "beta",
        "training, %": "training_percent",
        "samples, %": "samples_percent",
        "samples ÷ training": "mass",
        "skin of the dark-haired": "skin_of_dark_haired",
        "skin of the blond": "skin_of_blond",
    }
    return Table("faces_prior", columns, rows)


def _none(like: np.ndarray) -> Interval:
    return t_interval(np.full_like(like, np.nan))


def strengths_table(asked: Asked) -> Table:
    """Return what the best β gains over the weakest."""
    return gains_table("faces_strengths", {"ρ": "rho"}, lines(asked), QUESTIONS)


def lines(asked: Asked) -> list[Line]:
    """Return the lines of the table of strengths, by ρ."""
    return [Line([float(rho)], asked, float(rho)) for rho in asked.run.mu]
