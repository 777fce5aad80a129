"""Chromium, where there is one: Debian's, driven by Playwright; otherwise these tests skip."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from biasvae_jax.axes import Grid
from biasvae_jax.biases import Scale, Shift
from biasvae_jax.meaning import stored_meaning
from biasvae_jax.objectives import BetaElbo, FactorVae
from biasvae_jax.report import PICTURES, RunView, Seen, page
from biasvae_jax.report.maps import over_seeds
from biasvae_jax.report.sprites import sprite
from biasvae_jax.runs.results import MEANINGS

sync_api = pytest.importorskip("playwright.sync_api")
PATIENCE = 120_000  # ms; a busy machine takes long to open 5 MB of plotly
sync_api.expect.set_options(timeout=PATIENCE)
DISABLED = ("gpu", "background-networking", "component-update", "sync")
ARGUMENTS = ["--no-sandbox", *(f"--disable-{name}" for name in DISABLED)]
NAMES = ("loss", "reconstruction", "kl", "recovery_r2", "active_units", "finite")
MU = dataclasses.replace(Shift.axis, values=(0.0, 1.0, 2.0))
BETA = dataclasses.replace(BetaElbo.axis, values=(0.1, 0.5, 1.0, 2.0, 4.0, 5.0, 7.0, 10.0))


def a_view(name, offset=0.0, seeds=3):
    """Make a run of known numbers: the cell (i, j) has loss 100 i + 10 j + offset + seed."""
    i, j, k = np.meshgrid(np.arange(3), np.arange(8), np.arange(seeds), indexing="ij")
    values = {key: 100.0 * i + 10 * j + offset + k for key in NAMES}
    values |= {"recovery_r2": 1 / (1 + i + j), "finite": np.ones(i.shape)}
    pictures = {
        (row, column): {
            kind: sprite(np.full((2, 8, 21, 21), (row + column) / 10)) for kind in PICTURES
        }
        for row in range(3)
        for column in range(7)  # and none in the last column
    }
    curves = np.random.default_rng(0).normal(size=(3, 8, 50, 3))
    return RunView(
        name=name,
        grid=Grid(MU, BETA, seeds),
        steps=10_000,
        latents=9,
        loss="½‖x − x̂‖²/σ² + β·KL, σ² = 0.25",
        models="β-VAEs",
        stored='{"a": 1}',
        facts={"Directory": "/a/long/path" * 20},
        command="python -m experiments.full_sweep " + "--flag value " * 20,
        banner="not finished" if offset else "",
        scores={key: over_seeds(value) for key, value in values.items()},
        meanings={key: MEANINGS[key] for key in (*values, "regime")},
        training={
            row: Seen(*(sprite(np.full((1, 12, 21, 21), v)) for v in (row / 2, 0.3)))
            for row in range(3)
        },
        strip=[0, 1, 2],
        regimes=np.where(i + j < 3, 7, 2) + 0 * k,
        random={"recovery_r2": 0.03},
        theory={"kl": np.full((3, 8), 2.0)},
        boundary=np.array([9.0, 6.0, 3.0]),
        step=np.arange(50.0),
        curves=dict.fromkeys(("loss", "reconstruction", "kl"), curves),
        test_images=sprite(np.zeros((1, 8, 21, 21))),
        pictures=pictures,
    )


def a_variant(name):
    """Make a run of another kind: scale × FactorVAE, five terms, no theory, RGB of 64×48."""
    rng = np.random.default_rng(0)
    scale = dataclasses.replace(Scale.axis, values=(0.5, 1.0, 2.0))
    terms = tuple(FactorVae.meanings)
    scores = {key: rng.uniform(size=(3, 8, 1)) for key in (*terms, "recovery_r2", "active_units")}
    scores["finite"] = np.ones((3, 8, 1))
    colours = np.linspace(0, 1, 64)[:, None, None] * rng.uniform(size=(2, 8, 1, 48, 3))
    return RunView(
        name=name,
        grid=Grid(scale, FactorVae.axis, 1),
        steps=10_000,
        latents=6,
        loss="½‖x − x̂‖²/σ² + KL + γ·TC, σ² = 0.25",
        stored='{"a": 1}',
        facts={"Directory": "/a/path"},
        command="python -m experiments.full_sweep --bias scale --objective factor",
        banner="",
        scores={key: over_seeds(value) for key, value in scores.items()},
        meanings={
            key: stored_meaning(key, {"long_name": f"the {key}"}) for key in (*scores, "regime")
        },
        random={"recovery_r2": 0.03},
        left_out={"gap": "no closed form is known for the objective factor"},
        step=np.arange(50.0),
        curves={key: rng.normal(size=(3, 8, 50, 3)) for key in terms},
        test_images=sprite(colours[:1]),
        test_caption="Test images, held out of training",
        pictures={(i, j): dict.fromkeys(PICTURES, sprite(colours)) for i in (0, 1) for j in (0, 1)},
        regimes=np.full((3, 8, 1), 6),
    )


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> dict[str, Path]:
    """Write the page of one run, of two, and of a variant."""
    folder = tmp_path_factory.mktemp("pages")
    first, second = a_view("first"), a_view("<script>alert(1)</script>", offset=5)
    written = {}
    for kind, views in (
        ("one", [first]),
        ("two", [first, second]),
        ("variant", [a_variant("other")]),
    ):
        written[kind] = folder / f"{kind}.html"
        written[kind].write_text(page(views), encoding="utf-8")
    return written


@pytest.fixture(scope="session")
def chromium():
    """Start the browser once."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def window(chromium):
    """Open a tab once: its process keeps what it compiled of plotly, and a new one takes long."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    tab, noise = context.new_page(), []
    tab.on("console", lambda message: noise.append(message.text))
    tab.on("pageerror", lambda error: noise.append(str(error)))
    tab.on("dialog", lambda dialog: (noise.append("a dialog"), dialog.dismiss()))
    tab.on("request", lambda r: r.url.startswith(("file:", "data:")) or noise.append(r.url))
    yield tab, noise
    context.close()


@pytest.fixture
def visit(window, pages):
    """Open a page at a width and scheme; at the end, it must have been silent and offline."""
    tab, noise = window
    noise.clear()

    def opened(kind="one", width=1280, scheme="light"):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(media="screen", color_scheme=scheme)
        tab.mouse.move(0, 0)
        tab.goto(pages[kind].as_uri())
        tab.wait_for_selector("#map0 .hm")
        return tab

    yield opened
    assert noise == []
