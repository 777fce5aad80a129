"""What is asked of models, compared between strengths and objectives, after Holm's correction."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from biasvae_jax.statistics.bounded import share_interval
from biasvae_jax.statistics.intervals import Interval, t_interval
from biasvae_jax.statistics.multiple import holm, paired_p
from biasvae_jax.statistics.optimum import Better, chosen_by_others, optimum
from experiments.pages.tables import Cell, Content, Table
from experiments.pages.words import listed, value
from experiments.rare.asked import Asked

ALPHA = 0.05


class Question(NamedTuple):
    """What is asked of a run about what is rare in training."""

    label: str
    plain: str
    """Its name in tables for programs."""
    values: Callable[[Asked], np.ndarray]
    """`[bias, strength, seed]`."""
    better: Better
    interval: Callable[[np.ndarray], Interval]
    """Of answers over seeds."""


Questions = Mapping[str, Question]
Answers = Callable[[Asked], np.ndarray]


def questions(
    samples: tuple[str, str], share: Answers, told: tuple[str, str], rare: Callable
) -> Questions:
    """Return what is asked of every world: of the prior, the decoder and the code.

    `samples` and `told` are the label and the plain name of the first and the last; `share` is the
    first's answer, and `rare(asked, name)` the mean of another over what is rare.
    """

    def of(name: str) -> Answers:
        return lambda asked: rare(asked, name)

    drawn, encoded = ("drawn as such, best code", "drawn as such, encoder's code")
    return {
        "prior": Question(*samples, share, "higher", share_interval),
        "drawn": Question(drawn, "drawn_best_code", of("best_same"), "higher", share_interval),
        "encoded": Question(encoded, "drawn_encoded", of("encoded_same"), "higher", share_interval),
        "decoder": Question(
            "error, best code", "error_best_code", of("best_error"), "lower", t_interval
        ),
        "code": Question(*told, of("told_fair"), "higher", share_interval),
    }


class Line(NamedTuple):
    """A line of a table: a run's models of one bias."""

    labels: Sequence[Content]
    asked: Asked
    bias: float

    def values(self, question: Question) -> np.ndarray:
        """Return the answers, `[strength, seed]`."""
        return question.values(self.asked)[self.asked.row(self.bias)]

    def chosen(self, question: Question) -> np.ndarray:
        """Return each seed's answer at the strength that is best for the others, `[seed]`."""
        return chosen_by_others(self.values(question), question.better)

    def gain(self, question: Question) -> np.ndarray:
        """Return that minus the answer at the weakest strength, `[seed]`."""
        weakest = int(np.argmin(self.asked.run.beta))
        return self.chosen(question) - self.values(question)[weakest]


def corrected(differences: Sequence[np.ndarray]) -> np.ndarray:
    """Return Holm's p of differences `[seed]` from 0, over all of them."""
    return holm(paired_p(np.array(differences))) if len(differences) else np.zeros(0)


def cell(found: Interval, p: float, note: str = "") -> Cell:
    """Write an interval, bold where Holm's p is small."""
    text = f"**{value(found)}**" if p < ALPHA else value(found)
    behind = {"": found.mean, "_low": found.low, "_high": found.high, "_holm_p": p}
    return Cell(text + note, behind)


def gains_table(
    name: str, columns: Mapping[str, str], lines: Sequence[Line], questions: Questions
) -> Table:
    """Compare the best strength, chosen on the other seeds, with the weakest; it in brackets."""
    every = [(line, question) for line in lines for question in questions.values()]
    found = [line.gain(question) for line, question in every]
    cells = []
    for (line, question), gain, p in zip(every, found, corrected(found), strict=True):
        at = optimum(line.values(question), line.asked.run.beta, question.better).strength
        cells.append(cell(t_interval(gain), p, f" ({at:g})"))
    count = len(questions)
    rows = [
        [*line.labels, *cells[place * count : (place + 1) * count]]
        for place, line in enumerate(lines)
    ]
    return Table(name, {**columns, **labels(questions)}, rows)


def helped(lines: Sequence[Line], questions: Questions, what: str) -> str:
    """Say how often a strength above the weakest is better, after Holm, and on what."""
    every = [(line.gain(question), question) for line in lines for question in questions.values()]
    found = [
        question.label
        for (gain, question), p in zip(every, corrected([g for g, _ in every]), strict=True)
        if p < ALPHA and (np.nanmean(gain) > 0) == (question.better == "higher")
    ]
    on = f" ({listed(dict.fromkeys(found))})" if found else ""
    return f"{len(found)} of {len(every)} pairs of a question and {what}{on}"


def labels(questions: Questions) -> dict[str, str]:
    """Return the columns of questions."""
    return {each.label: each.plain for each in questions.values()}
