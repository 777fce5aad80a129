"""The decoders that run in the report's page."""

import dataclasses
from itertools import groupby

import jax
import numpy as np
import pytest
from conftest import a_view

from biasvae_jax.cli.gathering.live import rounded, shapes
from biasvae_jax.networks import MLP, ConvNet, portable
from biasvae_jax.report import page
from biasvae_jax.report.live import Live, LiveCell

expect = pytest.importorskip("playwright.sync_api").expect
FACTORS = (
    {"name": "place", "kind": "continuous", "low": 0.0, "high": 1.0},
    {"name": "smiles", "kind": "binary", "low": 0.0, "high": 1.0},
    {"name": "shape", "kind": "categorical", "values": [3.0, 5.0, 8.0]},
)
CODE = np.array([0.5, -1.0, 2.0])
NETWORKS = {
    "mlp": (MLP(16 * 9, 3, activation="gelu"), (16, 9, 1)),
    "conv": (ConvNet(3, 3), (64, 64, 3)),
}


def heads(rng):
    return rng.normal(size=(6, 3)), rng.normal(size=(4, 5))


def a_cell(seed, **decoder):
    rng = np.random.default_rng(seed)
    to_code, to_factors = heads(rng)
    return LiveCell(
        to_code, to_factors, np.full(3, 4.0), np.array([1.0, 0.5, 0.01]),
        rng.uniform(-1, 1, (5, 3)), np.eye(5), rng.normal(size=(70, 3)), **decoder,
    )  # fmt: skip


def alive(kind):
    """Make a view whose first two cells decode, the third draws one image, the fourth none."""
    network, image = NETWORKS[kind]
    cells, known, init = {}, {}, jax.jit(network.init)
    for column in (0, 1):
        layers = network.layers(init(jax.random.key(column)))
        small, weights = rounded(layers)
        known[column] = small
        cells[0, column] = a_cell(column, weights=weights, error=(0.02, 0.001))
    cells[0, 2] = a_cell(2, constant=np.full(np.prod(image), 77, np.uint8))
    cells[0, 3] = a_cell(3)
    starts = np.array([[0.25, 1.0, 5.0], [0.75, 0.0, 3.0]])
    points = np.stack(
        [np.linspace(0, 1, 70), np.arange(70) % 2, np.tile(FACTORS[2]["values"], 24)[:70]], 1
    )
    live = Live(image, 3, FACTORS, starts, points, shapes(layers), cells)
    course = {"active_units": np.tile(np.arange(1.0, 4), (3, 8, 1))}
    moments = np.array([50, 800, 10_000])
    view = dataclasses.replace(a_view(kind), live=live, moments=moments, course=course)
    return view, known


@pytest.fixture(scope="module")
def lively(tmp_path_factory):
    folder, known = tmp_path_factory.mktemp("live"), {}
    for kind in NETWORKS:
        view, known[kind] = alive(kind)
        (folder / f"{kind}.html").write_text(page([view]), encoding="utf-8")
    view = dataclasses.replace(view, live=dataclasses.replace(view.live, layers=(), cells={}))
    (folder / "stranger.html").write_text(page([view]), encoding="utf-8")
    return folder, known


def opened(visit, pages, lively, kind, **how):
    pages[kind] = lively[0] / f"{kind}.html"
    return visit(kind, **how)


def slide(tab, group, k, value):
    tab.locator(f"[data-group={group}] input").nth(k).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )


def shown(tab, image):
    high, wide, channels = image
    pixels = tab.evaluate(
        """() => {
          const canvas = document.querySelector(".live canvas");
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext(
            "2d", { willReadFrequently: true });
          copy.drawImage(canvas, 0, 0);
          return [...copy.getImageData(0, 0, canvas.width, canvas.height).data];
        }"""
    )
    return np.reshape(pixels, (high, wide, 4))[..., :channels]


def values(tab, group):
    texts = tab.locator(f"[data-group={group}] output").all_inner_texts()
    return [float(text) for text in texts]


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_page_decodes_as_jax_does(visit, pages, lively, kind):
    tab = opened(visit, pages, lively, kind)
    image = NETWORKS[kind][1]
    for k, value in enumerate(CODE):
        slide(tab, "latents", k, value)
    known = np.clip(portable.decode(lively[1][kind][0], CODE[None])[0], 0, 1).reshape(image)
    assert np.ptp(known) > 0.05
    assert np.abs(shown(tab, image) - 255 * known).max() <= 1


def test_factors_move_the_code_through_the_head_and_latents_move_the_factors_back(
    visit, pages, lively
):
    tab = opened(visit, pages, lively, "mlp")
    to_code, to_factors = heads(np.random.default_rng(0))
    assert values(tab, "factors") == [0.25, 1, 5]  # those of the first test image
    slide(tab, "factors", 2, 2)  # the third value: 8
    known = np.array([0.25, 1, 0, 0, 1, 1]) @ to_code
    np.testing.assert_allclose(values(tab, "latents"), known, rtol=0.01)
    for k, value in enumerate(CODE):
        slide(tab, "latents", k, value)
    read = np.append(CODE, 1) @ to_factors
    np.testing.assert_allclose(values(tab, "factors")[:2], read[:2], rtol=0.01)
    assert values(tab, "factors")[2] == FACTORS[2]["values"][np.argmax(read[2:])]


def test_sliders_hold_while_the_arrow_keys_walk_over_the_grid_until_the_picture_dies(
    visit, pages, lively
):
    tab = opened(visit, pages, lively, "mlp")
    slide(tab, "factors", 0, 0.5)
    before = shown(tab, NETWORKS["mlp"][1])
    strength = tab.locator("[data-group=axes] input").nth(1)
    strength.focus()
    tab.keyboard.press("ArrowRight")
    assert values(tab, "factors") == [0.5, 1, 5]
    assert np.abs(shown(tab, NETWORKS["mlp"][1]) - before).max() > 5
    tab.keyboard.press("ArrowRight")
    assert (shown(tab, NETWORKS["mlp"][1]) == 77).all()
    assert "the same image whatever the code" in tab.locator(".live .screen").inner_text()
    expect(tab.locator("#chosen")).to_have_text("The model at μ = 0, β = 1")
    assert strength.get_attribute("aria-valuetext") == "1"
    tab.keyboard.press("ArrowRight")
    assert not tab.locator(".live canvas").is_visible()
    tab.get_by_role("button", name="Show μ = 0, β = 0.5").click()
    assert tab.locator(".live canvas").is_visible()
    assert values(tab, "factors") == [0.5, 1, 5]


def test_a_network_that_lists_no_layers_has_no_live_models_and_says_so(visit, pages, lively):
    tab = opened(visit, pages, lively, "stranger")
    assert "Live models are not available" in tab.locator(".live").inner_text()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_sliders_fit_the_screen(visit, pages, lively, width):
    tab = opened(visit, pages, lively, "mlp", width=width, scheme="dark")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    unnamed = tab.evaluate(
        "[...document.querySelectorAll('.live input')].filter((i) => !i.labels[0].innerText).length"
    )
    assert unnamed == 0


def test_the_matrix_is_of_the_chosen_cell_and_rotates_to_the_factors(visit, pages, lively):
    tab = opened(visit, pages, lively, "mlp")
    names = ["place", "smiles", "shape 3", "shape 5", "shape 8"]
    tab.locator(".codes").scroll_into_view_if_needed()
    tab.wait_for_selector(".matrix .hm")
    drawn = "document.querySelector('.matrix').data[0]"
    known = np.random.default_rng(0)
    heads(known)
    np.testing.assert_allclose(tab.evaluate(f"{drawn}.z"), known.uniform(-1, 1, (5, 3)), atol=0.006)
    assert tab.evaluate("document.querySelector('.matrix').layout.yaxis.ticktext") == names
    tab.get_by_label("rotate to the factors").check()
    assert tab.evaluate(f"{drawn}.z") == np.eye(5).tolist()
    spoken = tab.locator(".matrix").get_attribute("aria-label")
    assert "shape 5 most with read: shape 5, 1" in spoken


@pytest.mark.parametrize(("factor", "traces"), [("place", 1), ("smiles", 2), ("shape", 3)])
def test_a_scatter_is_coloured_by_a_factor_of_any_kind(visit, pages, lively, factor, traces):
    tab = opened(visit, pages, lively, "mlp")
    cell = a_cell(0)
    tab.locator(".codes").scroll_into_view_if_needed()
    tab.get_by_role("combobox", name="colour").select_option(label=factor)
    drawn = tab.evaluate(
        "document.querySelector('.cloud').data.map(({ x, y, text }) => [x, y, text])"
    )
    assert len(drawn) == traces and sum(len(x) for x, _, _ in drawn) == len(cell.codes)
    assert all(text[0].startswith(factor) for _, _, text in drawn)
    if traces == 1:  # in the order of the points, of the two latents that vary most
        np.testing.assert_allclose(drawn[0][:2], cell.codes[:, :2].T, atol=0.02)
    tab.get_by_label("rotate to the factors").check()
    assert (
        tab.locator(".cloud")
        .get_attribute("aria-label")
        .startswith("70 test images by read: place")
    )


def test_the_grid_is_played_over_training_and_scrubbed(visit, pages, lively):
    tab = opened(visit, pages, lively, "mlp")
    tab.locator(".time").scroll_into_view_if_needed()
    tab.wait_for_selector(".moment .hm")
    drawn = "document.querySelector('.moment').data[0].z[0]"
    scrub = tab.get_by_role("slider", name="step")
    assert tab.get_by_role("combobox", name="Show").input_value() == "active_units"
    assert scrub.get_attribute("aria-valuetext") == "10,000"
    assert tab.evaluate(drawn) == [3] * 8
    tab.evaluate(
        """() => {
          const plot = document.querySelector(".moment");
          window.played = [];
          const step = document.querySelector(".scrub input");
          plot.on("plotly_afterplot", () =>
            played.push([plot.data[0].z[0], step.getAttribute("aria-valuetext")]));
        }"""
    )
    tab.get_by_role("button", name="Play").click()
    tab.get_by_role("button", name="Play").wait_for()  # it has come to the end
    shown_steps = zip((1, 2, 3), ("50", "800", "10,000"), strict=True)
    played = [frame for frame, _ in groupby(tab.evaluate("played"))]
    assert played == [[[k] * 8, step] for k, step in shown_steps]
    scrub.focus()
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate(drawn) == [2] * 8 and scrub.get_attribute("aria-valuetext") == "800"
    tab.get_by_role("combobox", name="Show").select_option("kl")
    assert len(tab.evaluate(drawn)) == 8 and max(tab.evaluate(drawn)) != 2
