"""Pictures in the middle of training, in the report's page."""

import dataclasses
import io

import numpy as np
import pytest
from conftest import a_view
from PIL import Image

from biasvae_jax.report import page
from biasvae_jax.report.film import Film, Strip
from biasvae_jax.report.sprites import sprite

expect = pytest.importorskip("playwright.sync_api").expect
STEPS = [50, 800, 10_000]


def a_strip(*levels, steps=STEPS):
    images = np.ones((1, 3, 8, 8)) * np.reshape(levels, (-1, 1, 1, 1))
    return Strip(sprite(images), steps, np.array([1.0, 4, 9])[-len(steps) :])


def filmed(name, strips):
    film = Film(sprite(np.zeros((1, 3, 8, 8))), (8, 26), 1, 3, strips)
    course = {"active_units": np.tile(np.arange(1.0, 11), (3, 8, 1))}
    moments = np.array([50, 100, 200, 300, 400, 600, 800, 2_000, 5_000, 10_000])
    return dataclasses.replace(a_view(name), film=film, moments=moments, course=course)


@pytest.fixture(scope="module")
def reels(tmp_path_factory):
    file = tmp_path_factory.mktemp("film") / "film.html"
    first = {(0, 0): a_strip(0.25, 0.5, 0.75), (0, 1): a_strip(1, 0, steps=STEPS[1:])}
    without = dataclasses.replace(a_view("without"), no_film="None here; use --snapshots.")
    views = [filmed("first", first), filmed("second", {(0, 0): a_strip(0.9, 0.1, 0.3)}), without]
    file.write_text(page(views), encoding="utf-8")
    return file


def level(tab, panel):
    """Return the intensity in the middle of what a panel shows."""
    drawn = Image.open(io.BytesIO(tab.locator(f"#panel{panel} .frame").screenshot())).convert("L")
    return np.asarray(drawn)[drawn.height // 2, drawn.width // 2] / 255


def scrub(tab, panel, k):
    tab.locator(f"#panel{panel} .scrub input").evaluate(
        "(input, k) => { input.value = k; input.dispatchEvent(new Event('input')); }", k
    )


def test_pictures_follow_the_step_and_the_cell_in_every_panel(visit, pages, reels):
    pages["film"] = reels
    tab = visit("film", width=390, scheme="dark")
    tab.locator("#panel0 .time").scroll_into_view_if_needed()
    said = [tab.locator(f"#panel{k} .said") for k in (0, 1)]
    expect(said[0]).to_have_text(
        "The chosen model, seed 0, after 10,000 steps: 9 of 9 latents are active."
    )
    for k, step, words, known in (
        (0, "50", "1 of 9 latents is", (0.25, 0.9)),
        (5, "800", "4 of 9 latents are", (0.5, 0.1)),  # of step 600, the nearest
        (9, "10,000", "9 of 9 latents are", (0.75, 0.3)),
    ):
        scrub(tab, 0, k)
        for panel in (0, 1):
            text = f"The chosen model, seed 0, after {step} steps: {words} active."
            expect(said[panel]).to_have_text(text)
            assert abs(level(tab, panel) - known[panel]) < 0.03
    image = tab.locator("#panel0 .frame img")
    assert image.get_attribute("alt").endswith("drew of the test images after 10,000 steps")
    assert "drawn at 3 of the 10 measurements" in tab.locator("#panel0 .film .note").inner_text()
    assert tab.locator("#panel2 .film").inner_text() == "None here; use --snapshots."
    tab.evaluate("location.hash = 'mu=0&beta=0.5'")
    expect(said[0]).to_contain_text("9 of 9")
    assert level(tab, 0) < 0.03
    scrub(tab, 1, 0)
    assert level(tab, 0) > 0.97 and "after 800 steps" in said[0].inner_text()  # its first picture
    expect(said[1]).to_contain_text("no pictures of this model")
    assert not tab.locator("#panel1 .pair").is_visible()
    said[1].get_by_role("button", name="Show μ = 0, β = 0.1").click()
    expect(said[1]).to_contain_text("after 50 steps")
    tab.locator("#panel1 .play").click()
    expect(said[1]).to_contain_text("after 10,000 steps")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
