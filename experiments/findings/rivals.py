"""What else regularises: weight decay, narrower layers, noise on the input."""

from collections.abc import Callable, Mapping

import numpy as np

from biasvae_jax.statistics.intervals import Interval
from experiments.findings.evidence import WEAK
from experiments.findings.runs import RIVAL_SIZE, RIVALS
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Table

Measure = tuple[str, Callable[[Run], np.ndarray], Callable[[np.ndarray], Interval]]
"""Plain name, the score `[mu, beta, seed]` of a run, its interval over seeds."""


def rivals(runs: Runs) -> dict[str, Run]:
    """Return the runs of the rivals by their names for people, the one without any first."""
    plain = runs.get(f"n-{RIVAL_SIZE}")
    named = {} if plain is None else {"none": plain}
    return named | {_words(each): runs[each] for each in RIVALS if each in runs}


def rivals_table(name: str, runs: Runs, measures: Mapping[str, Measure]) -> Table:
    """Lay out some measures, by heading, at a weak β and at β = 1, for each rival and two μ."""
    rows = []
    for label, run in rivals(runs).items():
        found = {plain: measure(run) for plain, measure, _ in measures.values()}
        for mu in (0, 2):
            cells = [
                interval(found[plain][run.row(mu), run.column(beta)])
                for beta in (WEAK, 1)
                for plain, _, interval in measures.values()
            ]
            rows.append([label, mu, *cells])
    columns = {"regulariser": "regulariser", "μ": "mu"} | {
        f"β = {beta:g}: {heading}": f"{plain}_beta_{beta:g}"
        for beta in (WEAK, 1)
        for heading, (plain, *_) in measures.items()
    }
    return Table(name, columns, rows)


def _words(run: str) -> str:
    kind, strength = run.split("-")
    names = {"decay": "weight decay", "width": "hidden width", "noise": "input noise, sd"}
    return f"{names[kind]} {strength}"
