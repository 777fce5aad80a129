"""The tables of the page."""

from collections.abc import Callable

import numpy as np

from experiments.pages.tables import Cell, Table, code
from experiments.pages.words import NONE
from experiments.robustness.effects import (
    BETTER,
    CODE_Q,
    FAIR,
    MEAN_Q,
    OPEN,
    SAME,
    STEPS,
    WORSE,
    Effect,
    Question,
)
from experiments.robustness.runs import OBJECTIVES
from experiments.robustness.words import ASKED_FIRST, IN_SHORT, biased

MARKS = {BETTER: "**", WORSE: "*", SAME: "", OPEN: "", "": ""}


def summary_table(found: list[Effect], name: str, verdict: Callable[[Effect], str]) -> Table:
    """Count verdicts over the kinds of bias, by objective and question."""
    rows = [
        [
            objective if objective == STEPS else code(objective),
            *(_counts([verdict(e) for e in biased(found, q, objective)]) for q in ASKED_FIRST),
        ]
        for objective in (*OBJECTIVES, STEPS)
    ]
    columns = {IN_SHORT[q.name].lower(): q.name for q in ASKED_FIRST}
    return Table(name, {"objective": "objective", **columns}, rows)


def _counts(verdicts: list[str]) -> Cell:
    counts = {word: verdicts.count(word) for word in (BETTER, WORSE, SAME, OPEN)}
    if not sum(counts.values()):
        return Cell(NONE, {f"_{w.replace(' ', '_')}": float("nan") for w in counts})
    text = "/".join(f"{counts[w]}" for w in (BETTER, WORSE, SAME))
    return Cell(f"{text} of {sum(counts.values())}", {
        f"_{word.replace(' ', '_')}": n for word, n in counts.items()
    })  # fmt: skip


def effects_table(question: Question, images: int | None, some: list[Effect]) -> Table:
    """Return the effects of a question, by objective and bias."""
    biases = list(dict.fromkeys(e.bias for e in some))
    rows = []
    for objective in dict.fromkeys(e.objective for e in some):
        of_bias = {e.bias: e for e in some if e.objective == objective}
        label = objective if objective == STEPS else code(objective)
        rows.append([label, *(_cell(of_bias.get(bias)) for bias in biases)])
    columns = {"objective": "objective"} | {f"`{b}`" if b != FAIR else b: b for b in biases}
    return Table(f"robustness_{question.name}_{images or 'endless'}", columns, rows)


def _cell(effect: Effect | None) -> Cell:
    """Write an effect: the gain, set bold if better and italic if worse, and the best strength."""
    if effect is None or not np.isfinite(effect.gain.mean):
        return Cell(NONE, {"": float("nan")})
    ratio = effect.question.unit == "ln"
    shown = float(np.exp(-effect.gain.mean)) if ratio else float(effect.gain.mean)
    places = "+.3f" if effect.question in (CODE_Q, MEAN_Q) else "+.1f"
    text = format(shown, ".2f" if ratio else places)
    mark, same = MARKS[effect.verdict], " =" if effect.verdict == SAME else ""
    at = f"{effect.strength:,g}" + ("" if effect.objective == STEPS or not effect.edge else "!")
    return Cell(
        f"{mark}{text.replace('-', '−')}{mark}{same} ({at})",
        {
            "_gain": effect.gain.mean, "_gain_low": effect.gain.low, "_gain_high": effect.gain.high,
            "_seeds_better": effect.seeds_better, "_seeds": int(effect.gain.seeds),
            "_verdict": effect.verdict, "_strength": effect.strength,
            "_beyond_best_beta": effect.beyond_beta.mean,
            "_beyond_best_beta_low": effect.beyond_beta.low,
            "_beyond_best_beta_high": effect.beyond_beta.high,
            "_beyond_best_beta_verdict": effect.beta_verdict,
            "_beyond_fair": effect.beyond_fair.mean, "_beyond_fair_low": effect.beyond_fair.low,
            "_beyond_fair_high": effect.beyond_fair.high,
        },
    )  # fmt: skip
