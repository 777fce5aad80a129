"""`docs/robustness.md`: which regularisation survives which bias."""

from collections.abc import Callable, Iterator, Mapping

from experiments.pages.documents import Page, Part, Picture, commands_table
from experiments.pages.run import Runs
from experiments.robustness.effects import QUESTIONS, Effect, Question, effects
from experiments.robustness.figure import maps
from experiments.robustness.shares import shares_table
from experiments.robustness.sizes import amounts, by_size, data
from experiments.robustness.tables import effects_table, summary_table
from experiments.robustness.words import answer, beyond, capacity, design, in_short, judged

ASKED = {
    "code": "How much of the true variables' variance is a linear map of the code, on fair test "
    "images (R², 1 is all)? Gains are differences of R².",
    "mean": "A larger β makes the posterior wider, and so a sampled code noisier, whatever it "
    "follows. This is R² of the posterior's mean, which has not that noise. It flatters latents "
    "that barely move.",
    "decoder": "How far are decoded true variables from fair test images (mean squared error a "
    "pixel)? Given are errors over the plain VAE's: below 1 is better.",
    "prior": "Where the bias makes dark squares rare: how far is their probability in samples "
    "from that in training images, |ln ratio|? Given is the factor by which it is off, over the "
    "plain VAE's: below 1 is better.",
    "gap": "How much lower is the loss on training images than on unseen ones, nats an image, at "
    "the strength that is best for the decoder? Gains are the plain VAE's gap minus theirs. "
    "`capacity` is left out: its loss is mostly its penalty.",
}

SHARES = (
    "Locatello et al. 2019 found that seeds and strengths make scores differ more than the "
    "objective does. Here are the shares of the variance over all models of a bias: of the "
    "objectives' means, of the strengths' around their objective's, and of the seeds around their "
    "strength's. They depend on the grids of strengths, and seeds share their data here, as theirs "
    "do not."
)


def page(runs: Runs, commands: Mapping[str, str]) -> Page:
    """Write the page."""
    found = effects(runs)
    return Page(
        "robustness",
        "Which regularisation survives which bias?",
        answer(found),
        [
            in_short(found),
            design(runs),
            Picture(
                "robustness",
                "Gain over the plain VAE of each objective under each bias",
                lambda: maps(found),
                "Gain over the plain VAE: yellow is better, +, − and = where it is surely better, "
                "worse, or the same to within the margin. Each panel has its own scale.",
            ),
            "## In short",
            "At how many kinds of bias an objective at its best strength is better than the plain "
            "VAE / worse / the same; the rest is open:",
            *_summaries(found, "robustness_summary", lambda e: e.verdict),
            "The same beside the β-ELBO at *its* best β:",
            *_summaries(found, "robustness_summary_best_beta", lambda e: e.beta_verdict),
            amounts(found),
            capacity(runs),
            *(part for q in QUESTIONS for part in _section(found, q)),
            "## What makes scores differ?",
            SHARES,
            shares_table(runs),
            "## How it was judged",
            judged(),
            "## Commands and times",
            commands_table("robustness_commands", runs, commands),
        ],
    )


def _summaries(found: list[Effect], name: str, verdict: Callable[[Effect], str]) -> Iterator[Part]:
    for images, some in by_size(found):
        yield _heading(images)
        yield summary_table(some, f"{name}_{images or 'endless'}", verdict)


def _heading(images: int | None) -> str:
    words = data(images)
    return f"**{words[0].upper()}{words[1:]}**"


def _section(found: list[Effect], question: Question) -> list[Part]:
    asked = [e for e in found if e.question is question]
    parts: list[Part] = [f"## {question.title}", ASKED[question.name], beyond(asked, question)]
    for images, some in by_size(asked):
        parts += [_heading(images), effects_table(question, images, some)]
    return parts
