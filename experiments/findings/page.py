"""`docs/findings.md`: the question, three answers, then the evidence they rest on."""

from collections.abc import Mapping

from experiments.findings.answers import (
    code_answer,
    decoder_answer,
    optima_answer,
    prior_answer,
)
from experiments.findings.boundary import boundary_section
from experiments.findings.collapse import collapse_section
from experiments.findings.controls import controls_section
from experiments.findings.finite import finite_section
from experiments.findings.original import (
    claims_section,
    original_section,
    prior_art_section,
    trust,
)
from experiments.findings.prior import prior_section
from experiments.pages.run import Run, Runs
from experiments.pages.words import number, paragraphs, table


def page(runs: Runs, commands: Mapping[str, str], quick: bool = False) -> str:
    """Write the page; `commands` made the runs, and a `quick` one says that it means nothing."""
    return (
        paragraphs(
            "# Findings",
            "!!! warning\n    A quick look: short training of a few models, to see that all works. "
            "Its numbers mean nothing."
            if quick
            else "",
            "Training data are biased, and a β-VAE is trained on them. The original study, "
            "a student project (*Recovering Latent Variables with VAEs despite Training Bias*, the "
            "[first page](index.md)), asked whether more regularisation, a larger "
            "β, then helps. β acts on three things, and the answers differ: on the **code** (do "
            "latents follow the true variables?), the **decoder** (can it draw what was rare?) and "
            "the **prior** (do samples show it?). They differ again between **finite** data (N "
            "images, shown again and again) and **endless** data (every image a fresh one).",
            "Written, with every number and figure, by `python -m experiments.findings` from its "
            "runs. Square brackets hold 95 % intervals over seeds. μ is the bias, 0 for none; at "
            "β = 1 the loss is the ELBO, in nats.",
            optima_answer(runs),
            code_answer(runs),
            decoder_answer(runs),
            prior_answer(runs),
            "---\n\n*What follows is the evidence.*",
            finite_section(runs),
            prior_section(runs),
            collapse_section(runs),
            boundary_section(runs),
            controls_section(runs),
            original_section(runs),
            claims_section(runs),
            prior_art_section(),
            trust(runs),
            "### Commands and times",
            _commands(runs, commands),
        )
        + "\n"
    )


def _commands(runs: Mapping[str, Run], commands: Mapping[str, str]) -> str:
    return table(
        ["run", "`python -m experiments.full_sweep …`", "minutes"],
        [[name, f"`{commands[name]}`", number(run.minutes, 1)] for name, run in runs.items()],
    )
