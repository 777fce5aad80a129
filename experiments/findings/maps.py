"""Why do the two heat maps seem to disagree? The answer, and the evidence."""

import numpy as np

from biasvae_jax.statistics.intervals import t_interval
from experiments.findings import evidence
from experiments.findings.evidence import TERMS, Run
from experiments.findings.words import (
    compare,
    listed,
    number,
    of,
    paragraphs,
    percent,
    sign,
    table,
    value,
)


def maps_answer(run: Run) -> str:
    """Answer the second question by one run."""
    pmi, generation = (evidence.collapsed(run, name) for name in ("pmi", "generation_mse"))
    mean_image = sign(generation.change) > 0 and abs(pmi.change.mean) < generation.change.mean
    place = -1, int(np.argmin(run.beta))
    code, decoder = (evidence.beside_collapsed(run, name, *place) for name in ORIGINAL_SCORES)
    sooner = {
        1: "the decoder fails before the code does",
        0: "decoder and code are not told apart",
        -1: "the code fails before the decoder does",
    }[compare(decoder, code)]
    low, high = (evidence.shares(run, row)["generation_offset"] for row in (0, -1))
    worst = evidence.worst(run, "generation_mse")
    title = "## Why do the two heat maps seem to disagree?"
    if not generation.ends[0] < generation.ends[1]:
        return paragraphs(title, "**Not settled.** Too few models have no active latent.")
    return paragraphs(
        title,
        f"**{'Because one also measures the training mean.' if mean_image else 'Not settled.'}** "
        f"From μ = {generation.ends[0]:g} to μ = {generation.ends[1]:g} the PMI of models without "
        f"an active latent changes by {value(pmi.change)}, and their `generation_mse` by "
        f"{value(generation.change)}: PMI ends at 1 at every bias, while a decoder without a code "
        "draws its training mean, which the bias moves away from the test set's. That offset is "
        f"{percent(low)} of `generation_mse` at the lowest μ and {percent(high)} at the highest "
        f"(`{run.name}`). At μ = {run.mu[-1]:g}, β = {run.beta.min():g} PMI is {percent(code)} and "
        f"`generation_mse` {percent(decoder)} of a collapsed model's: under strong bias {sooner}, "
        f"and the closed form of `generation_mse` fails by most at μ = {worst.mu:g}, "
        f"β = {worst.beta:g}, with {value(worst.measured)} instead of "
        f"{number(worst.predicted, 3)}.",
    )


ORIGINAL_SCORES = ("pmi", "generation_mse")
WHY = {
    "pmi": "r = min(1, β/β\\*): noise of the code, 1 once collapsed",
    "recovery_r2": "falls with r, 0 once collapsed",
    "kl": "−½ ln r for each latent, 0 once collapsed",
    "generation_mse": "r²·(Var u + (½ − E u)²): follows r until collapsed, the bias alone after",
    "generation_offset": "r²·(½ − E u)², E u the training mean: grows with μ, collapsed or not",
    "generation_shrinkage": "r²·Var u: contrast lost, constant once collapsed",
    "loss": "each of its terms grows with β, and with λ, which falls with μ",
    "pmi_mean": "what is curved in the mean; a collapsed model's constant is predicted",
}


def maps_section(*runs: Run) -> str:
    """Write the split of `generation_mse`, the direction of each score, and the loss."""
    return paragraphs(
        "## 2. Why do the two heat maps seem to disagree?",
        "`generation_mse` is offset (squared error of the mean image), shrinkage (contrast lost) "
        "and the rest (head and decoder); they add up. Measured against the closed form, mean "
        "absolute deviation over cells:",
        table(
            ["part", *(f"{run.name}, {what}" for run in runs for what in ("mean", "deviation"))],
            [_deviation_row(name, runs) for name in ("generation_mse", *TERMS)],
        ),
        "Rows of the map: `generation_mse`, mean over β, beside its closed form, and each part's "
        "share of it:",
        table(
            ["run", "μ", "measured", "closed form", *(f"`{name}`" for name in TERMS)],
            [_row(run, i) for run in runs for i in (0, len(run.mu) // 2, len(run.mu) - 1)],
        ),
        *(_worst_words(run) for run in runs),
        "![The parts of generation_mse](images/findings_generation.png)",
        "### Where nothing is active",
        *(_collapsed_words(run) for run in runs),
        "### Which way each score moves",
        "Spearman's rank correlation with β (within a row, then averaged) and with μ (within a "
        "column); the closed form's own in brackets. 1: it rises all the way; −1: it falls.",
        *(_trend_table(run) for run in runs),
        "### Does the training loss rise with bias?",
        *(_loss_words(run) for run in runs),
        "The original study saw the loss rise with both. With β it must; with the bias it cannot "
        "at the optimum, under any Gaussian likelihood: λ(μ) falls, and both terms grow with λ. "
        "What a loss *is* depends on the convention (here nats an image, ½‖x − x̂‖²/σ² + β·KL, the "
        "constant left out), which the original study does not state. A rise with bias needs "
        "another likelihood, or training that ends far from the optimum.",
    )


def _deviation_row(name: str, runs: tuple[Run, ...]) -> list[str]:
    row = [f"`{name}`"]
    for run in runs:
        mean = number(float(evidence.mean(run.values(name), (0, 1, 2))), 4)
        row += [mean, value(evidence.deviation(run, name))]
    return row


def _row(run: Run, row: int) -> list[str]:
    measured = t_interval(evidence.mean(run.values("generation_mse")[row], 0))
    predicted = number(float(run.theory.generation_mse[row].mean()), 3)
    parts = map(percent, evidence.shares(run, row).values())
    return [run.name, f"{run.mu[row]:g}", value(measured), predicted, *parts]


def _worst_words(run: Run) -> str:
    off = [evidence.worst(run, name) for name in ("generation_mse", *TERMS)]
    said = listed(
        f"`{name}` at μ = {w.mu:g}, β = {w.beta:g} ({value(w.measured)} instead of "
        f"{number(w.predicted, 3)})"
        for name, w in zip(("generation_mse", *TERMS), off, strict=True)
    )
    return f"**{run.name}**: the closed form is farthest off for {said}."


def _collapsed_words(run: Run) -> str:
    pmi, generation = (evidence.collapsed(run, name) for name in ("pmi", "generation_mse"))
    first, last = generation.ends
    if not first < last:
        return f"**{run.name}**: too few models without an active latent to compare their scores."
    i, j = (run.config.mu.index(end) for end in generation.ends)
    predicted = (run.theory.generation_mse[k].max() for k in (i, j))
    low, high = (value(generation.value.at(k)) for k in (i, j))
    return (
        f"**{run.name}**: {generation.models} models have no active latent. From μ = {first:g} to "
        f"μ = {last:g} their PMI changes by {value(pmi.change)} (from {value(pmi.value.at(i))}) "
        f"and their `generation_mse` by {value(generation.change)}, from {low} to {high} (closed "
        f"form: {' and '.join(f'{p:.3f}' for p in predicted)}): they draw the training mean, "
        "which the bias moves away from the test set's."
    )


def _trend_table(run: Run) -> str:
    rows = []
    for name, why in WHY.items():
        measured, predicted = evidence.trend(run.values(name)), run.predicted(name)
        words = list(map(value, measured))
        if predicted is not None:
            theory = evidence.trend(predicted[..., None])
            words = [f"{w} ({number(float(t.mean))})" for w, t in zip(words, theory, strict=True)]
        rows.append([f"`{name}`", *words, why])
    return paragraphs(f"**{run.name}**:", table(["score", "along β", "along μ", "why"], rows))


def _loss_words(run: Run) -> str:
    by_mu, by_beta = (evidence.change(run, "loss", axis) for axis in (0, 1))
    rows = [
        [f"{beta:g}", value(by_mu.measured.at(j)), number(by_mu.predicted[j])]
        for j, beta in enumerate(run.beta)
    ]
    signs = [sign(by_mu.measured.at(j)) for j in range(len(run.beta))]
    up = sum(sign(by_beta.measured.at(i)) > 0 for i in range(len(run.mu)))
    low, high = run.mu[[0, -1]]
    return paragraphs(
        f"**{run.name}**: from μ = {low:g} to μ = {high:g} the loss falls at "
        f"{of(signs.count(-1), len(signs), 'β', 'β')}, rises at {signs.count(1)} and is not told "
        f"apart at {signs.count(0)}. From β = {run.beta[0]:g} to β = {run.beta[-1]:g} it rises at "
        f"{of(up, len(run.mu), 'μ', 'μ')}.",
        table(["β", f"loss(μ={high:g}) − loss(μ={low:g}), nats", "closed form"], rows),
    )
