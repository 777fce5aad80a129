"""The page from arrays alone: intervals, boundary, sentences, escaping."""

import base64
import io
import json
import re
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from plotly.io import _renderers
from scipy import stats

from biasvae_jax.config import Config
from biasvae_jax.report import PICTURES, RunView, page
from biasvae_jax.report.maps import heat_map, over_seeds
from biasvae_jax.report.notebook import NotebookFigure
from biasvae_jax.report.sentences import about_cell, about_run
from biasvae_jax.report.sprites import sprite
from biasvae_jax.statistics.boundary import boundary_steps

MU, BETA = (0.0, 2.0), (0.5, 1.0, 10.0)
SCORES = ("loss", "kl", "recovery_r2", "active_units", "finite")


def view(seeds=2, name="a run", **changes):
    values = dict.fromkeys(SCORES, np.ones((2, 3, seeds)))
    values["recovery_r2"] = np.linspace(0.9, 0.1, 6 * seeds).reshape(2, 3, seeds)
    values["active_units"] = np.array([[9, 9, 0], [9, 0, 0]])[..., None] * np.ones(seeds)
    fields = {
        "name": name,
        "config": Config(mu=MU, beta=BETA, seeds=seeds),
        "stored": Config(mu=MU, beta=BETA, seeds=seeds).to_json(),
        "facts": {"Devices": "one"},
        "command": "a command",
        "banner": "",
        "scores": {k: over_seeds(v) for k, v in values.items()},
        "labels": {k: f"what {k} is" for k in values},
        "random": {"recovery_r2": 0.03},
        "theory": {"kl": np.full((2, 3), 2.0)},
        "boundary": np.array([9.5, 4.0]),
        "regimes": np.array([[0, 0, 2], [0, 3, 2]])[..., None] * np.ones(seeds),
        "step": np.arange(4.0),
        "curves": {k: np.ones((2, 3, 4, 3)) for k in ("loss", "reconstruction", "kl")},
        "pictures": {(0, 0): dict.fromkeys(PICTURES, sprite(np.zeros((1, 2, 3, 3))))},
    }
    return RunView(**(fields | changes))


def stored(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_intervals_are_students_over_the_seeds_that_stayed_finite():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 3, 5))
    values[0, 0, 4] = values[1, 1, 1:] = values[1, 2] = np.nan
    cells = over_seeds(values)
    for index, kept in (((0, 0), values[0, 0, :4]), ((0, 1), values[0, 1])):
        known = stats.t.interval(0.95, len(kept) - 1, kept.mean(), stats.sem(kept))
        assert (cells.low[index], cells.high[index]) == pytest.approx(known)
        assert cells.mean[index] == pytest.approx(kept.mean())
    assert cells.mean[1, 1] == values[1, 1, 0] and np.isnan(cells.low[1, 1])
    assert np.isnan(cells.mean[1, 2]) and cells.seeds[1, 2] == 0


def test_a_notebook_without_nbformat_shows_the_figure_as_html(monkeypatch):
    monkeypatch.setattr(_renderers, "nbformat", None)
    monkeypatch.setattr(_renderers, "ipython_display", object())
    monkeypatch.setattr(_renderers.renderers, "default", "plotly_mimetype")
    figure = NotebookFigure(heat_map(over_seeds(np.ones((2, 3, 1))), MU, BETA))
    with pytest.raises(NotImplementedError):  # by which IPython goes on to the next form
        figure._ipython_display_()
    html = figure._repr_html_()
    assert "Plotly.newPlot" in html and "no interval" in html
    assert not re.search(r"<script[^>]* src=", html)  # works offline
    monkeypatch.setattr(_renderers, "ipython_display", None)
    with pytest.raises(ValueError, match="ipython"):  # other refusals are told
        figure._ipython_display_()


def test_one_seed_is_said_to_have_no_interval():
    figure = heat_map(over_seeds(np.ones((2, 3, 1))), MU, BETA)
    assert "no interval" in figure.data[0].hovertext[0][0]
    figure = heat_map(over_seeds(np.array([[[1.0, 1.2]]])), MU[:1], BETA[:1])
    assert "95 % interval" in figure.data[0].hovertext[0][0]


def test_numbers_are_white_on_dark_cells_and_black_on_light_ones():
    values = np.array([[0.0, 0.5, 1.0], [0.2, 0.9, np.nan]])[..., None]
    numbers = heat_map(over_seeds(values), MU, BETA).data[1]  # cividis grows lighter
    assert list(numbers.textfont.color[:5]) == ["#fff", "#000", "#000", "#fff", "#000"]
    assert numbers.text[5] == "n/a" and numbers.textfont.color[5] not in ("#fff", "#000")


def test_the_boundary_stands_between_the_columns_it_separates():
    x, y = boundary_steps(np.array([0.5, 10**0.5, 99.0]), BETA)
    np.testing.assert_allclose(x, [0, 0, 1.5, 1.5, 2.5, 2.5])
    np.testing.assert_allclose(y, [-0.5, 0.5, 0.5, 1.5, 1.5, 2.5])
    assert boundary_steps(np.ones(2), (2.0, 1.0))[0].size == 0


def test_a_map_with_nothing_in_it_can_be_drawn():
    heat_map(over_seeds(np.full((2, 3, 1), np.nan)), MU, BETA, boundary=np.ones(2)).to_json()
    page([view(scores={k: over_seeds(np.full((2, 3, 1), np.nan)) for k in SCORES})])


def test_a_sprite_holds_its_images_in_place():
    images = np.stack([np.full((4, 4), v) for v in (0.0, 1.0, -5.0, 9.0)]).reshape(2, 2, 4, 4)
    content = base64.b64decode(sprite(images).removeprefix("data:image/png;base64,"))
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image.convert("LA"))
    assert pixels.shape == (9, 9, 2)
    assert pixels[0, 0].tolist() == pixels[8, 0].tolist() == [0, 255]
    assert pixels[0, 8].tolist() == pixels[8, 8].tolist() and pixels[0, 8, 0] > 250
    assert pixels[4, 4, 1] == 0


def test_sentences_follow_the_numbers():
    said = " ".join(about_run(view()))
    assert "12 models" in said and "μ = 0, β = 0.5" in said and "for none of the 2 biases" in said
    assert "6 recovered" in said and "4 collapsed by the objective" in said
    assert "2 collapsed by the optimiser" in said and "diverged" not in said
    better = view().scores | {"recovery_r2": over_seeds(np.array([[[0.1], [0.9], [0.1]]] * 2))}
    assert "for 2 of 2 biases a β above" in " ".join(about_run(view(scores=better)))
    cell = " ".join(about_cell(view(), 0, 2))
    assert "expects collapse" in cell and "No latent is active" in cell
    assert "the linear optimum has 2" in cell and "2 collapsed by the objective" in cell
    assert "β*" in " ".join(about_run(view(regimes=None)))


def test_diverged_models_are_counted():
    finite = np.ones((2, 3, 1))
    finite[1, 2] = 0
    scores = view(seeds=1).scores
    lost = np.where(finite == 1, 1.0, np.nan)
    scores |= {"finite": over_seeds(finite), "kl": over_seeds(lost)}
    assert "1 of them diverged" in " ".join(about_run(view(seeds=1, scores=scores)))
    assert "diverged" in about_cell(view(seeds=1, scores=scores), 1, 2)[0]


def test_an_undefined_score_is_told_as_such_and_the_rest_as_ever():
    nothing = over_seeds(np.full((2, 3, 2), np.nan))
    undefined = view(scores=view().scores | {"recovery_r2": nothing})
    said = " ".join(about_run(undefined))
    assert "R² is undefined for every model" in said and "Collapse:" in said
    cell = " ".join(about_cell(undefined, 0, 0))
    assert "9 of" in cell and "R² is undefined" in cell and "not scored" not in cell
    unscored = undefined.scores | {"active_units": nothing}
    assert "not scored yet" in " ".join(about_cell(view(scores=unscored), 0, 0))
    assert "No model has been scored" in " ".join(about_run(view(scores=unscored)))
    diverged = unscored | {"finite": over_seeds(np.zeros((2, 3, 2)))}
    assert "12 of them diverged" in about_run(view(scores=diverged))[-1]
    assert "no cell in common" in page([undefined, undefined])


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\udce9"


@pytest.mark.parametrize("runs", [1, 2])
def test_no_name_gets_out_of_its_place(runs):
    facts, labels = {HOSTILE: HOSTILE}, dict.fromkeys(SCORES, HOSTILE)
    hostile = {"facts": facts, "labels": labels, "command": HOSTILE, "banner": HOSTILE}
    text = page([view(name=HOSTILE, **hostile)] * runs)
    text.encode()
    assert "<script>alert" not in text and "<img src=x" not in text
    assert text.count("</script>") == 3
    assert stored(text)["runs"][0]["name"].startswith("</script>")


def test_the_page_asks_for_nothing_and_holds_every_table():
    text = page([view()])
    assert "default-src 'none'" in text and "unsafe-eval" not in text
    assert not re.search(r'<(?:script|link|img)[^>]*(?:src|href)="(?!data:)', text)
    tables = re.findall(r'data-score="(\w+)"', text)
    assert tables == [name for name in SCORES if name != "finite"]
    assert stored(text)["mu"] == ["0", "2"]


@pytest.mark.parametrize("runs", [1, 2])
def test_no_level_of_headings_is_skipped(runs):
    levels = [
        int(n) for n in re.findall(r"<h([1-6])[ >]", page([view()] * runs).split("<script")[0])
    ]
    assert levels[0] == 1 and all(b <= a + 1 for a, b in pairwise(levels))


def test_two_runs_have_their_difference():
    first = view()
    second = view(name="other", scores=first.scores | {"loss": over_seeds(np.full((2, 3, 2), 3.0))})
    maps = stored(page([first, second]))["maps"]["loss"]
    assert len(maps) == 3 and maps[2]["data"][0]["z"] == [[2.0] * 3] * 2
    assert maps[0]["data"][0]["zmax"] == maps[1]["data"][0]["zmax"] == 3
    assert "3 − 1" in maps[2]["data"][0]["hovertext"][0][0]
