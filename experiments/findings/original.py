"""The original study's unanswered sentences, and what earlier versions of this page claimed."""

import numpy as np

from biasvae_jax.statistics.intervals import Interval
from experiments.findings.collapse import alive, leaky_alive, recovered
from experiments.findings.evidence import CODE
from experiments.findings.optima import best
from experiments.pages.ratios import geometric_interval
from experiments.pages.run import Run, Runs
from experiments.pages.words import by_sign, listed, number, of, paragraphs, value

LATE = 0.5  # of the training, from which on a curve's noise is measured
REACHED = 0.95  # of a loss's fall, after which training counts as done


def original_section(runs: Runs) -> str:
    """Say whether the loss is noisier with β, and whether training takes longer with it."""
    blog, exact = runs["blog"], runs["analytic"]
    noise = [noise_ratio(run) for run in (blog, exact)]
    longer = [time_ratio(run) for run in (blog, exact)]
    low, high = blog.beta.min(), blog.beta.max()
    up, level = ("noisier", "less noisy"), "not told apart in noise"
    return paragraphs(
        "## 6. What the original study saw in its curves",
        "It writes that more regularisation gives a higher loss, a noisier one, and longer "
        "training. The loss is higher with β because β multiplies one of its terms. *Noise*: the "
        "standard deviation of the loss over the second half of training (means over bins of "
        f"steps, without their trend), at β = {high:g} over that at β = {low:g}: "
        f"{value(noise[0])} with the one-sample KL ({by_sign(_log(noise[0]), *up, level)}), "
        f"{value(noise[1])} with the analytic one ({by_sign(_log(noise[1]), *up, level)}). "
        f"*Length*: steps until {percent_of(REACHED)} of the loss's fall, likewise: "
        f"{value(longer[0])} and {value(longer[1])} "
        f"({by_sign(_log(longer[0]), 'longer', 'shorter', 'not told apart in length')} with the "
        "one-sample KL). Ratios are geometric means over μ, intervals over seeds.",
    )


def percent_of(share: float) -> str:
    """Write a share in per cent."""
    return f"{100 * share:.0f} %"


def _log(found: Interval) -> Interval:
    return found._replace(**{f: np.log(getattr(found, f)) for f in ("mean", "low", "high")})


def _ratio(measured: np.ndarray, beta: np.ndarray) -> Interval:
    """Return the ratio of the largest β to the smallest, `[mu, beta, seed]` → over seeds."""
    logs = np.log(measured[:, beta.argmax()]) - np.log(measured[:, beta.argmin()])
    return geometric_interval(np.nanmean(np.where(np.isfinite(logs), logs, np.nan), 0))


def _curves(run: Run) -> np.ndarray:
    return run.history["loss"].transpose("mu", "beta", "seed", "step").values.astype(float)


def noise_ratio(run: Run) -> Interval:
    """How much noisier the loss is at the largest β than at the smallest."""
    curves = _curves(run)
    late = curves[..., int(LATE * curves.shape[-1]) :]
    # first differences have no trend; those of independent bins are √2 of their deviation
    return _ratio(np.diff(late, axis=-1).std(-1) / np.sqrt(2), run.beta)


def time_ratio(run: Run) -> Interval:
    """How much longer the loss takes to fall at the largest β than at the smallest."""
    curves = _curves(run)
    first, last = curves[..., :1], curves[..., -10:].mean(-1, keepdims=True)
    there = curves <= first + REACHED * (last - first)
    steps = run.history["step"].values[there.argmax(-1)]
    return _ratio(np.where(there.any(-1), steps, np.nan), run.beta)


def claims_section(runs: Runs) -> str:
    """List what earlier versions of this page said and no longer holds."""
    blog, annealed, exact = runs["blog"], runs["annealed"], runs["analytic-annealed"]
    code = best(blog.values(CODE), blog.beta, "higher").optimum
    edge = int((code.censored == -1).sum())
    items = [
        '"No, stronger regularisation never helps." It was said of one score, with endless data, '
        f"at the edge of its grid: the best β of `{CODE}` is the weakest of `blog` at "
        f"{of(edge, len(blog.mu), 'bias', 'biases')}, and for a linear model that is a theorem. "
        "Of the decoder, the prior and finite data it says nothing; see above.",
        '"Collapsed encoders have lost the way back: their hidden units die." With units that '
        f"cannot die models collapse too ({value(leaky_alive(runs))} more models a seed stay "
        "alive). With the analytic KL and a warm-up "
        f"{_out_of(alive(exact))} models below β\\* have an active latent, with the one-sample KL "
        f"{_out_of(alive(annealed))}. That no active model lies above its own threshold "
        "carries no information: none could.",
        '"The diagonal is real." A boundary that falls with μ there is; how it falls is not the '
        "theory's in every run (section 4). β\\* bounds it.",
        f'"Recovered", of models that are merely active. R² ≥ 0.9 has {recovered(blog)} of '
        f"{len(blog.mu) * len(blog.beta)} models a seed in `blog`, {recovered(annealed)} in "
        "`annealed`. Regimes now say what was measured.",
        "A skewness of −1 of the intensities at μ = 2. It is −1.54; −1.00 is that of a square's "
        "mean with its noise.",
    ]
    return paragraphs(
        "## 7. What earlier versions said and no longer holds", "\n".join(f"- {i}" for i in items)
    )


def _out_of(count: tuple[int, int]) -> str:
    return f"{count[0]} of {count[1]}"


PRIOR_ART = (
    "Lucas, Tucker, Grosse & Norouzi 2019 (the linear VAE's optimum and its collapse threshold)",
    "Dai, Wang & Wipf 2020 (collapse as a property of the optimisation of deep VAEs)",
    "Wang & Ziyin 2022 (the threshold of linear latent models)",
    "Ichikawa & Hukushima 2024 (β, the amount of data and collapse in the high-dimensional limit "
    "of linear VAEs)",
    "Li et al. 2025, arXiv 2510.01621 (the same threshold for nonlinear models, with a jump of the "
    "KL)",
)


def prior_art_section() -> str:
    """Name who found what before."""
    return paragraphs(
        "## 8. Prior art",
        "That β above the largest eigenvalue over σ² collapses a latent is known: "
        f"{listed(PRIOR_ART)}. New here is what it does to a biased test, to the prior's samples "
        "and at finite data, with its rivals.",
    )


def trust(runs: Runs) -> str:
    """Say what would change the answers, and what is not known."""
    seeds = sorted({run.study.seeds for run in runs.values()})
    hidden = "-".join(map(str, runs["blog"].setting("hidden")))
    minutes = np.nansum([run.minutes for run in runs.values()])
    return paragraphs(
        "## 9. How far to trust it",
        f"Seeds: {listed(f'{s}' for s in seeds)}; each is a replicate of initialisation, noise and "
        "training set. Intervals are 95 %, Student's t over seeds unless said otherwise; those of "
        "the best β are bootstraps over seeds. Many are shown, and none is corrected for that: one "
        "in twenty would exclude 0 by chance. Verdicts over several cells are counts, not tests.",
        f"One network (hidden layers of {hidden}), one optimiser (Adam), one world of independent "
        "squares in Gaussian noise, one bias. The best β and the best number of steps are chosen "
        "by the score itself on other training sets, and stopping by the loss on unseen images "
        "uses 1,024 of them: someone with one training set has neither. A best step is among those "
        "measured. Whether any of it holds for other worlds and biases "
        "is open.",
        f"All runs together took {number(minutes, 0)} minutes, from a run's start to its results, "
        "pauses included.",
    )
