"""What the documentation shows works as written, and so do the examples in docstrings."""

import doctest
import importlib
import pkgutil
import re
import shutil
from pathlib import Path

import jax
import pytest

import biasvae_jax

WRITTEN = ("docs", "biasvae_jax", "experiments", "tests")
DOCS = Path(__file__).parents[1] / "docs"


def code_of(page):
    return "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL))


def run(code, names, page):
    # the tests' rule against rank promotion is not asked of readers
    with jax.numpy_rank_promotion("allow"):
        exec(compile(code, page, "exec"), names)


def test_a_component_of_ones_own_is_one_file_of_few_lines_followed_by_its_command():
    """A world, a bias or a table takes about 40 lines, a network or an objective 80."""
    page = (DOCS / "variants.md").read_text()
    told = {}
    for text, name, code in re.findall(
        r"((?:(?!```).)*)```python\n# (\w+\.py)\n(.*?)```\n+```sh\n(?=python)", page, re.DOTALL
    ):
        told[name] = int(re.findall(r"(\d+) lines", text)[-1])
        assert told[name] == code.count("\n") + 1, name
    assert set(told) == {"bar.py", "first.py", "free_nats.py", "tied.py", "digits.py"}
    assert max(told["bar.py"], told["first.py"], told["digits.py"]) < 45
    assert max(told["free_nats.py"], told["tied.py"]) <= 80


def test_the_quickstart_runs(tiny_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    shutil.copytree(tiny_run, tmp_path / "runs" / "smoke")
    names = {}
    run(code_of("quickstart.md"), names, "quickstart.md")
    assert names["images"].shape == (81, 36) and names["losses"].loss.shape == (200,)


def test_links_between_pages_lead_somewhere():
    found = set()
    for page in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([\w./-]+)\)", page.read_text()):
            file = (page.parent / target).resolve()
            assert file.exists(), f"{page.relative_to(DOCS)}: {target}"
            found.add(file)
    assert found >= {table.resolve() for table in DOCS.rglob("*.csv")}  # none is left over


def test_the_original_study_is_named_where_readers_begin_and_never_called_a_seed():
    root = DOCS.parent
    for first in ("README.md", "docs/index.md", "docs/findings.md", "docs/design.md"):
        text = re.sub(r"\s+", " ", (root / first).read_text())
        assert "Recovering Latent Variables with VAEs despite Training Bias" in text, first
    # a replicate is "a seed", "each seed" or "its seed"
    confusing = re.compile(r"\bthe\W+seed\b|\bthe original\b(?!\W+study)", re.IGNORECASE)
    for folder, ending in (("", "*.md"), *((f, "**/*.*") for f in WRITTEN)):
        for file in (root / folder).glob(ending):
            if file.suffix in {".py", ".md", ".html", ".js"}:
                found = confusing.search(file.read_text())
                assert not found, f"{file.relative_to(root)}: {found and found.group()}"


MODULES = [m.name for m in pkgutil.walk_packages(biasvae_jax.__path__, "biasvae_jax.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0
