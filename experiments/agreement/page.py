"""`docs/agreement.md`: one line a published result, then what each rests on."""

from collections.abc import Mapping

from experiments.agreement.cases import CASES, Case
from experiments.pages.run import Runs
from experiments.pages.words import number, paragraphs, table

LEFT_OUT = (
    ("Burgess et al. 2018, dSprites", "the file is not shipped: `--preset dsprites --data FILE`"),
    ("Träuble et al. 2021", "`--bias correlate` and `correlate_rows` are there; not compared yet"),
    ("Roth et al. 2023", "HFS on correlated pairs is in [variants](variants.md), with its table"),
    ("Montero et al. 2021", "`--bias missing` is there; not compared yet"),
    ("Wang & Ziyin 2022", "a frozen variance head needs a network of one's own; not compared yet"),
    ("Locatello et al. 2019", "needs many objectives on one grid; not compared yet"),
    ("Zhao et al. 2018", "needs histograms of few features; not compared yet"),
)


def page(runs: Runs, commands: Mapping[str, str], quick: bool = False) -> str:
    """Write the page; `commands` made the runs, and a `quick` one says that it means nothing."""
    cases = [case(runs) for case in CASES]
    counts = [f"{verdict}: {n}" for verdict, n in _counts(cases).items()]
    return (
        paragraphs(
            "# Agreement with published results",
            "!!! warning\n    A quick look: short training of a few models, to see that all works. "
            "Its numbers mean nothing."
            if quick
            else "",
            "What others have found about VAEs, measured again here: on squares in noise, at the "
            "size of this project, by `python -m experiments.agreement`, which writes this page. "
            "Square brackets hold 95 % intervals over seeds. β\\* is the β beyond which the linear "
            "optimum has no active latent, λ/σ²: the largest eigenvalue of the images' covariance "
            "over the noise's variance.",
            f"**{len(cases)} results compared** ({'; '.join(counts)}).",
            table(["source", "result", "here"], [[c.source, c.claim, c.verdict] for c in cases]),
            "## What was measured",
            *map(_measured, cases),
            "## Not compared",
            table(["source", "why"], LEFT_OUT),
            "## Commands and times",
            table(
                ["run", "`python -m experiments.full_sweep …`", "minutes"],
                [[n, f"`{commands[n]}`", number(run.minutes, 1)] for n, run in runs.items()],
            ),
        )
        + "\n"
    )


def _counts(cases: list[Case]) -> dict[str, int]:
    verdicts = [case.verdict for case in cases]
    return {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)}


def _measured(case: Case) -> str:
    verdict = case.verdict[0].upper() + case.verdict[1:]
    return f"**{case.source}.** *{case.claim}* {case.found} **{verdict}.** {case.why}"
