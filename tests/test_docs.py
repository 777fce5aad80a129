"""What the documentation shows works as written, and so do the examples in docstrings."""

import doctest
import importlib
import pkgutil
import re
import shlex
from pathlib import Path

import jax
import numpy as np
import pytest

import biasvae_jax
from biasvae_jax.cli import sweep as full_sweep

WRITTEN = ("docs", "biasvae_jax", "experiments", "tests")
DOCS = Path(__file__).parents[1] / "docs"


def code_of(page):
    return "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL))


def run(code, names, page):
    # the tests' rule against rank promotion is not asked of readers
    with jax.numpy_rank_promotion("allow"):
        exec(compile(code, page, "exec"), names)


def test_the_variants_train():
    ended = []

    def noted(code):
        return code.replace("state, losses = trained", "state, losses = noted")

    names = {}

    def trained(*args, **settings):
        state, losses = names["trained"](*args, **settings)
        ended.append(losses)
        return state, losses

    names["noted"] = trained
    run(noted(code_of("variants.md")), names, "variants.md")
    assert len(ended) == 4
    for losses in ended:
        assert np.isfinite(losses.loss).all()
        assert np.mean(losses.reconstruction[-20:]) < np.mean(losses.reconstruction[:5])
    assert names["scores"].recovery_r2.shape == (4,)


def test_the_quickstart_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = (
        "--preset smoke --mu 0 --beta 0.5 --steps 40 --kl-warmup 10 --n 2 --m 3 --hidden 8 --quiet"
    )
    full_sweep.main(shlex.split(flags))
    names = {}
    run(code_of("quickstart.md"), names, "quickstart.md")
    assert names["images"].shape == (81, 36) and names["losses"].loss.shape == (200,)


def test_links_between_pages_lead_somewhere():
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([\w./-]+)\)", page.read_text()):
            assert (DOCS / target).exists(), f"{page.name}: {target}"


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
