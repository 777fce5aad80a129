"""What makes the documentation: pictures, formulas, the site."""

import re
import shutil
from pathlib import Path

import pytest

from biasvae_jax.components import kinds
from biasvae_jax.errors import UsageError
from biasvae_jax.worlds import FiledRows
from experiments import site
from experiments.pictures import command, strips

DOCS = Path(__file__).parents[2] / "docs"


def ours(role):
    """Return the package's own kinds: other tests may have registered theirs."""
    found = kinds(role).items()
    return {kind: of for kind, of in found if of.__module__.startswith("biasvae_jax.")}


def test_every_world_without_a_file_and_every_bias_has_a_picture():
    fileless = {kind for kind, of in ours("world").items() if not issubclass(of, FiledRows)}
    assert set(strips.worlds()) == fileless
    with strips.biases() as drawn:
        assert all(kind == bias.kind for kind, (_, bias) in drawn.items())
        assert set(drawn) == set(ours("bias"))


def test_the_gallery_shows_every_kind_with_its_file():
    page = (DOCS / "gallery.md").read_text()
    for role in ("world", "bias", "objective"):
        for kind, of in ours(role).items():
            assert f"`{kind}`" in page, kind
            assert of.__module__.replace(".", "/") + ".py" in page, kind


def test_every_module_that_a_page_links_to_has_its_place_in_the_reference():
    for page in DOCS.glob("*.md"):
        for name, module in re.findall(r"\(reference/(\w+)\.md#([\w.]+)\)", page.read_text()):
            assert f"::: {module}\n" in (DOCS / f"reference/{name}.md").read_text() + "\n", module


def test_strips_are_of_the_same_draws_and_each_has_its_name():
    world, bias = strips.worlds()["squares"]
    images = strips.strip(world, bias, (0.0, 5.0))
    assert images.shape == (2, strips.IMAGES, 21, 21) and (images[1] > images[0]).all()
    figure = strips.draw({"a": images[:, :2], "b": images[:, 2:4]}, ["μ = 0", "μ = 5"])
    assert len(figure.axes) == 8
    assert [text.get_text() for text in figure.texts] == ["a", "b", "μ = 0", "μ = 5"]
    last = figure.axes[-1].get_position()
    assert last.x1 <= 1 and last.y0 >= 0


def test_maps_of_a_run_that_is_not_there_stay_as_they_are(tmp_path, capsys):
    command._maps("blog", tmp_path / "nothing", tmp_path)
    assert capsys.readouterr().out.startswith("blog: ") and not list(tmp_path.iterdir())


def convert(text):
    pytest.importorskip("math_core")
    markdown = pytest.importorskip("markdown")
    return markdown.markdown(text, extensions=["experiments.mathml", "tables"])


def test_formulas_become_mathml_and_money_and_code_do_not():
    html = convert("a $x^2$, `$y$` and $5 or $6\n\n$$\n\\tfrac12 \\\\ z\n$$\n\n- b\n\n    $$c$$\n")
    assert (
        html.count("<math") == 3 and html.count('<div class="formula"><math display="block"') == 2
    )
    assert "<code>$y$</code> and $5 or $6" in html and "<msup><mi>x</mi><mn>2</mn></msup>" in html


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.stem)
def test_every_formula_of_the_documentation_is_one(page):
    html = re.sub(r"<code>.*?</code>", "", convert(page.read_text()), flags=re.DOTALL)
    assert "$$" not in html and "merror" not in html


@pytest.fixture
def built(monkeypatch):
    def build(work):
        shutil.copytree(work / "docs", work / "site")
        (work / "site" / "reports.md").rename(work / "site" / "reports.html")

    monkeypatch.setattr(site, "_build", build)
    monkeypatch.setattr(site.importlib.util, "find_spec", lambda name: name)


def test_a_site_lists_the_reports_of_runs_whatever_they_are_named(built, tmp_path):
    runs = [tmp_path / "blog", tmp_path / "a](b) <i>"]
    for run in runs:
        run.mkdir()
        (run / "report.html").write_text("a report")
    out = tmp_path / "out"
    site.main([*map(str, runs), "--out", str(out)])
    page = (out / "reports.html").read_text()
    assert '<a href="reports/1.html">blog</a>' in page and '<a href="reports/2.html">a&#93;' in page
    assert "<i>" not in page and (out / "reports" / "2.html").read_text() == "a report"
    site.main(["--out", str(out)])  # over its own; none were published
    assert "No report was published" in (out / "reports.html").read_text()


def test_a_site_needs_a_report_of_each_run_and_writes_over_nothing_else(built, tmp_path):
    with pytest.raises(UsageError, match=r"no report\.html; python -m experiments\.report"):
        site.main([str(tmp_path), "--out", str(tmp_path / "out")])
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="name another --out"):
        site.main(["--out", str(tmp_path)])
    assert (tmp_path / "mine.txt").exists()
    assert not (tmp_path / "out").exists()
