"""How the KL ends near β*: by a kink, or by a jump."""

from collections.abc import Callable

from matplotlib.figure import Figure

from biasvae_jax.statistics.bounded import bounded_interval
from biasvae_jax.statistics.intervals import Interval, t_interval
from experiments.findings.boundary import jumps, kl_near, last_active
from experiments.pages.documents import Part, Picture
from experiments.pages.run import Run
from experiments.pages.tables import Cell, Table, cell, fixed
from experiments.pages.words import number, value

SMALL = 1e-3  # nats


def kink_parts(fine: list[Run], draw: Callable[[], Figure]) -> list[Part]:
    """Write how the KL ends in runs with β closely around β*, with the figure of it."""
    run = fine[0]
    return [
        "## A kink or a jump?",
        "A linear model's KL falls to 0 at β\\* continuously, with a kink. Li et al. 2025 (arXiv "
        "2510.01621) find the same threshold for nonlinear models, and a jump. Here are β closely "
        f"around β\\*, with endless data, {run.study.training.steps:,} steps, a learning rate that "
        f"falls to 0, and {run.study.seeds} seeds; the KL is in nats. A collapse from less than "
        "half a nat is called no jump of note.",
        *(part for each in fine for part in _kink(each)),
        Picture(
            "findings_kink",
            "KL around the threshold",
            draw,
            "The closed form is the linear model's; the vertical line is β\\*.",
        ),
    ]


def _kink(run: Run) -> list[Part]:
    kl, predicted = kl_near(run)
    active = run.values("active_units")[0]
    ratio = run.beta / run.threshold[0]
    rows = [
        [
            fixed(ratio[j], 3),
            _small(t_interval(kl[j])),
            fixed(predicted[j], 3),
            bounded_interval(active[j], 0, run.study.latents),
        ]
        for j in range(len(ratio))
    ]
    columns = {
        "β/β\\*": "beta_over_threshold",
        "KL": "kl_nats",
        "closed form": "linear_kl_nats",
        "active latents": "active_latents",
    }
    name = f"diagonal_kink_mu_{run.mu[0]:g}"
    return [f"**μ = {run.mu[0]:g}**. {kink_words(run)}", Table(name, columns, rows)]


def kink_words(run: Run) -> str:
    """Say from what KL a run's models collapse."""
    last = last_active(run)
    if last is None:
        return "No latent is active at any of these β."
    kl, predicted = kl_near(run)
    ratio = run.beta / run.threshold[0]
    beyond = number(ratio[min(last + 1, len(ratio) - 1)], 3)
    return (
        f"The largest β with an active latent is {number(ratio[last], 3)}·β\\*, where the KL is "
        f"{value(t_interval(kl[last]))} nats (closed form {number(predicted[last], 3)}). "
        + (
            "It goes from there to 0 within one step of the grid: a jump of up to so much, if it "
            f"is one, lies between {number(ratio[last], 3)} and {beyond}·β\\*."
            if jumps(run)
            else "That is no jump of note."
        )
    )


def _small(kl: Interval) -> Cell:
    """Write a KL, and of one that is surely near 0 only that."""
    found = cell(kl)
    return found._replace(text=f"< {SMALL:g}") if float(kl.high) < SMALL else found
