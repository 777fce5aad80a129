"""Other networks: whether an answer is that of one hidden layer of 128."""

from biasvae_jax.statistics.optimum import Better
from experiments.findings.best_beta import optimum_cell
from experiments.findings.evidence import CODE, DECODER
from experiments.findings.optima import best, short_against_strong
from experiments.findings.runs import NETWORKS, RIVAL_SIZE
from experiments.pages.documents import Part
from experiments.pages.run import Run, Runs
from experiments.pages.tables import Table
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


def networks(runs: Runs) -> dict[str, Run]:
    """Return the runs of other networks by their names for people."""
    return {LABELS[each]: runs[f"net-{each}"] for each in NETWORKS if f"net-{each}" in runs}


def code_by_network(runs: Runs) -> list[Part]:
    """Say of each network where the best β of the code lies."""
    return [
        f"*One network.* Others, from {RIVAL_SIZE:,} images, with β = {_betas(runs)}. A β above "
        f"the weakest raises R² in {_helped(runs, CODE, 'higher')}:",
        _table("code_networks", runs, CODE, "higher", ("gain of R²", "gain_r2")),
    ]


def decoder_by_network(runs: Runs) -> list[Part]:
    """Say of each network where the best β of the decoder lies, and what fewer steps do."""
    wins = {
        f"{label} at μ = {mu:g}": sign(short_against_strong(run).apart.at(i))
        for label, run in networks(runs).items()
        for i, mu in enumerate(run.mu)
    }
    better, worse = ([place for place, win in wins.items() if win == side] for side in (-1, 1))
    pairs = of(len(better), len(wins), "pair")
    named = f" ({listed(worse)})" if worse else ""
    return [
        f"*One network.* Others, from {RIVAL_SIZE:,} images, with β = {_betas(runs)}. A β above "
        "the weakest lowers the error by more than a tenth in "
        f"{_helped(runs, DECODER, 'lower')}. The weakest β with fewer steps draws better than the "
        f"best β with all steps in {pairs}, and worse in {len(worse)}{named}:",
        _table("decoder_networks", runs, DECODER, "lower", ("change of the error", "mse_change")),
    ]


def _betas(runs: Runs) -> str:
    run = next(iter(networks(runs).values()))
    return listed(f"{beta:g}" for beta in run.beta)


def _helped(runs: Runs, score: str, better: Better) -> str:
    found = [best(run.values(score), run.beta, better).helps for run in networks(runs).values()]
    whole = [bool(each) for helps in found for each in helps]
    return of(sum(whole), len(whole), "pair") + " of a network and μ"


def _table(name: str, runs: Runs, score: str, better: Better, change: tuple[str, str]) -> Table:
    rows = []
    for label, run in networks(runs).items():
        found, fewer = best(run.values(score), run.beta, better), short_against_strong(run)
        for i, mu in enumerate(run.mu):
            further = [fewer.apart.at(i), str(fewer.verdict[i])] if score == DECODER else []
            rows.append([label, mu, optimum_cell(found, i), found.gain.at(i), *further])
    columns = {"network": "network", "μ": "mu", "best β": "best_beta", change[0]: change[1]}
    if score == DECODER:
        columns |= {"fewer steps − best β": "mse_fewer_steps_minus_best", "verdict": "verdict"}
    return Table(name, columns, rows)
