"""Plain sentences about a run and about one cell, written from the numbers.

Each is there only if what it tells of is: a score, a theory, a second strength.
"""

import numpy as np

from biasvae_jax.axes import Axis
from biasvae_jax.report.answer import TIE, answer
from biasvae_jax.report.maps import number, place
from biasvae_jax.report.view import RunView
from biasvae_jax.statistics.regimes import RECOVERED_R2, counts_in_words


def headline(view: RunView) -> str:
    """Say in one sentence what the grid answers; empty where no recovery is known."""
    rows, columns, r2 = view.rows, view.columns, view.mean("recovery_r2")
    if not np.isfinite(r2).any():
        return ""
    i, j = (int(k) for k in np.unravel_index(np.nanargmax(r2), r2.shape))
    said = f"Recovery is best at {place(rows, columns, i, j)}, with an R² of {r2[i, j]:.2f}"
    whole, helped = _helped(view, r2)
    if not whole:
        return f"{said}."
    lowest = f"{columns[int(np.argmin(columns.values))]:g}"
    where = f"{len(helped) or 'none'} of {len(whole)} {'bias' if len(whole) == 1 else 'biases'}"
    return f"{said}; a {columns.symbol} above {lowest} raises it at {where}."


def about_run(view: RunView, compared: bool = False) -> list[str]:
    """Say what the whole grid shows, or the cells that `compared` runs have in common."""
    grid = view.grid
    seeds = "one seed" if grid.seeds == 1 else f"{grid.seeds} seeds"
    across = f"{len(grid.bias)} biases × {len(grid.strength)} {grid.strength.symbol}"
    trained = f"trained for {view.steps:,} steps each, with the loss {view.loss}, in nats."
    cells = len(grid.bias) * len(grid.strength)
    common = f"{cells} cells in common ({across}), with {seeds} each, {trained}"
    models = f"{grid.size} models ({across} × {seeds}) were {trained}"
    said = [common if compared else models]
    lost = round(float(np.nansum(1 - view.mean("finite"))) * grid.seeds)
    if lost:
        said.append(f"{lost} of them diverged and have no scores.")
    if not np.isfinite(view.mean("active_units")).any():
        return said if lost == grid.size else [*said, "No model has been scored yet."]
    if "recovery_r2" in view.scores:
        said.insert(0, answer(view.mean("recovery_r2"), view.rows, view.columns))
    return [*said, *_recovery(view), *_collapse(view), *_kl(view), *_left_out(view)]


def _recovery(view: RunView) -> list[str]:
    if "recovery_r2" not in view.scores:
        return []
    rows, columns, r2 = view.rows, view.columns, view.mean("recovery_r2")
    if not np.isfinite(r2).any():
        return ["Recovery R² is undefined for every model, as where the test factors do not vary."]
    i, j = np.unravel_index(np.nanargmax(r2), r2.shape)
    baseline = view.random.get("recovery_r2", np.nan)
    random = f"; randomly initialised networks reach {baseline:.2f}" if baseline == baseline else ""
    best = place(rows, columns, int(i), int(j))
    said = [
        f"Best recovery: at {best} a linear map of the learned code "
        f"explains {r2[i, j]:.0%} of the true factors' variance{random}."
    ]
    if view.recovered is not None:
        models, of = view.recovered
        said.append(
            f"Recovered: {models} of {of} models have a recovery R² of {RECOVERED_R2:g} or more."
        )
    lowest = int(np.argmin(columns.values))
    near, far = _least_and_most(rows)
    if near != far and np.isfinite(r2[[near, far], lowest]).all():
        said.append(
            f"Bias: at the lowest {columns.symbol}, {columns[lowest]:g}, recovery R² goes from "
            f"{r2[near, lowest]:.2f} at {place(rows, columns, near, lowest)} to "
            f"{r2[far, lowest]:.2f} at {place(rows, columns, far, lowest)}."
        )
    return said + _regularisation(view, r2, lowest)


def _least_and_most(axis: Axis) -> tuple[int, int]:
    """Find the values nearest to neutral and farthest from it; the ends if none is known to be."""
    values = np.asarray(axis.values)
    away = values if np.isnan(axis.neutral) else np.abs(values - axis.neutral)
    return int(np.argmin(away)), int(np.argmax(away))


def _regularisation(view: RunView, r2: np.ndarray, lowest: int) -> list[str]:
    """Say for which biases a strength above the lowest recovers more."""
    rows, columns = view.rows, view.columns
    whole, helped = _helped(view, r2)
    if not whole:
        return []
    above = f"a {columns.symbol} above {columns[lowest]:g}"
    if not helped:
        return [
            f"Stronger regularisation: for none of the {len(whole)} biases does {above} raise "
            f"recovery R² by more than {TIE:g}."
        ]
    cases = "; ".join(
        f"{place(rows, columns, r, int(r2[r].argmax()))} ({r2[r].max():.2f} against "
        f"{r2[r, lowest]:.2f})"
        for r in helped[:4]
    )
    more = ", …" if len(helped) > 4 else ""
    return [
        f"Stronger regularisation: for {len(helped)} of {len(whole)} biases {above} raises "
        f"recovery R² by more than {TIE:g}: {cases}{more}."
    ]


def _helped(view: RunView, r2: np.ndarray) -> tuple[list[int], list[int]]:
    """Return the biases scored at every strength, and those where one above the lowest helps."""
    lowest = int(np.argmin(view.columns.values))
    whole = [int(row) for row in np.flatnonzero(np.isfinite(r2).all(1))]
    if len(view.columns) < 2:
        return [], []
    return whole, [row for row in whole if r2[row].max() - r2[row, lowest] > TIE]


def _collapse(view: RunView) -> list[str]:
    told = "" if view.regimes is None else f"Of the models, {_regimes(view, view.regimes)}."
    if view.boundary is None:
        return [told] if told else []
    symbol = view.rows.symbol
    said = (
        f"Collapse: the linear theory puts the boundary at {view.threshold} = λ({symbol})/σ², from "
        f"{view.boundary.max():.2f} down to {view.boundary.min():.2f} over these {symbol}."
    )
    if view.lines is not None and view.lines.shape[1] > 1:
        said += " Latents collapse one by one: the thin lines are where further ones do."
    return [f"{said} {told}".rstrip()]


def _regimes(view: RunView, codes: np.ndarray) -> str:
    """Count models by what became of them; those still to score are left out."""
    return counts_in_words(codes, view.columns.symbol, view.follows)


def _kl(view: RunView) -> list[str]:
    if "kl" not in view.theory:
        return []
    predicted, found = view.theory["kl"], view.mean("kl")
    use = (predicted > 0.1) & np.isfinite(found)
    if not use.any():
        return []
    ratio = np.median(found[use] / predicted[use])
    return [
        f"Information: where the theory expects more than 0.1 nats of KL, the trained models "
        f"have {ratio:.0%} of it (median over {use.sum()} cells)."
    ]


def _left_out(view: RunView) -> list[str]:
    return [
        f"Left out: {', '.join(n for n, why in view.left_out.items() if why == reason)} ({reason})."
        for reason in dict.fromkeys(view.left_out.values())
    ]


def about_cell(view: RunView, i: int, j: int) -> list[str]:
    """Say what one cell shows."""
    value = {name: float(cells.mean[i, j]) for name, cells in view.scores.items()}
    if not all(np.isfinite(value.get(term, 0.0)) for term in view.curves):
        untrained = "diverged: its loss left the finite numbers" if value["finite"] == 0 else ""
        return [f"This model {untrained or 'has not been trained yet'}."]
    said = _side(view, i, j)
    if not np.isfinite(value["active_units"]):
        return [*said, "It is still in training, and not scored yet."]
    units = value["active_units"]
    if units == 0:
        said.append("No latent is active: the code says nothing about the image.")
    else:
        said.append(f"{units:.3g} of {view.latents} latents are active.")
    if view.regimes is not None:
        said.append(f"Models of this cell: {_regimes(view, view.regimes[i, j])}.")
    if "recovery_r2" in value:
        r2, random = value["recovery_r2"], view.random.get("recovery_r2", np.nan)
        beside = f" ({random:.0%} for random networks)" if random == random else ""
        said.append(
            f"A linear map of the code explains {max(r2, 0):.0%} of the true factors' "
            f"variance{beside}."
            if np.isfinite(r2)
            else "Recovery R² is undefined."
        )
    if "kl" in view.theory and np.isfinite(view.theory["kl"][i, j]):
        said.append(
            f"Its KL is {number(value['kl'])} nats; the linear optimum has "
            f"{number(float(view.theory['kl'][i, j]))}."
        )
    return said


def _side(view: RunView, i: int, j: int) -> list[str]:
    """Say on which side of the theory's line a cell is, if there is one."""
    if view.boundary is None:
        return []
    threshold = view.boundary[i]
    below = view.columns[j] < threshold
    side, expects = ("below", "active latents") if below else ("above", "collapse")
    return [
        f"{view.columns.symbol} is {side} the threshold {view.threshold} = {threshold:.2f}, "
        f"so the theory expects {expects}."
    ]


def about_pair(first: RunView, second: RunView) -> list[str]:
    """Say how recovery R² differs between two runs of the same cells."""
    if not all("recovery_r2" in view.scores for view in (first, second)):
        return []
    difference = second.mean("recovery_r2") - first.mean("recovery_r2")
    known = np.isfinite(difference)
    if not known.any():
        return ["The two runs have no cell in common in which recovery R² is defined."]
    i, j = np.unravel_index(np.nanargmax(np.abs(difference)), difference.shape)
    up, down = (difference > TIE).sum(), (difference < -TIE).sum()
    return [
        f"Of {known.sum()} cells scored in both, recovery R² is higher in {second.name} by more "
        f"than {TIE:g} in {up} and lower in {down}; the largest difference, "
        f"{difference[i, j]:+.2f}, is at {place(first.rows, first.columns, int(i), int(j))}."
    ]
