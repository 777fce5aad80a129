"""What each objective does under each bias, beside the plain VAE and beside the best β."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from biasvae_jax.statistics.equivalence import EQUIVALENT, equivalence
from biasvae_jax.statistics.intervals import Interval, t_interval
from biasvae_jax.statistics.multiple import holm, paired_p
from biasvae_jax.statistics.optimum import at_choice, choice_of_others
from experiments.findings.evidence import CODE, DECODER, log_mass
from experiments.pages.run import Run, Runs
from experiments.robustness.runs import (
    BIASES,
    FAIR_RUN,
    OBJECTIVES,
    PLAIN,
    PLAIN_STRENGTH,
    SIZES,
    name,
)

BETTER, WORSE, SAME, OPEN = "better", "worse", "the same", "open"
ALPHA = 0.05
FAIR = "fair"
STEPS = "fewer steps"
RARE = 0.25  # probability below which the dark square counts as rare
LOG_TENTH = float(np.log(1.1))


class Question(NamedTuple):
    """What is asked of a model, as a number of which more is better."""

    name: str
    title: str
    unit: str
    margin: float
    """A gain below it does not matter."""
    course: str
    """The same in the time course, "" if it has none."""


CODE_Q = Question("code", "The code: R² of the true variables", "R²", 0.01, CODE)
MEAN_Q = Question("mean", "The code without its noise: R² of the posterior's mean", "R²", 0.01, "")
DECODER_Q = Question(
    "decoder", "The decoder: error on fair test images", "ln", LOG_TENTH, "generation_mse_exact"
)
PRIOR_Q = Question("prior", "The prior: probability of the rare dark square", "ln", LOG_TENTH, "")
GAP_Q = Question("gap", "The gap between unseen and training images", "nats", 1.0, "")
QUESTIONS = (CODE_Q, MEAN_Q, DECODER_Q, PRIOR_Q, GAP_Q)
PENALTY = "capacity"  # its loss is mostly γ·|KL − C|, whose gap says nothing


class Effect(NamedTuple):
    """An objective at its best strength, chosen for each seed on the others, beside two rivals."""

    question: Question
    objective: str
    bias: str
    images: int | None
    strength: float
    """The one that most seeds get."""
    edge: bool
    """Whether it is at an end of the grid."""
    gain: Interval
    """Over the plain VAE, above 0 is better; in the unit of the question."""
    seeds_better: int
    verdict: str
    beyond_beta: Interval
    """Over the β-ELBO at its own best β; NaN for itself."""
    beta_verdict: str
    beyond_fair: Interval
    """The gain minus that without a bias: above 0 where it is the bias that it helps against."""


class _Raw(NamedTuple):
    key: tuple[Question, str, str, int | None]
    strength: float
    edge: bool
    gain: np.ndarray
    beyond_beta: np.ndarray


def effects(runs: Runs) -> list[Effect]:
    """Return every effect; verdicts count all objectives, biases and sizes of a question."""
    found = []
    for question in QUESTIONS:
        raw = list(_raw(runs, question))
        fair = {r.key[1::2]: r.gain for r in raw if r.key[2] == FAIR}
        verdicts = _verdicts([r.gain for r in raw], question.margin)
        beside = _verdicts([r.beyond_beta for r in raw], question.margin)
        for each, verdict, other in zip(raw, verdicts, beside, strict=True):
            _, objective, bias, images = each.key
            without = fair.get((objective, images), np.nan)
            beyond = each.gain - without if bias != FAIR else np.full_like(each.gain, np.nan)
            found.append(
                Effect(
                    *each.key,
                    each.strength,
                    each.edge,
                    t_interval(each.gain),
                    int((each.gain > 0).sum()),
                    verdict,
                    t_interval(each.beyond_beta),
                    other,
                    t_interval(beyond),
                )
            )
    return found


def scores(run: Run, question: Question) -> np.ndarray:
    """Return what is asked, more is better: `[bias, strength, seed]`."""
    if question is CODE_Q:
        return run.values(CODE)
    if question is MEAN_Q:
        return run.values("recovery_r2_mean")
    if question is DECODER_Q:
        return -np.log(run.values(DECODER))
    if question is PRIOR_Q:
        return -log_mass(run)
    return -run.values("generalisation_gap")


def _raw(runs: Runs, question: Question) -> Iterator[_Raw]:
    """Yield the paired gains of each objective under each bias, `[seed]`."""
    for images in SIZES:
        if question is GAP_Q and images is None:
            continue
        for bias, run_of, row in biases_of(runs, images):
            plain_run = runs.get(name(PLAIN, run_of, images))
            if plain_run is None or not _asked(plain_run, question, row):
                continue
            judged = scores(plain_run, question)[row]
            plain = judged[plain_run.column(PLAIN_STRENGTH)]
            best_beta = _chosen(plain_run, question, row)[0]
            for objective in OBJECTIVES:
                run = runs.get(name(objective, run_of, images))
                if run is None or (question is GAP_Q and objective == PENALTY):
                    continue
                own, strength, edge = _chosen(run, question, row)
                beside = own - best_beta if objective != PLAIN else np.full_like(own, np.nan)
                key = question, objective, bias, images
                yield _Raw(key, strength, edge, own - plain, beside)
            if question.course and images:
                key = question, STEPS, bias, images
                yield _fewer_steps(plain_run, question, row, key, best_beta - plain)


def biases_of(runs: Runs, images: int | None) -> Iterator[tuple[str, str, int]]:
    """Yield each bias, the kind of the runs that have it, and its row there; fair data first."""
    if name(PLAIN, FAIR_RUN, images) in runs:
        yield FAIR, FAIR_RUN, 0
    for bias in BIASES:
        if name(PLAIN, bias, images) in runs:
            yield bias, bias, 1 if bias == FAIR_RUN else 0


def _asked(run: Run, question: Question, row: int) -> bool:
    """Tell whether a question has a meaning: the prior's, only where the event is rare."""
    if question is not PRIOR_Q:
        return True
    known = run.study.world.event_probability(run.study.bias, float(run.mu[row]))  # type: ignore[attr-defined]
    return known is not None and 0 < known < RARE


def _chosen(run: Run, question: Question, row: int) -> tuple[np.ndarray, float, bool]:
    """Return each seed's value at the strength that the others choose, that strength, its place.

    The gap is taken where the decoder is best: alone it asks for a model that learns nothing.
    """
    asked = scores(run, DECODER_Q if question is GAP_Q else question)[row]
    choice, most = _choice(asked)
    own = at_choice(scores(run, question)[row], choice)
    return own, float(run.beta[most]), most in (0, len(run.beta) - 1)


def _choice(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Return each seed's choice by the others, `[seed]`, and the place that most seeds get."""
    choice = choice_of_others(values, "higher")
    return choice, int(np.bincount(choice[choice >= 0], minlength=1).argmax())


def _fewer_steps(run: Run, question: Question, row: int, key: tuple, best: np.ndarray) -> _Raw:
    """The plain VAE after the number of steps that the other seeds choose, beside all steps."""
    course = run.course(question.course)[row, run.column(PLAIN_STRENGTH)].T  # [snapshot, seed]
    values = course if question is CODE_Q else -np.log(course)
    choice, most = _choice(values)
    gain = at_choice(values, choice) - values[-1]
    return _Raw(key, float(run.snapshots[most]), most == len(values) - 1, gain, gain - best)


def _verdicts(differences: list[np.ndarray], margin: float) -> list[str]:
    """Judge paired differences: the same to within the margin, else by Holm's adjusted p."""
    if not differences:
        return []
    stacked = np.stack(differences)
    p = holm(paired_p(stacked))
    same = np.asarray(equivalence(stacked, margin).verdict) == EQUIVALENT
    up = np.asarray(t_interval(stacked).mean) > 0
    told = [(SAME, BETTER if u else WORSE, OPEN)[0 if s else 1 if q < ALPHA else 2]
            for s, q, u in zip(same, p, up, strict=True)]  # fmt: skip
    return ["" if not np.isfinite(q) else word for q, word in zip(p, told, strict=True)]
