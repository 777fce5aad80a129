"""The report as a reader meets it, in a real browser."""

import re

import pytest

expect = pytest.importorskip("playwright.sync_api").expect


def centre_of(tab, plot, row, column):
    """Find the middle of a cell on the screen."""
    tab.locator(plot).scroll_into_view_if_needed()
    return tab.evaluate(
        """([plot, row, column]) => {
          const div = document.querySelector(plot), box = div.getBoundingClientRect();
          const { xaxis, yaxis } = div._fullLayout;
          return [box.left + xaxis._offset + xaxis.d2p(column),
                  box.top + yaxis._offset + yaxis.d2p(row)];
        }""",
        [plot, row, column],
    )


def heading(tab):
    return tab.locator("#chosen").inner_text()


def score_row(tab, name, panel="#panel0"):
    row = tab.locator(f"{panel} .scores tr[data-score='{name}']")
    return row.locator("td").all_inner_texts()


def test_it_opens_on_the_best_recovered_model(visit):
    tab = visit()
    assert heading(tab) == "The model at μ = 0, β = 0.1"
    assert score_row(tab, "loss")[0] == "1"  # the mean of 0, 1, 2
    assert tab.locator("#panel0 .curves .scatterlayer path").count() >= 3
    assert tab.locator("#panel0 figure img").count() == 7
    assert tab.evaluate("[...document.images].every(i => !i.src || i.naturalWidth > 0)")


def test_hovering_shows_value_and_interval(visit):
    tab = visit()
    tab.select_option("#score", "loss")
    tab.mouse.move(*centre_of(tab, "#map0", 1, 2))
    hover = tab.locator("#map0 .hoverlayer .hovertext").first
    hover.wait_for()
    text = hover.text_content()
    assert "μ = 1, β = 1" in text and "121" in text and "95 % interval 118.5 to 123.5" in text


def test_a_click_shows_that_model(visit):
    tab = visit()
    tab.mouse.click(*centre_of(tab, "#map0", 2, 3))
    expect(tab.locator("#chosen")).to_have_text("The model at μ = 2, β = 2")
    assert score_row(tab, "loss")[:2] == ["231", "228.5 to 233.5"]
    assert score_row(tab, "recovery_r2")[2] == "0.03"


def test_a_cell_without_pictures_says_so(visit):
    tab = visit()
    assert not tab.locator(".nopictures").is_visible()
    tab.mouse.click(*centre_of(tab, "#map0", 0, 7))
    tab.locator(".nopictures").wait_for(state="visible")


def test_arrow_keys_and_enter_do_without_a_mouse(visit):
    tab = visit()
    for _ in range(5):
        if tab.evaluate("document.activeElement.id") == "map0":
            break
        tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "map0"
    for key in ("ArrowUp", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"):
        tab.keyboard.press(key)
    assert heading(tab) == "The model at μ = 0, β = 0.1"  # not before Enter
    assert tab.locator("#readout").inner_text().startswith("μ = 1, β = 0.5: Recovery (R²) 0.3333")
    assert "μ = 1, β = 0.5" in tab.locator("#map0").get_attribute("aria-label")
    tab.keyboard.press("Enter")
    assert heading(tab) == "The model at μ = 1, β = 0.5"
    for _ in range(20):
        tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    assert heading(tab) == "The model at μ = 1, β = 10"


def test_the_switch_changes_map_meaning_and_table(visit):
    tab = visit()
    tab.get_by_text("The same as a table").click()
    assert tab.locator("#tables > div:visible").get_attribute("data-score") == "recovery_r2"
    tab.select_option("#score", "kl")
    assert tab.locator("#tables > div:visible").get_attribute("data-score") == "kl"
    assert "neither higher nor lower is better (kl)" in tab.locator("#meaning").inner_text()
    cells = tab.locator("#map0 .scatterlayer text").all_text_contents()
    assert "71" in [cell.strip() for cell in cells]
    assert tab.locator("#tables > div:visible td").first.inner_text() == "1"
    assert "now" in tab.locator("#panel0 tr[data-score='kl']").get_attribute("class")


def test_two_runs_compare(visit):
    tab = visit("two")
    tab.select_option("#score", "loss")
    assert tab.locator(".map .plot").count() == 3
    headings = tab.locator(".map h3").all_inner_texts()
    assert headings[1] == "<script>alert(1)</script>" and headings[2].endswith("minus first")
    tab.mouse.click(*centre_of(tab, "#map2", 1, 1))
    expect(tab.locator("#chosen")).to_have_text("The model at μ = 1, β = 0.5")
    assert score_row(tab, "loss")[0] == "111"
    assert score_row(tab, "loss", "#panel1")[0] == "116"
    assert "5 = 116 − 111" in tab.locator("#readout").inner_text()
    assert tab.locator(".banner").first.inner_text().endswith("not finished")


def test_a_variants_page_has_its_axes_its_terms_and_no_theory(visit):
    tab = visit("variant")
    assert re.fullmatch(r"The model at s = [\d.]+, γ = \d+", heading(tab))
    assert tab.locator("#panel0 .curves .scatterlayer .trace").count() == 5
    head = tab.locator("#panel0 .scores thead th").all_inner_texts()
    assert head == ["score", "this model", "random networks"]
    assert "orange" not in tab.locator("#keys").inner_text()
    tab.mouse.click(*centre_of(tab, "#map0", 1, 1))
    expect(tab.locator("#chosen")).to_have_text("The model at s = 1, γ = 1")
    assert tab.evaluate("[...document.images].every(i => !i.src || i.naturalWidth > 0)")
    assert "over s and γ" in tab.locator("#map0").get_attribute("aria-label")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["one", "two", "variant"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(visit, kind, width, scheme):
    tab = visit(kind, width, scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    ink, paper = tab.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert contrast(ink, paper) > 7
    tick = tab.evaluate("getComputedStyle(document.querySelector('.xtick text')).fill")
    assert contrast(tick, paper) > 7


def contrast(*colours):
    """Contrast ratio of two CSS colours, as WCAG 2 defines it."""
    light = []
    for colour in colours:
        parts = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
        linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        light.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(light) + 0.05) / (min(light) + 0.05)


def test_a_wheel_over_the_map_scrolls_the_page(visit):
    tab = visit(width=390)
    tab.mouse.move(*centre_of(tab, "#map0", 1, 1))
    before = tab.evaluate("scrollY")
    tab.mouse.wheel(0, 300)
    tab.wait_for_timeout(500)
    assert tab.evaluate("scrollY") > before + 100
