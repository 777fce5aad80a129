"""Other networks: whether an answer is that of one hidden layer of 128."""

from collections.abc import Iterator, Mapping

from biasvae_jax.statistics.optimum import Better
from experiments.findings.best_beta import optimum_cell
from experiments.findings.evidence import CODE, DECODER
from experiments.findings.optima import Best, best, short_against_strong
from experiments.findings.runs import NETWORKS, RIVAL_SIZE
from experiments.pages.documents import Part
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Content, Table
from experiments.pages.words import listed, of, sign

LABELS = {
    "linear": "no hidden layer",
    "depth-2": "two hidden layers of 128",
    "width-512": "one hidden layer of 512",
    "tanh": "tanh in place of ReLU",
    "latents-18": "18 latents for nine factors",
    "init-0.3": "initial weights × 0.3",
    "init-3": "initial weights × 3",
}
COLUMNS = {"network": "network", "μ": "mu", "best β": "best_beta"}


def networks(runs: Runs) -> dict[str, Run]:
    """Return the runs of other networks by their names for people."""
    return {LABELS[each]: runs[f"net-{each}"] for each in NETWORKS if f"net-{each}" in runs}


def code_by_network(runs: Runs) -> list[Part]:
    """Say of each network where the best β of the code lies."""
    found = _best(runs, CODE, "higher")
    return [
        f"*One network.* Others, from {RIVAL_SIZE:,} images, with β = {_betas(runs)}. A β above "
        f"the weakest raises R² in {_helped(found)}:",
        Table(
            "code_networks",
            {**COLUMNS, "gain of R²": "gain_r2"},
            [[label, mu, *_cells(found[label], i)] for label, mu, i in _places(runs)],
        ),
    ]


def decoder_by_network(runs: Runs) -> list[Part]:
    """Say of each network where the best β of the decoder lies, and what fewer steps do."""
    found = _best(runs, DECODER, "lower")
    fewer = {label: short_against_strong(run) for label, run in networks(runs).items()}
    wins = {
        f"{label} at μ = {mu:g}": sign(fewer[label].apart.at(i)) for label, mu, i in _places(runs)
    }
    better, worse = ([place for place, win in wins.items() if win == side] for side in (-1, 1))
    pairs = of(len(better), len(wins), "pair")
    named = f" ({listed(worse)})" if worse else ""
    rows = [
        [
            *(label, mu, *_cells(found[label], i)),
            *(fewer[label].apart.at(i), str(fewer[label].verdict[i])),
        ]
        for label, mu, i in _places(runs)
    ]
    columns = {
        **COLUMNS,
        "change of the error": "mse_change",
        "fewer steps − best β": "mse_fewer_steps_minus_best",
        "verdict": "verdict",
    }
    return [
        f"*One network.* Others, from {RIVAL_SIZE:,} images, with β = {_betas(runs)}. A β above "
        f"the weakest lowers the error by more than a tenth in {_helped(found)}. The weakest β "
        f"with fewer steps draws better than the best β with all steps in {pairs}, and worse in "
        f"{len(worse)}{named}:",
        Table("decoder_networks", columns, rows),
    ]


def _places(runs: Runs) -> Iterator[tuple[str, float, int]]:
    """Yield each network with each μ, and the row of that μ."""
    for label, run in networks(runs).items():
        for i, mu in enumerate(run.mu):
            yield label, float(mu), i


def _best(runs: Runs, score: str, better: Better) -> dict[str, Best]:
    """Find the best β of a score by network."""
    return {
        label: best(run.values(score), run.beta, better) for label, run in networks(runs).items()
    }


def _cells(found: Best, row: int) -> list[Content]:
    return [optimum_cell(found, row), found.gain.at(row)]


def _betas(runs: Runs) -> str:
    run = next(iter(networks(runs).values()))
    return listed(f"{beta:g}" for beta in run.beta)


def _helped(found: Mapping[str, Best]) -> str:
    whole = [bool(each) for of_network in found.values() for each in of_network.helps]
    return of(sum(whole), len(whole), "pair") + " of a network and μ"
