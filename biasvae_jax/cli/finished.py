"""What a finished run has to show: its table, page and figures, and a summary in the terminal."""

from pathlib import Path

from rich.console import Console

from biasvae_jax.cli.pictures import write_figures
from biasvae_jax.cli.report import write_report
from biasvae_jax.cli.summary import print_summary
from biasvae_jax.errors import shown
from biasvae_jax.runs import directory
from biasvae_jax.runs.loading import load_run, write_table
from biasvae_jax.study import Study


def present(out: Path) -> None:
    """Write the table and the report, then the figures, which end a run."""
    run = load_run(out)
    write_table(run)
    write_report(run)
    write_figures(run)


def show_again(console: Console, out: Path, given: Study) -> None:
    """Print a finished run's summary; make anew what of it can be made of its results.

    Says which groups of models are missing or damaged: pictures and later scores need them.
    """
    study = directory.stored_study(out, directory.read_description(out) or {})
    if getattr(study.world, "data", "") != getattr(given.world, "data", ""):
        with directory.lock_run(out):
            directory.keep_place(out, given)
    wrong = directory.missing_models(out, study)
    for line in wrong:
        console.print(f"warning: {shown(line)}", markup=False)
    if not wrong and not _is_presented(out):
        console.print("writing report.html and figures, which are missing or not whole")
        try:
            with directory.lock_run(out):
                present(out)
        except (directory.StorageError, directory.RunDirectoryError) as error:
            console.print(f"warning: they could not be written: {shown(error)}", markup=False)
    print_summary(console, out, None)


def _is_presented(out: Path) -> bool:
    """Tell whether a run's page and figures are there and look whole."""
    report, figures = out / "report.html", out / "figures"
    try:
        with report.open("rb") as page:
            page.seek(max(0, report.stat().st_size - 100))
            whole = page.read().rstrip().endswith(b"</html>")
        pictures = [file for file in figures.iterdir() if file.suffix == ".png"]
        return whole and bool(pictures) and all(map(_is_png, pictures))
    except OSError:
        return False


def _is_png(file: Path) -> bool:
    content = file.read_bytes()
    return content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82")
