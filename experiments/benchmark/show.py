"""Tables and a figure of what was measured."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from biasvae_jax.cli import output
from experiments.benchmark.contestants import TITLES

COLUMNS = ("contestant", "µs a model-step", "least–most", "× ours", "of the product rate")


def print_rows(console: Console, title: str, columns: Sequence[str], rows: Sequence) -> None:
    """Print a table whose first column is text and whose others are numbers."""
    table = Table(title=title, box=SIMPLE_HEAD)
    for place, heading in enumerate(columns):
        table.add_column(heading, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    output.print_table(console, table)


def contestant_rows(contestants: dict) -> list[list[str]]:
    """Write a row for each contestant."""
    return [
        [
            TITLES[name],
            f"{row['us']:,.0f}",
            f"{row['least']:,.0f}–{row['most']:,.0f}",
            f"{row['ratio']:.2f}",
            f"{row['share']:.0%}",
        ]
        for name, row in contestants.items()
    ]


def show_comparison(console: Console, result: dict) -> None:
    """Print one comparison of all ways."""
    title = (
        f"batch {result['batch_size']}, hidden {result['hidden']}, {result['latents']} latents, "
        f"{result['models']} models: {result['flop'] / 1e6:.1f} MFLOP and "
        f"{result['bytes'] / 1e6:.1f} MB a step; the machine does "
        f"{result['matrix_product_gflops']:.0f} GFLOP/s in a matrix product, copies "
        f"{result['copy_gb_per_s']:.0f} GB/s"
    )
    print_rows(console, title, COLUMNS, contestant_rows(result["contestants"]))


def show_scaling(console: Console, result: dict) -> None:
    """Print what a model-step costs in grids of several sizes."""
    rows = [[n, f"{r['us']:.0f}", f"{r['ratio']:.2f}"] for n, r in result["models"].items()]
    title = "ours, batch 64: cost of a model-step"
    print_rows(console, title, ("models", "µs", "× 121 models"), rows)
    if "one_core_ratio" in result:
        console.print(
            f"one core takes {result['one_core_ratio']:.2f} × the time of {result['cores']} cores"
        )


def show_objectives(console: Console, result: dict) -> None:
    """Print what objectives cost."""
    rows = [
        [
            kind,
            f"{row['us']:.0f}",
            f"{row['ratio']:.2f}",
            f"{row['share']:.2f}",
            f"{row['peer']:.2f}" if "peer" in row else "–",
        ]
        for kind, row in result.items()
    ]
    columns = ("objective", "µs", "× beta_elbo", "× its products' share", "PyTorch eager × ours")
    print_rows(console, "ours, batch 64, 121 models: objectives", columns, rows)


def show_convolution(console: Console, result: dict) -> None:
    """Print the convolution's times."""
    title = f"faces, convolution, batch {result['batch_size']}: {result['flop'] / 1e9:.2f} GFLOP"
    print_rows(console, title, COLUMNS, contestant_rows(result["contestants"]))


def draw(results: Sequence[dict]) -> Figure:
    """Draw µs a model-step of each contestant as bars, a panel for each batch size."""
    figure = Figure(figsize=(7 * len(results), 3.4), layout="constrained")
    figure.suptitle("Training a grid of β-VAEs: time of one step of one model")
    panels = figure.subplots(1, len(results), squeeze=False)[0]
    for axes, result in zip(panels, results, strict=True):
        rows = result["contestants"]
        names = list(rows)[::-1]
        times = [rows[name]["us"] for name in names]
        colours = ["#D55E00" if name == "ours" else "#56B4E9" for name in names]
        bars = axes.barh([TITLES[name] for name in names], times, color=colours)
        labels = [f"{rows[name]['us']:.0f} µs, {rows[name]['ratio']:.1f} ×" for name in names]
        axes.bar_label(bars, labels, padding=3, fontsize=9)
        axes.set(xlabel="µs a model-step (less is better)", xlim=(0, 1.35 * max(times)))
        axes.set_title(f"batch {result['batch_size']}", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    return figure
