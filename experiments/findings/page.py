"""`docs/findings.md`: the three answers, then the evidence they rest on."""

from collections.abc import Mapping

import numpy as np

from biasvae_jax.statistics.intervals import Interval, simulated_coverage, t_interval
from experiments.findings import evidence, evidence_training
from experiments.findings.diagonal import diagonal_answer, diagonal_section
from experiments.findings.evidence import SPARE_RUNS, TERMS, Run
from experiments.findings.evidence_diagonal import Diagonal
from experiments.findings.maps import maps_answer, maps_section
from experiments.findings.noise import beaten_words, signal_section
from experiments.findings.training import training_answer, training_section
from experiments.findings.words import listed, number, of, paragraphs, ratio, table, value


def page(runs: Mapping[str, Run], found: Diagonal, commands: Mapping[str, str]) -> str:
    """Write the page: `found` from `blog`, `annealed` and `fine`; `commands` made the runs."""
    blog, annealed = runs["blog"], runs["annealed"]
    followed = evidence_training.followed(runs)
    spare = tuple(runs[name] for name in SPARE_RUNS)
    return (
        paragraphs(
            "# Findings",
            "The original study is a student project's blog post, *Recovering Latent Variables "
            "with VAEs despite Training Bias*; [the first page](index.md) describes it. It left "
            "open the questions answered here.",
            "Written by `python -m experiments.findings` from its runs, every number too. "
            f"Intervals are 95 %, Student's t over seeds ({blog.config.seeds} in `blog`, without "
            f"KL warm-up, and `annealed`, with it; {blog.config.steps:,} steps); a number alone "
            "is the same for every seed in the digits shown. Told apart means that an interval "
            "excludes 0. β is the weight of the KL in nats with σ² = σ_noise², so β = 1 is the "
            "ELBO.",
            _help_answer((blog, annealed), runs["long"]),
            diagonal_answer(found),
            maps_answer(annealed),
            training_answer(runs, followed),
            diagonal_section(found),
            maps_section(blog, annealed),
            training_section(runs, followed),
            signal_section((blog, annealed), runs["long"], spare),
            trust_section(found, runs, commands),
        )
        + "\n"
    )


def _help_answer(runs: tuple[Run, ...], long: Run) -> str:
    """Answer the study's own question."""
    best = [evidence.best_at_weakest(run.values("recovery_r2"), run.beta) for run in runs]
    never = all(count == len(run.mu) for count, run in zip(best, runs, strict=True))
    counted = listed(
        f"{of(count, len(run.mu), 'μ', 'μ')} in `{run.name}`"
        for count, run in zip(best, runs, strict=True)
    )
    ends = listed(
        f"{value(found.at(0))} at the lowest μ and {value(found.at(-1))} at the highest in "
        f"`{run.name}` (closed form {number(predicted[0], 3)} and {number(predicted[-1], 3)})"
        for run in runs
        for found, predicted in [_at_weakest(run)]
    )
    return paragraphs(
        "## Does stronger regularisation help against the bias?",
        f"**{'No.' if never else 'At some biases.'}** `recovery_r2` is highest at the weakest β "
        f"(β = {runs[0].beta.min():g}) in every seed at {counted}. There it is {ends}; after "
        f"{long.config.steps:,} steps it is {number(float(_at_weakest(long)[0].mean[-1]))} at the "
        f"highest μ (`{long.name}`, one seed).",
    )


def _at_weakest(run: Run) -> tuple[Interval, np.ndarray]:
    """Return `recovery_r2` at the least β and its closed form, each `[mu]`."""
    weakest = int(np.argmin(run.beta))
    measured = t_interval(run.values("recovery_r2")[:, weakest])
    return measured, run.theory.recovery_r2[:, weakest]


def trust_section(found: Diagonal, runs: Mapping[str, Run], commands: Mapping[str, str]) -> str:
    """Write what was expected and found, the intervals' coverage, what is unknown, and times."""
    blog, annealed = runs["blog"], runs["annealed"]
    return paragraphs(
        "## 5. How far to trust it",
        "### Expected and found",
        table(["expected", "found", "holds"], _expectations(found, runs)),
        "### Intervals",
        _coverage(blog.config.seeds),
        "Of one seed there is no interval, and none is printed: so for the longer "
        "runs, which have one. Seeds that jump between the same two β agree exactly; the grid's "
        "spacing is then the error that is left.",
        "### Where the linear theory does not reach",
        "\n\n".join(map(beaten_words, (blog, annealed, runs["long-annealed"]))),
        "β\\* is the threshold of the linear optimum and of the collapsed solution's local "
        "stability. The intensities are skewed under bias (skewness −1.54 at μ = 2) and the "
        "decoder ends in a sigmoid, so a nonlinear model can beat the linear loss, stay "
        "active beyond β\\*, and have other offsets and shrinkages than the table of "
        "section 2 predicts.",
        "### Deviations from the original study's protocol",
        "The original study does not state its network, batch, learning rate, β grid, likelihood "
        "scale, head or latent size; ours are in the README's table. Its steps, biases, noise and "
        "test set are kept. `annealed`, `fine`, the spare latents and the longer runs are "
        "additions.",
        "### What remains unknown",
        "Why, under strong bias, latents keep to directions of noise that the closed form values "
        "less than the signal; why hidden units die where they could pay; whether the "
        "original study's own maps were made from posterior means or samples; whether other "
        "networks and optimisers (here hidden layers of "
        f"{'-'.join(map(str, blog.config.hidden))} and Adam at {blog.config.learning_rate:g}) "
        "die as often; whether the longer runs' cells speak for other seeds; and whether any of it "
        "holds beyond independent squares in Gaussian noise.",
        "### Commands and times",
        "`python -m experiments.findings` runs these, one after another, and writes this page. "
        f"Minutes are from a run's start to its results. {_cost(runs)}",
        table(
            ["run", "`python -m experiments.full_sweep …`", "minutes"],
            [[name, f"`{commands[name]}`", number(run.minutes, 1)] for name, run in runs.items()],
        ),
    )


def _expectations(found: Diagonal, runs: Mapping[str, Run]) -> list[list[str]]:
    annealed = runs["annealed"]
    edge, early = found.edges["annealed"], found.edges["blog"]
    loss = evidence.change(annealed, "loss", 0).measured
    falls = int((np.asarray(loss.high) < 0).sum())
    spare = [runs[name] for name in SPARE_RUNS]
    counted = [
        np.abs(evidence.mean(r.values("active_units")) - r.theory.active_units) < 0.5 for r in spare
    ]
    right, whole = sum(int(c.sum()) for c in counted), sum(c.size for c in counted)
    head = [evidence.mean(annealed.values(name), (0, 1, 2)) for name in TERMS]
    share = float(head[2] / np.sum(head))
    signal = evidence.deviation(annealed, "signal_share")
    below = int((np.asarray(early.against.high) < 0).sum())
    ratios = value(ratio(edge.against.at(-1)))
    rows = [
        (
            "with warm-up, β̂ follows β\\* at every μ",
            f"at {int(edge.agrees.sum())} of {len(edge.agrees)}; at the highest, β̂/β\\* = {ratios}",
            bool(edge.agrees.all()),
        ),
        (
            "without warm-up, models collapse below β\\*",
            f"β̂ < β\\* at {below} of {len(early.known)} μ",
            2 * below > len(early.known),
        ),
        (
            "loss falls with μ at every β",
            f"at {falls} of {len(loss.mean)}",
            falls == len(loss.mean),
        ),
        (
            "`generation_mse` is offset and shrinkage (rest below a tenth)",
            f"the rest is {100 * share:.1f} %",
            share < 0.1,
        ),
        (
            "`signal_share` is as predicted (within 0.05 on average)",
            value(signal),
            bool(signal.high < 0.05),
        ),
        (
            "spare latents are active exactly where β < 1",
            f"{right} of {whole} cells round to the closed form",
            right == whole,
        ),
    ]
    return [[what, seen, "yes" if holds else "**no**"] for what, seen, holds in rows]


def _cost(runs: Mapping[str, Run]) -> str:
    """Say what all runs would take at the speed of the one least disturbed."""
    steps = {name: run.config.models * run.config.steps for name, run in runs.items()}
    speed = {name: steps[name] / (60 * run.minutes) for name, run in runs.items()}
    known = {name: s for name, s in speed.items() if np.isfinite(s)}
    if not known:
        return "They are not known of copies."
    fastest = max(known, key=lambda name: known[name])
    return (
        "They include pauses and whatever else the machine did: "
        f"`{fastest}` made {speed[fastest]:,.0f} model-steps a second, at which the training of "
        f"all takes {sum(steps.values()) / speed[fastest] / 60:.0f} minutes; scoring adds to that."
    )


def _coverage(seeds: int) -> str:
    seeds = max(2, seeds)
    normal, skewed = (
        simulated_coverage(seeds, population=p, studies=2_000, resamples=500)
        for p in ("normal", "exponential")
    )
    return (
        f"Simulated coverage of nominal 95 % intervals from {seeds} seeds (2,000 studies, "
        f"standard error at most {max(normal.error, skewed.error):.3f}): Student's t "
        f"{normal.t:.3f} of normal replicates and {skewed.t:.3f} of exponential ones; a "
        f"percentile bootstrap {normal.bootstrap:.3f} and {skewed.bootstrap:.3f}, which is why "
        "it is not used."
    )
