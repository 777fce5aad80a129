"""Pages and accessibility: axe-core, the checker that browsers' own tools use, finds nothing."""

import pytest

axe = pytest.importorskip("axe_playwright_python.sync_playwright")


@pytest.mark.parametrize("kind", ["one", "two", "variant"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_with_all_sections_open(visit, kind, width, scheme):
    page = visit(kind, width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    found = axe.Axe().run(page)
    assert not found.violations_count, found.generate_report()


def test_axe_would_find_a_picture_without_words(visit):
    page = visit("one")
    page.evaluate("document.body.append(document.createElement('img'))")
    assert "image-alt" in axe.Axe().run(page).generate_report()
