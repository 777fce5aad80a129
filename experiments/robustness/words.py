"""What the page says in words, by what was found."""

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.pages.run import Runs
from experiments.pages.words import listed, of
from experiments.robustness.effects import (
    BETTER,
    CODE_Q,
    DECODER_Q,
    FAIR,
    GAP_Q,
    MEAN_Q,
    PRIOR_Q,
    STEPS,
    Effect,
    Question,
)
from experiments.robustness.runs import BIASES, FAIR_RUN, OBJECTIVES, PLAIN, PLAIN_STRENGTH, SIZES
from experiments.robustness.runs import name as run_name
from experiments.robustness.sizes import by_size, data

IN_WORDS = {
    "shift": "all squares lighter: latents have the mean 2",
    "scale": "less variety: latents have a quarter of their deviation",
    "truncate": "nothing above the 30 % quantile of each latent occurs",
    "correlate": "the first square's latent has the correlation 0.9 with every other's",
    "mixture": "three quarters of the images have all squares light",
    "missing": "no image has both the first two squares in their upper half",
}

IN_SHORT = {
    "code": "Code",
    "mean": "Code without its noise",
    "decoder": "Decoder",
    "prior": "Prior",
}

ASKED_FIRST = (CODE_Q, MEAN_Q, DECODER_Q, PRIOR_Q)


def answer(found: list[Effect]) -> str:
    """Answer the page's question in a few sentences."""
    return (
        f"**{' '.join(_everywhere(images, some) for images, some in by_size(found))}**"
        f"{_weaker(found)} An objective counts as better where its best strength, chosen on other "
        "seeds, is surely better than the plain VAE (the β-ELBO at β = 1)."
    )


def _everywhere(images: int | None, found: list[Effect]) -> str:
    """Say which objectives help under every bias, and for what."""
    kept = {
        question: [
            f"`{objective}` (at {_strengths(asked)})"
            for objective, asked in _surviving(found, question)
        ]
        for question in ASKED_FIRST
    }
    named = [
        f"{listed(names)} for the {IN_SHORT[q.name].lower()}" for q, names in kept.items() if names
    ]
    return (
        f"With {data(images)}, better than the plain VAE under every kind of bias: "
        f"{'; '.join(named) if named else 'none, for any question'}."
    )


def _surviving(found: list[Effect], question: Question) -> Iterator[tuple[str, list[Effect]]]:
    for objective in OBJECTIVES:
        asked = biased(found, question, objective)
        if asked and all(e.verdict == BETTER for e in asked):
            yield objective, asked


def _weaker(found: list[Effect]) -> str:
    """Say so where every β that survives is below the plain VAE's."""
    strengths = [
        e.strength
        for _, some in by_size(found)
        for question in ASKED_FIRST
        for objective, asked in _surviving(some, question)
        if OBJECTIVES[objective][0] == OBJECTIVES[PLAIN][0]
        for e in asked
    ]
    if not strengths or max(strengths) >= PLAIN_STRENGTH:
        return ""
    return f" Each β among them is below {PLAIN_STRENGTH:g}: less regularisation, not more."


def _strengths(effects: Sequence[Effect]) -> str:
    least, most = min(e.strength for e in effects), max(e.strength for e in effects)
    return f"{least:,g}" if least == most else f"{least:,g} to {most:,g}"


def in_short(found: list[Effect]) -> str:
    """Say for each question which objectives are better than the plain VAE, by amount of data."""
    lines = []
    for question in ASKED_FIRST:
        lines.append(f"- {IN_SHORT[question.name]}: better than the plain VAE is")
        lines += [
            f"    - with {data(images)}: {_gainers(some, question)}."
            for images, some in by_size(found)
        ]
    return "\n".join(lines)


def _gainers(found: list[Effect], question: Question) -> str:
    """Say which objectives are better than the plain VAE, at how many biases and strengths."""
    words = []
    for objective in OBJECTIVES:
        asked = biased(found, question, objective)
        gained = [e for e in asked if e.verdict == BETTER]
        if gained:
            kinds = of(len(gained), len(asked), "kind")
            words.append(f"`{objective}` at {kinds} of bias (at strength {_strengths(gained)})")
    return listed(words, "no objective")


def design(runs: Runs) -> str:
    """Say what was trained, and what the biases are."""
    study = next(iter(runs.values())).study
    given = {run.study.training.training_images for run in runs.values()}
    amounts = listed(data(images) for images in SIZES if images in given)
    biases = "\n".join(
        f"- `{kind}`: {IN_WORDS[kind]}" for kind in BIASES if any(f"-{kind}-" in n for n in runs)
    )
    return (
        f"Seven objectives, each over five strengths of its own, are trained under six kinds of "
        f"bias and without one, with {amounts}, {study.seeds} seeds each, for "
        f"{study.training.steps:,} steps. Strengths are chosen on the other seeds, so that no "
        "seed is judged by a choice it had a say in. The *plain VAE* is the β-ELBO at β = 1. The "
        "images are those of the original study with squares of "
        f"{study.world.m}×{study.world.m} pixels in place of 7×7, and less noise a "  # type: ignore[attr-defined]
        "pixel, so that a square is as clear as there. The biases:\n\n" + biases
    )


def capacity(runs: Runs) -> str:
    """Say what becomes of `capacity` at the KL that the plain VAE has."""
    plain, held = (runs.get(run_name(o, FAIR_RUN, 1_000)) for o in (PLAIN, "capacity"))
    if plain is None or held is None:
        return ""
    term = lambda run, name, place: float(np.nanmean(run.values(name)[0, place]))  # noqa: E731
    one = plain.column(PLAIN_STRENGTH)
    kl = term(plain, "kl", one)
    near = held.column(kl)
    return (
        "`capacity` is far behind. Without a bias, of 1,000 images, the plain VAE's KL is "
        f"{kl:.1f} nats and its reconstruction term {term(plain, 'reconstruction', one):.1f}; at "
        f"C = {held.beta[near]:g} its KL is {term(held, 'kl', near):.1f} and its reconstruction "
        f"term {term(held, 'reconstruction', near):.1f}. So it holds the KL where it is told to, "
        "with latents that say little: at γ = 1,000 the penalty sets the size of Adam's steps. "
        "Burgess et al. 2018 train many times longer."
    )


def beyond(asked: list[Effect], question: Question) -> str:
    """Say whether gains are due to the bias, by the gain on fair data."""
    gained = [e for e in asked if e.verdict == BETTER and np.isfinite(e.beyond_fair.mean)]
    if not gained:
        return ""
    more = sum(float(e.beyond_fair.low) > 0 for e in gained)
    less = sum(float(e.beyond_fair.high) < 0 for e in gained)
    return (
        f"Is it the bias that it helps against? Of the {len(gained)} gains under a bias {more} are "
        f"larger than the same objective's gain on fair data, {less} smaller, the others not told "
        "apart."
    )


def judged() -> str:
    """Say what marks and verdicts mean, and what was not tried."""
    return (
        "In brackets is the strength that most seeds get; ! marks the end of a grid, beyond which "
        "the best may lie. Bold is better than the plain VAE and italic worse, by Student's t "
        "over paired seeds at 5 % after Holm's correction for all tests of a question. = is the "
        "same: two one-sided tests exclude a gain or a loss of "
        f"{CODE_Q.margin:g} in R², a tenth of an error or of a factor, {GAP_Q.margin:g} nat. The "
        f"rest is open. *{STEPS.capitalize()}*, asked of limited data, is the plain VAE stopped "
        "after a number of steps chosen as strengths are (in brackets, its steps): the rival of "
        "every regularisation. CSVs have gains in the unit of the question (R², the logarithm of a "
        "ratio, nats), intervals, seeds that agree, and gains beyond those on "
        "fair data.\n\n"
        "Limits: one network, one learning rate, one severe strength of each bias. "
        "Except for the β-ELBO, the mixture and the autoencoder an objective's own term "
        "is added to a KL of weight 1, and not tried with a weaker one. An objective that is "
        "best at the strength that makes it the plain VAE is the same by choice."
    )


def biased(found: Sequence[Effect], question: Question, objective: str) -> list[Effect]:
    """Return the effects of an objective for a question, without that on fair data."""
    return [
        e for e in found if (e.question, e.objective) == (question, objective) and e.bias != FAIR
    ]
