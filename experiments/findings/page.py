"""The pages: `docs/findings.md` with the question and the answers, then one for each answer."""

from collections.abc import Mapping
from functools import partial

from experiments.findings.claims import claims_table
from experiments.findings.code import code_page
from experiments.findings.collapse import collapse_page
from experiments.findings.decoder import decoder_page
from experiments.findings.diagonal import diagonal_page
from experiments.findings.figures import against_beta
from experiments.findings.methods import methods_page
from experiments.findings.optima import questions
from experiments.findings.prior import prior_page
from experiments.pages.documents import Page, Part, Picture
from experiments.pages.run import Runs

ANSWERS = (code_page, decoder_page, prior_page, collapse_page, diagonal_page)
"""One for each answer, in this order in `findings.md`; each is given the runs."""


def pages(runs: Runs, commands: Mapping[str, str]) -> tuple[Page, list[Page]]:
    """Return the answer page and the others; `commands` made the runs."""
    answers = [page(runs) for page in ANSWERS]
    return _front(runs, answers), [*answers, methods_page(runs, commands)]


def _front(runs: Runs, answers: list[Page]) -> Page:
    """Write the question, the answers and the claims."""
    return Page(
        "findings",
        "Findings",
        "Training data are biased, and a β-VAE is trained on them. The original study, a student "
        "project (*Recovering Latent Variables with VAEs despite Training Bias*, the [first page]"
        "(index.md)), asked whether more regularisation, a larger β, then helps. β acts on three "
        "things, and the answers differ: on the **code** (do latents follow the true variables?), "
        "the **decoder** (can it draw what was rare?) and the **prior** (do samples show it?). "
        "They differ again between **finite** data (N images, shown again and again) and "
        "**endless** data (every image a fresh one).",
        [
            "Square brackets hold 95 % intervals over seeds. μ is the bias, 0 for none: the images "
            "are nine grey squares in noise, and the larger μ is, the more of them are white. At "
            "β = 1 the loss is the ELBO, in nats. β\\*(μ) is the β beyond which the best *linear* "
            "model keeps no latent.",
            "## Which β is best?",
            *_best(runs),
            *(part for page in answers for part in _short(page)),
            "## Other worlds: rivers and faces",
            "The same questions of pictures that people can judge: [rivers](findings/rivers.md), "
            "hardly any of which curve left in training, and [faces](findings/faces.md), whose "
            "hair and skin vary together in training. `python -m experiments.rare` writes these "
            "pages.",
            "## What did not survive",
            "What others or earlier versions of these pages said, beside what is measured here:",
            claims_table(runs),
            "## How it was made",
            "Every number and figure of these pages is written by `python -m experiments.findings` "
            "from its runs, and every table is a CSV too. [Methods](findings/methods.md) has the "
            "limits, prior art, commands and times.",
        ],
    )


def _best(runs: Runs) -> list[Part]:
    """Say on what the best β depends, and what the reference would have."""
    endless = runs["n-endless"]
    weakest = all(
        (endless.beta[asked.best_reference] == endless.beta.min()).all()
        for asked in questions(endless).values()
    )
    return [
        "It depends on what is asked, on the number of images and on the bias. "
        + (
            "A linear model's optimum, for endless data, would have the weakest β everywhere."
            if weakest
            else "The red line is a linear model's optimum for endless data."
        ),
        Picture(
            "findings_optimum",
            "The best β of code, decoder and prior against the bias",
            partial(against_beta.optimal, runs),
            "The β of the grid with the best mean over seeds, and a 95 % bootstrap interval. "
            "Code: `recovery_r2`. Decoder: `generation_mse` after all steps of training. Prior: "
            "how near the probability of dark squares in samples is to that in training images.",
        ),
    ]


def _short(page: Page) -> list[str]:
    """Return a page's answer, and the way to it."""
    link = f"[Evidence and controls](findings/{page.name}.md)"
    return [f"## {page.title}", f"{page.answer} {link}"]
