"""Build the site: the documentation and the reports of runs, as one folder of files.

Any web server shows it, and so does a browser from the disk, but for the search. It asks no other
server for anything.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from biasvae_jax.cli import common
from biasvae_jax.errors import UsageError, shown
from biasvae_jax.runs.files import reporting_disk_errors

ROOT = Path(__file__).parents[1]
PAGE = """# Reports

Every run ends with a report: one page in one file, which needs no other file and no server. These
were published with this copy of the site:

{links}
"""


@dataclass(frozen=True)
class Flags:
    """What is published, and where."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Directories of runs whose reports belong to the site."""
    out: Path = Path("site")
    """Folder to write. It must not be there yet, or be a site that this command wrote."""


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    flags = common.parse(Flags, arguments, Flags(), "python -m experiments.site", __doc__ or "")
    if not all(map(importlib.util.find_spec, ("zensical", "math_core"))):
        raise UsageError("the site's generator is not installed: pip install -e '.[docs]'")
    reports = _reports(flags.runs)
    if flags.out.exists() and not (flags.out / "reports.html").is_file():
        raise UsageError(f"{flags.out} is there and is no site of this command: name another --out")
    with tempfile.TemporaryDirectory() as folder, reporting_disk_errors(flags.out):
        work = Path(folder)
        shutil.copytree(ROOT / "docs", work / "docs")
        shutil.copy(ROOT / "mkdocs.yml", work)
        if reports:
            _publish(reports, work / "docs")
        _build(work)
        shutil.rmtree(flags.out, ignore_errors=True)
        shutil.copytree(work / "site", flags.out)
    print(f"open {shown(flags.out / 'index.html')}")


def _reports(runs: Sequence[Path]) -> dict[str, Path]:
    """Return the report of each run by the run's name; raises UsageError where there is none."""
    found: dict[str, Path] = {}
    for run in runs:
        name, report = run.resolve().name, run / "report.html"
        if not report.is_file():
            raise UsageError(
                f"{run} has no report.html; python -m experiments.report {run} writes it"
            )
        if name in found:
            raise UsageError(f"two runs are named {name}; the site needs a name for each")
        found[name] = report
    return found


def _publish(reports: dict[str, Path], docs: Path) -> None:
    """Put reports beside the documentation, and write the page that lists them."""
    (docs / "reports").mkdir()
    links = []
    for number, (name, report) in enumerate(reports.items(), 1):
        shutil.copy(report, docs / "reports" / f"{number}.html")  # whatever a run is named
        links.append(f'- <a href="reports/{number}.html">{_escaped(name)}</a>')
    (docs / "reports.md").write_text(PAGE.format(links="\n".join(links)))


def _escaped(name: str) -> str:
    """Write each letter of a name so that it means nothing to Markdown and HTML."""
    return "".join(c if c.isalnum() else f"&#{ord(c)};" for c in shown(name))


def _build(work: Path) -> None:
    """Run the site's generator, which says what it finds wrong."""
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=work)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    common.run(main)
