"""The report as a reader meets it, in a real browser."""

import contextlib
import csv
import io
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


def test_the_rows_of_a_traversal_are_named_by_their_latent(visit):
    tab = visit()
    rows = tab.locator("#panel0 figure[data-kind=traversal] li")
    assert rows.all_inner_texts() == [f"z{k}" for k in range(1, 10)]


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


@pytest.mark.parametrize("keyed", [False, True])
def test_a_press_draws_no_map_before_its_release(visit, keyed):
    """Else Plotly forgets what is under the pointer, and a slow machine loses the click."""
    tab = visit("two")
    if keyed:  # a cell that the keyboard is at, not chosen
        tab.focus("#map0")
        tab.keyboard.press("ArrowUp")
    tab.evaluate(
        """() => {
          window.drawn = 0;
          for (const plot of document.querySelectorAll(".map .plot"))
            plot.on("plotly_afterplot", () => { window.drawn += 1; });
        }"""
    )
    tab.mouse.move(*centre_of(tab, "#map2", 1, 2))
    tab.mouse.down()
    expect(tab.locator("#map2")).to_be_focused()
    assert tab.evaluate("drawn") == 0
    tab.mouse.up()
    expect(tab.locator("#chosen")).to_have_text("The model at μ = 1, β = 1")
    assert tab.evaluate("drawn") > 0


def test_the_frame_of_the_keyboard_goes_with_the_focus(visit):
    tab = visit("two")
    frames = "document.querySelector('#map1').layout.shapes.length"
    tab.focus("#map0")
    tab.keyboard.press("ArrowUp")
    assert tab.evaluate(frames) == 4
    tab.focus("#map1")  # the same cell of the other run
    assert tab.evaluate(frames) == 4
    assert "μ = 1, β = 0.1" in tab.locator("#map1").get_attribute("aria-label")
    tab.focus("#score")
    assert tab.evaluate(frames) == 2
    assert "μ = 0, β = 0.1" in tab.locator("#map1").get_attribute("aria-label")


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


@pytest.mark.parametrize("kind", ["one", "two", "variant"])
@pytest.mark.parametrize(
    ("width", "scheme", "other"), [(390, "dark", "light"), (1280, "light", "dark")]
)
def test_nothing_is_wider_than_the_screen_and_all_is_legible(visit, kind, width, scheme, other):
    """In the scheme that it is opened in, and in the other when the system turns to that."""
    tab = visit(kind, width, scheme)
    papers = set()
    for each in (scheme, other):
        tab.emulate_media(color_scheme=each)
        papers.add(await_legible(tab))
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert len(papers) == 2


def await_legible(tab):
    """Wait until a scheme's text and charts, which are drawn anew, can be read; name its paper."""
    for _ in range(600):
        ink, paper, tick = tab.evaluate(
            """() => {
              const { color, backgroundColor } = getComputedStyle(document.body);
              const drawn = document.querySelector(".xtick text") ?? document.body;
              return [color, backgroundColor, getComputedStyle(drawn).fill];
            }"""
        )
        if min(contrast(ink, paper), contrast(tick, paper)) > 7:
            return paper
        tab.wait_for_timeout(50)
    raise AssertionError(f"{ink} and {tick} on {paper}")


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


def test_the_first_screen_holds_the_strip_one_sentence_and_the_map(visit):
    tab = visit()
    tab.set_viewport_size({"width": 1280, "height": 800})
    ends = [tab.locator(part).bounding_box() for part in (".strip", ".lead", "#map0")]
    bottoms = [box["y"] + box["height"] for box in ends]
    assert bottoms == sorted(bottoms) and bottoms[-1] <= 800
    assert tab.locator(".strip img").count() == 6 and tab.locator(".lead").count() == 1


def test_a_sentence_and_an_address_choose_a_cell(visit):
    tab = visit()
    tab.mouse.click(*centre_of(tab, "#map0", 2, 3))
    expect(tab.locator("#chosen")).to_have_text("The model at μ = 2, β = 2")
    assert tab.evaluate("location.hash") == "#mu=2&beta=2&score=recovery_r2"
    link = tab.locator(".lead a")
    assert link.inner_text() == "μ = 0, β = 0.1"
    link.focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("#chosen")).to_have_text("The model at μ = 0, β = 0.1")
    tab.goto(tab.url.partition("#")[0] + "#mu=1&beta=7&score=kl")
    tab.reload()
    expect(tab.locator("#chosen")).to_have_text("The model at μ = 1, β = 7")
    assert tab.locator("#score").input_value() == "kl"
    tab.goto(tab.url.partition("#")[0] + "#mu=no&score=toString")
    tab.reload()
    expect(tab.locator("#chosen")).to_have_text("The model at μ = 0, β = 0.1")


def click_until(tab, locate, chosen):
    """Click where `locate` says until a model is chosen: charts that arrive late move the page."""
    for attempt in range(10):
        tab.mouse.move(*locate())
        tab.wait_for_timeout(100 * attempt)
        tab.mouse.click(*locate())
        with contextlib.suppress(AssertionError):
            expect(tab.locator("#chosen")).to_have_text(chosen, timeout=1_000)
            return
    raise AssertionError(f"{heading(tab)}, not {chosen}")


def test_two_scores_are_drawn_against_each_other_and_a_point_chooses_its_cell(visit):
    tab = visit()
    tab.select_option("#against", "kl")
    tab.wait_for_selector("#map0 .scatterlayer .point")
    assert tab.locator("#map0 .scatterlayer .trace").first.locator(".point").count() == 24
    assert "Recovery (R²) over Single-sample KL" in tab.locator("#map0").get_attribute("aria-label")
    click_until(tab, lambda: centre_of(tab, "#map0", 1 / 6, 231), "The model at μ = 2, β = 2")
    tab.select_option("#score", "regime")
    tab.wait_for_selector("#map0 .hm")  # in place of the points
    assert tab.locator("#against").is_disabled() and tab.locator("#legend li").count() == 2
    click_until(tab, lambda: centre_of(tab, "#map0", 1, 4), "The model at μ = 1, β = 4")


def test_a_button_saves_every_number(visit):
    tab = visit("two")
    with tab.expect_download() as download:
        tab.click("#csv")
    lines = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert download.value.suggested_filename.endswith(".csv") and len(lines) == 2 * 24
    cell = lines[24 + 8 + 2]
    assert (cell["run"], cell["mu"], cell["beta"]) == ("<script>alert(1)</script>", "1", "1")
    assert (cell["loss"], cell["loss_low"], cell["seeds"]) == ("126", "123.516", "3")


def test_scores_are_in_groups_by_plain_names_and_the_raw_ones_beside(visit):
    tab = visit()
    groups = tab.locator("#score optgroup").evaluate_all("all => all.map(each => each.label)")
    assert groups == ["Recovery of the factors", "Training and collapse"]
    assert tab.locator("#panel0 tr.group th").all_inner_texts() == groups
    head = tab.locator("#panel0 tr[data-score='recovery_r2'] th")
    assert head.inner_text() == "Recovery (R²) ↑ recovery_r2"
    assert "higher is better, yellow is good" in tab.locator("#meaning").inner_text()


def test_printed_it_is_whole(visit):
    tab = visit(scheme="dark")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    tables = tab.locator("#tables > div")
    assert tables.count() == 6 and all(tables.nth(i).is_visible() for i in range(6))
    assert tab.locator("#panel0 .scores").is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.evaluate("document.querySelector('#map0').clientWidth") <= 44 * 16
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("details[open]").count() == 0
