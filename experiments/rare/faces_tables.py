"""The tables of the page on faces."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from biasvae_jax.statistics.bounded import share_interval
from biasvae_jax.statistics.intervals import Interval, t_interval
from experiments.pages.ratios import geometric_interval
from experiments.pages.tables import Content, Table
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

CELL = {"ρ": "rho", "β": "beta"}
HEADS = {"fair": "fair", "biased": "as in training"}


def _places(asked: Asked) -> Iterator[tuple[float, float, tuple[int, int]]]:
    """Yield (ρ, β, their places), by ρ."""
    for i, rho in enumerate(asked.run.mu):
        for j, beta in enumerate(asked.run.beta):
            yield float(rho), float(beta), (i, j)


def _table(asked: Asked, name: str, columns: Mapping[str, str], cells: Callable) -> Table:
    """Lay out the `cells` of each ρ and β, given their places."""
    rows = [[rho, beta, *cells(at)] for rho, beta, at in _places(asked)]
    return Table(name, {**CELL, **columns}, rows)


def decoder_table(asked: Asked) -> Table:
    """Return the error of rare faces, and how many are drawn as what they are."""
    logs = {}
    for code in ("best", "encoded"):
        rare, common = (mean_over(asked, f"{code}_error", c) for c in (RARE, COMMON))
        logs[code] = np.log(rare / common)
    fair = asked.row(0)
    columns = {
        "error, best code": "error_best_code",
        "÷ common, over ρ = 0": "ratio_of_ratios_best_code",
        "encoder's, likewise": "ratio_of_ratios_encoded",
        "drawn as such, best code": "drawn_best_code",
        "encoder's code": "drawn_encoded",
    }
    return _table(asked, "faces_decoder", columns, lambda at: [
        t_interval(mean_over(asked, "best_error")[at]),
        *(geometric_interval(each[at] - each[fair, at[1]]) for each in logs.values()),
        *(share_interval(mean_over(asked, f"{code}_same")[at]) for code in logs),
    ])  # fmt: skip


def contrast_table(asked: Asked) -> Table:
    """Return how far rare faces differ in hair and skin, over how far common ones do."""
    found = [contrast(asked, code, k) for code in ("best", "encoded") for k in (0, 1)]
    columns = {
        "hair, best code": "hair_best_code",
        "skin, best code": "skin_best_code",
        "hair, encoder's code": "hair_encoded",
        "skin, encoder's code": "skin_encoded",
    }
    cells = lambda at: [t_interval(each[at]) for each in found]  # noqa: E731
    return _table(asked, "faces_contrast", columns, cells)


def code_table(asked: Asked) -> Table:
    """Return what heads read from the code."""
    recovered = asked.values("recovered")
    columns = {
        "hair, accuracy": "hair_accuracy",
        "skin, R²": "skin_r2",
        "told, fair head": "told_fair_head",
        "told, head as in training": "told_biased_head",
    }
    return _table(asked, "faces_code", columns, lambda at: [
        *(t_interval(recovered[at][:, k]) for k in (0, 1)),
        *(share_interval(mean_over(asked, f"told_{head}")[at]) for head in HEADS),
    ])  # fmt: skip


def moved_table(asked: Asked) -> Table:
    """Return how far hair and skin move with one another."""
    pairs = (0, 0), (0, 1), (1, 1), (1, 0)
    rows = [
        [label, rho, beta, *(t_interval(moved(asked, *pair, head)[at]) for pair in pairs)]
        for head, label in HEADS.items()
        for rho, beta, at in _places(asked)
    ]
    columns = {
        "head": "head",
        **CELL,
        "hair moved: hair": "hair_by_hair",
        "skin": "skin_by_hair",
        "skin moved: skin": "skin_by_skin",
        "hair": "hair_by_skin",
    }
    return Table("faces_moved", columns, rows)


def prior_table(asked: Asked) -> Table:
    """Return how often samples show a rare combination, and their mean skin."""
    found, drawn = share(asked), asked.values("prior_numbers")
    columns = {
        "training, %": "training_percent",
        "samples, %": "samples_percent",
        "samples ÷ training": "mass",
        "skin of the dark-haired": "skin_of_dark_haired",
        "skin of the blond": "skin_of_blond",
    }

    def cells(at: tuple[int, int]) -> list[Content]:
        known = rate(float(asked.run.mu[at[0]]))
        over = t_interval(found[at] / known) if known > 1e-6 else _none(found[at])
        skin = (t_interval(drawn[at][:, k, 1]) for k in RARE)
        return [100 * known, t_interval(100 * found[at]), over, *skin]

    return _table(asked, "faces_prior", columns, cells)


def _none(like: np.ndarray) -> Interval:
    return t_interval(np.full_like(like, np.nan))


def strengths_table(asked: Asked) -> Table:
    """Return what the best β gains over the weakest."""
    return gains_table("faces_strengths", {"ρ": "rho"}, lines(asked), QUESTIONS)


def lines(asked: Asked) -> list[Line]:
    """Return the lines of the table of strengths, by ρ."""
    return [Line([float(rho)], asked, float(rho)) for rho in asked.run.mu]
