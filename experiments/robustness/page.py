"""`docs/robustness.md`: which regularisation survives which bias."""

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.pages.documents import Page, Part, Picture
from experiments.pages.run import Runs
from experiments.pages.tables import Cell, Table, code, fixed
from experiments.pages.words import NONE, listed, of
from experiments.robustness.effects import (
    BETTER,
    CODE_Q,
    DECODER_Q,
    FAIR,
    GAP_Q,
    OPEN,
    PRIOR_Q,
    QUESTIONS,
    SAME,
    STEPS,
    WORSE,
    Effect,
    Question,
    effects,
)
from experiments.robustness.figure import maps
from experiments.robustness.runs import BIASES, OBJECTIVES, PLAIN, RUNS
from experiments.robustness.shares import shares_table

COMMAND = "python -m experiments.robustness"
IN_WORDS = {
    "shift": "all squares lighter: latents have the mean 2",
    "scale": "less variety: latents have a quarter of their deviation",
    "truncate": "nothing above the 30 % quantile of each latent occurs",
    "correlate": "the first square's latent has the correlation 0.9 with every other's",
    "mixture": "three quarters of the images have all squares light",
    "missing": "no image has both the first two squares in their upper half",
}
ASKED = {
    "code": "How much of the true variables' variance is a linear map of the code, on fair test "
    "images (R², 1 is all)? Gains are differences of R².",
    "decoder": "How far are decoded true variables from fair test images (mean squared error a "
    "pixel)? Given are errors over the plain VAE's: below 1 is better.",
    "prior": "Where the bias makes dark squares rare: how far is their probability in samples "
    "from that in training images, |ln ratio|? Given is the factor by which it is off, over the "
    "plain VAE's: below 1 is better.",
    "gap": "How much lower is the loss on training images than on unseen ones, nats an image, at "
    "the strength that is best for the decoder? Gains are the plain VAE's gap minus theirs.",
}
SHARES = (
    "Locatello et al. 2019 found that the seed and the strength make scores differ more than the "
    "objective does. Here are the shares of the variance over all models of a bias: of the "
    "objectives' means, of the strengths' around their objective's, and of the seeds around their "
    "strength's. They depend on the grids of strengths, and seeds share their data here, as theirs "
    "do not."
)
MARKS = {BETTER: "**", WORSE: "*", SAME: "", OPEN: "", "": ""}


def page(runs: Runs, commands: Mapping[str, str]) -> Page:
    """Write the page."""
    found = effects(runs)
    return Page(
        "robustness",
        "Which regularisation survives which bias?",
        _answer(found),
        [
            _design(runs),
            Picture(
                "robustness",
                "Gain over the plain VAE of each objective under each bias",
                lambda: maps(found),
                "Gain over the plain VAE: yellow is better, +, − and = where it is surely better, "
                "worse, or the same to within the margin. Each panel has its own scale.",
            ),
            "## In short",
            "Of the kinds of bias: at how many an "
            "objective at its best strength is better than the plain VAE / worse / the same, the "
            "rest being open; and the same beside the β-VAE at *its* best β.",
            _summary(found),
            *(part for q in QUESTIONS for part in _section(found, q)),
            "## Does the objective matter, or the seed?",
            SHARES,
            shares_table(runs),
            "## How it was judged",
            _judged(),
            "## Commands and times",
            _commands(runs, commands),
        ],
    )


def _biased(found: Sequence[Effect], question: Question, objective: str) -> list[Effect]:
    return [
        e for e in found if (e.question, e.objective) == (question, objective) and e.bias != FAIR
    ]


def _answer(found: list[Effect]) -> str:
    words = []
    for question in (CODE_Q, DECODER_Q, PRIOR_Q):
        biased = [
            e for e in found
            if e.question is question and e.bias != FAIR and e.objective != STEPS
        ]  # fmt: skip
        pairs = {(e.bias, e.images) for e in biased}
        better = {(e.bias, e.images) for e in biased if e.verdict == BETTER}
        beyond = {(e.bias, e.images) for e in biased if e.beta_verdict == BETTER}
        best = _most(biased)
        words.append(
            f"**{question.name.capitalize()}**: some objective is better than the plain VAE at "
            f"{of(len(better), len(pairs), 'kind')} of bias"
            + (f", most often {best}" if best else "")
            + f"; better than the best β at {len(beyond)}."
        )
    return " ".join(words)


def _most(biased: list[Effect]) -> str:
    """Name the objectives that are better most often, and at how many pairs."""
    counts = {o: sum(e.objective == o and e.verdict == BETTER for e in biased) for o in OBJECTIVES}
    most = max(counts.values(), default=0)
    names = listed(f"`{o}`" for o, n in counts.items() if n == most)
    return f"{names} (at {most})" if most else ""


def _design(runs: Runs) -> str:
    study = next(iter(runs.values())).study
    sizes = sorted({r.study.training.training_images or 0 for r in runs.values()})
    data = listed(f"{n:,} training images" if n else "endless data" for n in sizes)
    biases = "\n".join(
        f"- `{kind}`: {IN_WORDS[kind]}" for kind in BIASES if any(f"-{kind}-" in n for n in runs)
    )
    return (
        f"Seven objectives, each over five strengths of its own, are trained under six kinds of "
        f"bias and without one, with {data}, {study.seeds} seeds each, for "
        f"{study.training.steps:,} steps. Strengths are chosen on the other seeds, so that no "
        "seed is judged by a choice it had a say in. The *plain VAE* is the β-ELBO at β = 1. The "
        "images are those of the original study with squares of "
        f"{study.world.m}×{study.world.m} pixels in place of 7×7, and less noise a "  # type: ignore[attr-defined]
        "pixel, so that a square is as clear as there. The biases:\n\n" + biases
    )


def _summary(found: list[Effect]) -> Table:
    rows = []
    for objective in (*OBJECTIVES, STEPS):
        row: list = [objective if objective == STEPS else code(objective)]
        for question in (CODE_Q, DECODER_Q, PRIOR_Q):
            biased = _biased(found, question, objective)
            row += [_counts([e.verdict for e in biased])]
            row += [_counts([e.beta_verdict for e in biased])]
        rows.append(row)
    columns = {"objective": "objective"}
    for question in (CODE_Q, DECODER_Q, PRIOR_Q):
        columns[f"{question.name}: beside the plain VAE"] = f"{question.name}_plain"
        columns[f"{question.name}: beside the best β"] = f"{question.name}_best_beta"
    return Table("robustness_summary", columns, rows)


def _counts(verdicts: list[str]) -> Cell:
    counts = {word: verdicts.count(word) for word in (BETTER, WORSE, SAME, OPEN)}
    if not sum(counts.values()):
        return Cell(NONE, {f"_{w.replace(' ', '_')}": float("nan") for w in counts})
    text = "/".join(f"{counts[w]}" for w in (BETTER, WORSE, SAME))
    return Cell(f"{text} of {sum(counts.values())}", {
        f"_{word.replace(' ', '_')}": n for word, n in counts.items()
    })  # fmt: skip


def _section(found: list[Effect], question: Question) -> list[Part]:
    asked = [e for e in found if e.question is question]
    parts: list[Part] = [f"## {question.title}", ASKED[question.name], _beyond(asked, question)]
    for images in dict.fromkeys(e.images for e in asked):
        some = [e for e in asked if e.images == images]
        parts += [f"**{f'{images:,} training images' if images else 'Endless data'}**"]
        parts += [_table(question, images, some)]
    return parts


def _beyond(asked: list[Effect], question: Question) -> str:
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


def _table(question: Question, images: int | None, some: list[Effect]) -> Table:
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
    text = f"{shown:.2f}" if ratio else f"{shown:+.3f}" if effect.question is CODE_Q else (
        f"{shown:+.1f}"
    )  # fmt: skip
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


def _judged() -> str:
    return (
        "In brackets is the strength that most seeds get; ! marks the end of a grid, beyond which "
        "the best may lie. Bold is better than the plain VAE and italic worse, by Student's t "
        "over paired seeds at 5 % after Holm's correction for all objectives, biases and sizes of "
        "a question. = is the same: two one-sided tests exclude a gain or a loss of "
        f"{CODE_Q.margin:g} in R², a tenth of an error or of a factor, {GAP_Q.margin:g} nat. The "
        f"rest is open. *{STEPS.capitalize()}* is the plain VAE stopped after a number of steps "
        "chosen as strengths are: the rival of every regularisation, and no regularisation itself "
        "(in brackets, its steps). CSVs have gains in the unit of the question (R², the "
        "logarithm of a ratio, nats), intervals, seeds that agree, and gains beyond those on "
        "fair data. All objectives have a warm-up of 1,000 steps; other widths, depths and "
        "learning rates were not tried here, and "
        f"{len(OBJECTIVES) - 1} of the objectives weigh their term beside a full KL (`{PLAIN}` and "
        "the autoencoder have their one term)."
    )


def _commands(runs: Runs, commands: Mapping[str, str]) -> Table:
    return Table(
        "robustness_commands",
        {"run": "run", "`python -m experiments.full_sweep …`": "flags", "minutes": "minutes"},
        [[n, code(commands[n]), fixed(runs[n].minutes, 1)] for n in RUNS if n in runs],
    )
