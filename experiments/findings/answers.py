"""The three answers: to the code, to the decoder, to the prior; one sentence, number and figure."""

import numpy as np

from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.statistics.optimum import Better
from experiments.findings.evidence import CODE, DECODER, HUNDREDTH, WEAK, sizes
from experiments.findings.optima import (
    Best,
    ShortAgainstStrong,
    best,
    questions,
    short_against_strong,
)
from experiments.pages.run import Runs
from experiments.pages.words import listed, of, paragraphs, sign, value


def optima_answer(runs: Runs) -> str:
    """Say on what the best β depends, and what the reference would have."""
    endless = runs["n-endless"]
    parts = questions(endless).values()
    weakest = all(
        (endless.beta[asked.best_reference] == endless.beta.min()).all() for asked in parts
    )
    return paragraphs(
        "## Which β is best?",
        "It depends on what is asked, on the number of images and on the bias. "
        + (
            "A linear model's optimum, for endless data, would have the weakest β everywhere."
            if weakest
            else "The red line is a linear model's optimum for endless data."
        ),
        "![The best β of code, decoder and prior against the bias](images/findings_optimum.png)",
        "*The β of the grid with the best mean over seeds, and a 95 % bootstrap interval. Code: "
        "`recovery_r2`. Decoder: `generation_mse` after all steps of training. Prior: how near the "
        "probability of dark squares in samples is to that in the training images.*",
    )


def code_answer(runs: Runs) -> str:
    """Answer for the code."""
    endless = runs["n-endless"]
    fresh, finite = _asked(runs, CODE, "higher")
    helped, cells = _helped(finite)
    return paragraphs(
        "## The code: does stronger regularisation recover more of the true variables?",
        f"**Endless data: {_yes(int(fresh.helps.sum()))}.** `recovery_r2` gains from a β above "
        f"{endless.beta.min():g} at "
        f"{of(int(fresh.helps.sum()), len(endless.mu), 'bias', 'biases')} (by more than "
        f"{HUNDREDTH:g}, the best minus the weakest, paired by seed). **Finite data: "
        f"{_yes(helped)}.** It gains at {of(helped, cells, 'pair')} of a number of images and a "
        f"bias; {_most_words(runs, {**finite, endless.name: fresh})}.",
        "![R² of the code against β](images/findings_code.png)",
        "*Lines are means over seeds, bands their 95 % intervals.*",
    )


def decoder_answer(runs: Runs) -> str:
    """Answer for the decoder."""
    endless = runs["n-endless"]
    fresh, finite = _asked(runs, DECODER, "lower")
    helped, cells = _helped(finite)
    rivals = [short_against_strong(runs[name]) for name in finite]
    places = [(e, i) for e in rivals for i in range(len(e.apart.mean))]
    wins = [sign(e.apart.at(i)) for e, i in places]
    both = [sign(e.both.at(i)) for e, i in places]
    return paragraphs(
        "## The decoder: does it make the images that the bias left out?",
        f"**Endless data: {_yes(int(fresh.helps.sum()))}.** `generation_mse` falls by more than a "
        f"tenth with a β above {endless.beta.min():g} at "
        f"{of(int(fresh.helps.sum()), len(endless.mu), 'bias', 'biases')}. **Finite data: "
        f"{_yes(helped)}**, at {of(helped, cells, 'pair')} of a number of images and a bias; "
        f"{_most_words(runs, finite)}. **{_rival_verdict(wins)}** With fewer steps, chosen on the "
        f"other seeds as β is, β = {WEAK:g} is better than the best β from {WEAK:g} on with all "
        f"steps at {of(wins.count(-1), len(wins), 'pair')}, worse at {wins.count(1)}, and not told "
        f"apart at {wins.count(0)}. {_both_words(places, both)}",
        "![Error of generated images against β](images/findings_decoder.png)",
        "*Full lines: at the end of training, with bands of 95 %. Dashed: each model stopped where "
        "its loss on unseen images is lowest.*",
    )


def prior_answer(runs: Runs) -> str:
    """Answer for the prior."""
    run = runs["n-endless"]
    asked = questions(run)["prior"]
    found = best(asked.values, run.beta, asked.better)
    row = run.row(1)
    weak, one = (t_interval(run.values("prior_mass")[row, run.column(b)]) for b in (WEAK, 1))
    _, smallest = sizes(runs)[0]
    few = t_interval(smallest.values("prior_mass")[smallest.row(1), smallest.column(1)])
    return paragraphs(
        "## The prior: do samples still show what the bias made rare?",
        "How often samples from the prior show a square darker than ½, over how often the training "
        "data do: 1 is right, above it the rare event floods, below it starves. **Endless data: "
        f"the best β lies {_between(found)}.** At μ = {run.mu[row]:g} this mass is {value(weak)} "
        f"at β = {run.beta[run.column(WEAK)]:g} and {value(one)} at "
        f"β = {run.beta[run.column(1)]:g}. The best β is {_by_row(found, asked.mu)}. "
        f"**Finite data:** from {smallest.name[2:]} images it is {value(few)} at the latter β.",
        "![Mass of the rare event under the prior](images/findings_prior.png)",
        "*At the red line samples show the rare event as often as training images do. Bands are "
        "95 % intervals; below 0.1 the axis is linear.*",
    )


def _asked(runs: Runs, name: str, better: Better) -> tuple[Best, dict[str, Best]]:
    """Find the best β of a score: with endless data, and for each number of images by run."""
    found = {run.name: best(run.values(name), run.beta, better) for _, run in sizes(runs)}
    return found.pop(runs["n-endless"].name), found


def _yes(count: int) -> str:
    return "yes" if count else "no"


def _helped(found: dict[str, Best]) -> tuple[int, int]:
    helps = np.concatenate([each.helps for each in found.values()])
    return int(helps.sum()), helps.size


def _most_words(runs: Runs, found: dict[str, Best]) -> str:
    """Say where the change at the best β is largest."""
    sized = {
        (name, row): abs(change)
        for name, each in found.items()
        for row, change in enumerate(np.nan_to_num(each.gain.mean))
    }
    name, row = max(sized, key=lambda place: sized[place])
    run, at = runs[name], found[name]
    images = run.study.training.training_images
    data = f"{images:,} images" if images else "endless data"
    return (
        f"the largest change is {value(at.gain.at(row))}, with {data} at μ = {run.mu[row]:g}, "
        f"where the best β is {optimum_words(at, row)}"
    )


def optimum_words(found: Best, row: int) -> str:
    """Write the best β of a row with its interval, and say where the grid's edge censors it."""
    at = found.optimum
    text = f"{at.strength[row]:g}"
    if np.isfinite(at.low[row]):
        text += f" [{at.low[row]:g}, {at.high[row]:g}]"
    edges = {-1: "weakest", 1: "strongest"}
    side = int(at.censored[row])
    return text + (f" (the grid's {edges[side]})" if side else "")


def _between(found: Best) -> str:
    least, most = np.min(found.optimum.strength), np.max(found.optimum.strength)
    return f"at {least:g}" if least == most else f"between {least:g} and {most:g}"


def _by_row(found: Best, biases: np.ndarray) -> str:
    return listed(f"{optimum_words(found, i)} at μ = {mu:g}" for i, mu in enumerate(biases))


def _both_words(places: list[tuple[ShortAgainstStrong, int]], signs: list[int]) -> str:
    """Say what a stronger β adds where every β is stopped early."""
    gains = [
        100 * e.both.mean[i] / e.early.mean[i]
        for (e, i), found in zip(places, signs, strict=True)
        if found == -1
    ]
    text = (
        "Where every β is stopped by its loss on unseen images, a stronger one is better at "
        f"{of(signs.count(-1), len(signs), 'pair')}"
    )
    return f"{text}, by {-min(gains):.0f} % at most." if gains else f"{text}."


def _rival_verdict(wins: list[int]) -> str:
    """Say what a shorter training means for β, by the signs of its differences."""
    if wins.count(1) > len(wins) / 2:
        return "And a shorter training does not replace it."
    if wins.count(-1) > len(wins) / 2:
        return "But a shorter training with a weak β does more."
    if wins.count(1) < len(wins) / 10:
        return "But a shorter training does as much without it."
    return "But in part a shorter training does as much without it."
