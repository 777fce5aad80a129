"""`docs/agreement.md`: one line a published result, then what each rests on."""

from collections.abc import Mapping

from experiments.agreement.cases import CASES
from experiments.agreement.cases.case import Case
from experiments.pages.documents import Page, commands_table
from experiments.pages.run import Runs
from experiments.pages.tables import Table

LEFT_OUT = (
    ("Burgess et al. 2018, dSprites", "the file is not shipped: `--preset dsprites --data FILE`"),
    ("Roth et al. 2023", "HFS on correlated pairs is in [variants](variants.md), with its table"),
    (
        "Locatello et al. 2019",
        "what objective, strength and seed contribute is in [robustness](robustness.md), with its "
        "table: of R² and errors, and not of scores of disentanglement",
    ),
    (
        "Zhao et al. 2018",
        "their training images all have one number of objects, or one of two: that needs a bias of "
        "one's own, which fixes how many squares are bright",
    ),
)


def page(runs: Runs, commands: Mapping[str, str]) -> Page:
    """Write the page; `commands` made the runs."""
    cases = [case(runs) for case in CASES]
    counts = [f"{verdict}: {n}" for verdict, n in _counts(cases).items()]
    return Page(
        "agreement",
        "Agreement with published results",
        f"**{len(cases)} results compared** ({'; '.join(counts)}). What others have found about "
        "VAEs is measured again here: on squares in noise, at the size of this project.",
        [
            "Square brackets hold 95 % intervals over seeds. β\\* is the β beyond which the linear "
            "optimum has no active latent, λ/σ²: the largest eigenvalue of the images' covariance "
            "over the noise's variance. A latent is active where the mean that the encoder gives "
            "it varies over images (variance above 0.01). A linear network has no hidden layer "
            "and no function at its decoder's end; the others end in a sigmoid. "
            "Written by `python -m experiments.agreement`.",
            Table(
                "agreement_results",
                {"source": "source", "result": "result", "here": "here"},
                [[c.source, c.claim, c.verdict] for c in cases],
            ),
            "## What was measured",
            *map(_measured, cases),
            "## Not compared",
            Table("agreement_left_out", {"source": "source", "why": "why"}, LEFT_OUT),
            "## Commands and times",
            commands_table("agreement_commands", runs, commands),
        ],
    )


def _counts(cases: list[Case]) -> dict[str, int]:
    verdicts = [case.verdict for case in cases]
    return {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)}


def _measured(case: Case) -> str:
    verdict = case.verdict[0].upper() + case.verdict[1:]
    return f"**{case.source}.** *{case.claim}* {case.found} **{verdict}.** {case.why}"
