"""The page from arrays alone: intervals, boundary, sentences, escaping."""

import base64
import dataclasses
import gzip
import hashlib
import io
import json
import re
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from plotly.colors import hex_to_rgb, unlabel_rgb
from plotly.io import _renderers
from scipy import stats

from biasvae_jax.axes import Grid
from biasvae_jax.biases import Resample, Scale, Shift
from biasvae_jax.figures.regimes import COLOURS
from biasvae_jax.meaning import Meaning, stored_meaning
from biasvae_jax.objectives import BetaElbo, FactorVae
from biasvae_jax.report import PICTURES, RunView, Seen, page
from biasvae_jax.report.maps import heat_map, over_seeds
from biasvae_jax.report.notebook import NotebookFigure
from biasvae_jax.report.regimes import legend, regime_map
from biasvae_jax.report.sentences import about_cell, about_pair, about_run
from biasvae_jax.report.sprites import sprite
from biasvae_jax.runs.results import MEANINGS
from biasvae_jax.statistics.regimes import UNMEASURED, WORDS, Regime
from biasvae_jax.statistics.staircase import boundary_steps, distinct

MU = dataclasses.replace(Shift.axis, values=(0.0, 2.0))
BETA = dataclasses.replace(BetaElbo.axis, values=(0.5, 1.0, 10.0))
SCORES = ("loss", "kl", "recovery_r2", "signal_share", "active_units", "finite")


def view(seeds=2, name="a run", **changes):
    values = dict.fromkeys(SCORES, np.ones((2, 3, seeds)))
    values["recovery_r2"] = np.linspace(0.9, 0.1, 6 * seeds).reshape(2, 3, seeds)
    values["active_units"] = np.array([[9, 9, 0], [9, 0, 0]])[..., None] * np.ones(seeds)
    fields = {
        "name": name,
        "grid": Grid(MU, BETA, seeds),
        "steps": 10_000,
        "latents": 9,
        "loss": "½‖x − x̂‖²/σ² + β·KL, σ² = 0.25",
        "stored": "{}",
        "facts": {"Devices": "one"},
        "command": "a command",
        "banner": "",
        "scores": {k: over_seeds(v) for k, v in values.items()},
        "meanings": {k: MEANINGS[k] for k in (*values, "regime")},
        "random": {"recovery_r2": 0.03},
        "theory": {"kl": np.full((2, 3), 2.0)},
        "boundary": np.array([9.5, 4.0]),
        "regimes": np.array([[7, 8, 2], [7, 3, 2]])[..., None] * np.ones(seeds),
        "recovered": (1, 6 * seeds),
        "step": np.arange(4.0),
        "curves": {k: np.ones((2, 3, 4, 3)) for k in ("loss", "reconstruction", "kl")},
        "pictures": {(0, 0): dict.fromkeys(PICTURES, sprite(np.zeros((1, 2, 3, 3))))},
    }
    return RunView(**(fields | changes))


def variant(seeds=1, **changes):
    """Make a view of scale × FactorVAE: other axes, five terms, no theory, images in colour."""
    rng = np.random.default_rng(0)
    scale = dataclasses.replace(Scale.axis, values=(0.5, 1.0))
    gamma = dataclasses.replace(FactorVae.axis, values=(0.0, 10.0, 100.0))
    scores = {name: rng.uniform(size=(2, 3, seeds)) for name in FactorVae.meanings}
    scores |= {"active_units": np.ones((2, 3, seeds)), "finite": np.ones((2, 3, seeds))}
    pictures = dict.fromkeys(PICTURES, sprite(rng.uniform(size=(1, 2, 64, 48, 3))))
    fields = {
        "grid": Grid(scale, gamma, seeds),
        "loss": "½‖x − x̂‖²/σ² + KL + γ·TC, σ² = 0.25",
        "scores": {k: over_seeds(v) for k, v in scores.items()},
        "meanings": {k: stored_meaning(k, {}) for k in (*scores, "regime")},
        "random": {},
        "theory": {},
        "boundary": None,
        "left_out": {"gap": "no theory", "signal_share": "no noise", "other": "no theory"},
        "regimes": np.full((2, 3, seeds), Regime.COLLAPSED),
        "recovered": None,
        "curves": {name: rng.normal(size=(2, 3, 4, 3)) for name in FactorVae.meanings},
        "pictures": {(0, 0): pictures},
    }
    return view(seeds, **(fields | changes))


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
    one = Grid(MU, BETA, 2).select([0], [0])
    figure = heat_map(over_seeds(np.array([[[1.0, 1.2]]])), one.bias, one.strength)
    assert "95 % interval" in figure.data[0].hovertext[0][0]


def test_numbers_are_white_on_dark_cells_and_black_on_light_ones():
    values = np.array([[0.0, 0.5, 1.0], [0.2, 0.9, np.nan]])[..., None]
    better = Meaning("", "1", "higher")  # cividis grows lighter
    numbers = heat_map(over_seeds(values), MU, BETA, meaning=better).data[1]
    assert list(numbers.textfont.color[:5]) == ["#fff", "#000", "#000", "#fff", "#000"]
    assert numbers.text[5] == "n/a" and numbers.textfont.color[5] not in ("#fff", "#000")


def test_the_boundary_stands_between_the_columns_it_separates():
    x, y = boundary_steps(np.array([0.5, 10**0.5, 99.0]), BETA)
    np.testing.assert_allclose(x, [0, 0, 1.5, 1.5, 2.5, 2.5])
    np.testing.assert_allclose(y, [-0.5, 0.5, 0.5, 1.5, 1.5, 2.5])
    assert boundary_steps(np.ones(2), (2.0, 1.0))[0].size == 0
    # a quarter and all of the way from 0, which has no logarithm, to 0.5; then as without 0
    x, _ = boundary_steps(np.array([0.125, 0.5, 10**0.5, 99.0]), (0.0, 0.5, 1.0, 10.0))
    np.testing.assert_allclose(x[::2], [0.25, 1.0, 2.5, 3.5])
    np.testing.assert_allclose(boundary_steps(np.ones(2), (0.0,))[0], 0)


def test_each_latents_threshold_is_a_line_of_its_own_thinner_than_the_largest():
    lines = np.array([[9.5, 4.0, 0.7], [4.0, 4.0, 0.6]])
    drawn = heat_map(over_seeds(np.ones((2, 3, 1))), MU, BETA, boundary=lines).data[1:4]
    assert [line.line.width for line in drawn] == [2.5, 1, 1]
    for line, each in zip(drawn, lines.T, strict=True):
        assert list(line.x) == boundary_steps(each, BETA)[0].tolist()
    text = page([view(boundaries=lines)])
    assert "thin one that a further latent does" in text and "one by one" in text
    plain = page([view()])
    assert "thin one" not in plain and "one by one" not in plain
    assert page([view(boundaries=lines[:, :1])]) == plain


def test_thresholds_that_no_line_shows_yet_are_drawn_once():
    nothing = np.nan
    found = distinct(
        np.array([[9.5, 9.45, 4.0, 4.0, nothing], [4.0, 3.98, 3.97, nothing, nothing]])
    )
    np.testing.assert_array_equal(found, [[9.5, 4.0], [4.0, 3.97]])
    assert distinct(np.full((2, 1), nothing)).shape == (2, 1)


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


@pytest.mark.parametrize("levels", [2, 256])
def test_a_sprite_in_colour_holds_its_images_in_place(levels):
    rng = np.random.default_rng(0)
    images = rng.integers(0, levels, (2, 3, 64, 48, 3)) / (levels - 1)
    if levels > 2:  # smooth, as images are
        ramp = np.linspace(0, 1, 64)[:, None, None] * [1.0, 0.5, 0.0]
        images = np.broadcast_to(ramp, images.shape)
    content = base64.b64decode(sprite(images).removeprefix("data:image/png;base64,"))
    with Image.open(io.BytesIO(content)) as image:
        assert image.mode == "P"
        pixels = np.asarray(image.convert("RGBA")).astype(int)
    assert pixels.shape == (2 * 64 + 4, 3 * 48 + 8, 4)
    found = pixels[68:, 52:100]
    assert np.abs(found[..., :3] - 255 * images[1, 1]).max() <= (0 if levels == 2 else 4)
    assert (found[..., 3] == 255).all() and (pixels[64:68, :, 3] == 0).all()


def test_sentences_follow_the_numbers():
    said = " ".join(about_run(view()))
    assert "12 models" in said and "μ = 0, β = 0.5" in said and "for none of the 2 biases" in said
    assert "4 following the factors" in said and "2 active on noise" in said
    assert "4 collapsed beyond β*" in said and "2 collapsed below β*" in said
    assert "diverged" not in said and "Recovered: 1 of 12 models" in said
    better = view().scores | {"recovery_r2": over_seeds(np.array([[[0.1], [0.9], [0.1]]] * 2))}
    assert "for 2 of 2 biases a β above" in " ".join(about_run(view(scores=better)))
    cell = " ".join(about_cell(view(), 0, 2))
    assert "expects collapse" in cell and "No latent is active" in cell
    assert "the linear optimum has 2" in cell and "2 collapsed beyond β*" in cell
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


def test_a_variants_sentences_use_its_symbols_and_tell_no_theory():
    said = " ".join(about_run(variant()))
    assert "6 models (2 biases × 3 γ × one seed)" in said and "γ·TC, σ² = 0.25" in said
    assert "Of the models, 6 collapsed (none active)." in said
    assert "Left out: gap, other (no theory)." in said and "signal_share (no noise)" in said
    cell = " ".join(about_cell(variant(), 0, 2))
    for word in ("μ", "β", "theory predicts", "theory expects", "boundary", "R²"):
        assert word not in said + cell
    assert "1 of 9 latents are active" in cell
    # with a recovery: nearest to neutral first, which is s = 1
    scores = variant().scores | {
        "recovery_r2": over_seeds(view().scores["recovery_r2"].mean[..., None])
    }
    said = " ".join(about_run(variant(scores=scores)))
    assert "Best recovery: at s = 0.5, γ = 0" in said and "at the lowest γ, 0, recovery" in said
    assert re.search(r"from 0\.\d\d at s = 1, γ = 0 to 0\.\d\d at s = 0\.5", said)


def test_a_bias_without_a_neutral_strength_is_told_from_end_to_end():
    share = dataclasses.replace(Resample.axis, values=(0.8, 0.1))
    said = " ".join(about_run(view(grid=Grid(share, BETA, 2))))
    assert re.search(r"from 0\.\d\d at p = 0\.1, β = 0\.5 to 0\.\d\d at p = 0\.8", said)


def test_every_regime_has_its_words():
    assert set(WORDS) == set(Regime)
    # the word is earned by R² alone, which no regime asks for
    assert not any("recovered" in text for text in (WORDS | UNMEASURED).values())


def test_what_was_not_measured_is_not_said():
    scores = {k: v for k, v in view().scores.items() if k != "signal_share"}
    said = " ".join(about_run(view(scores=scores, regimes=np.full((2, 3, 2), Regime.FOLLOWING))))
    assert "12 with all latents wanted active (what they follow was not measured)" in said
    assert "following the factors" not in said


def test_a_run_with_beta_0_has_its_page():
    beta = dataclasses.replace(BETA, values=(0.0, 1.0, 10.0))
    theory = {"kl": np.array([[np.nan, 2.0, 0.0]] * 2)}  # infinite at β = 0, so not stored
    zero = view(grid=Grid(MU, beta, 2), theory=theory, boundary=np.array([0.5, 4.0]))
    data = stored(page([zero, zero]))
    assert data["columns"]["values"] == ["0", "1", "10"]
    line = data["maps"]["kl"][0]["data"][1]
    assert line["x"][0] == 0.5 and 1 < line["x"][2] < 2
    assert "at the lowest β, 0, recovery" in " ".join(about_run(zero))


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\udce9"


@pytest.mark.parametrize("runs", [1, 2])
def test_no_name_gets_out_of_its_place(runs):
    named = stored_meaning(HOSTILE, dict.fromkeys(("long_name", "title", "group"), HOSTILE))
    facts, meanings = {HOSTILE: HOSTILE}, dict.fromkeys((*SCORES, "regime"), named)
    hostile = {"facts": facts, "meanings": meanings, "command": HOSTILE, "banner": HOSTILE}
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
    assert {*tables} == {*SCORES, "regime"} - {"finite"}
    data = stored(text)
    assert tables == [name for names in data["groups"].values() for name in names]
    assert list(data["groups"]) == ["Recovery of the factors", "Training and collapse"]
    assert data["rows"] == {"name": "mu", "symbol": "μ", "values": ["0", "2"]}
    assert data["columns"] == {"name": "beta", "symbol": "β", "values": ["0.5", "1", "10"]}


def test_the_policy_lets_just_the_pages_own_scripts_run():
    text = page([view()])
    packed = re.search(r'id="plotly">(.*?)</script>', text, re.DOTALL)[1]
    plotly = gzip.decompress(base64.b64decode(packed)).decode()
    assert "plotly.js" in plotly[:100]
    scripts = [plotly, *re.findall(r"<script>(.*?)</script>", text, re.DOTALL)]
    allowed = re.search(r"script-src ([^\"]*)", text)[1].split()
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    assert allowed == [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def test_the_page_of_a_variant_speaks_of_its_axes_and_of_no_theory():
    text = page([variant()])
    data, shown = stored(text), text.split("<script")[0]
    assert data["rows"]["symbol"] == "s" and data["columns"]["symbol"] == "γ"
    assert list(data["runs"][0]["cells"][0][0]["curves"]) == list(FactorVae.meanings)
    assert data["first"] == "loss"
    assert len(data["maps"]["loss"][0]["data"]) == 2  # colours and numbers, no line
    assert "one for each training bias s\nand regularisation γ" in shown
    assert "theory</th>" not in shown and "orange line" not in shown
    assert not data["runs"][0]["theory"]
    spoken = re.sub(r"data:image[^\"]*", "", shown + json.dumps(data, ensure_ascii=False))
    assert "μ" not in spoken and "β" not in spoken


def test_two_variants_are_compared():
    lower = variant(name="second").scores | {"loss": over_seeds(np.zeros((2, 3, 1)))}
    text = page([variant(), variant(name="second", scores=lower)])
    assert "s = 0.5, γ = 0<br>" in stored(text)["maps"]["loss"][2]["data"][0]["hovertext"][0][0]
    assert about_pair(variant(), variant()) == []


def test_the_original_page_names_its_line_and_its_theory():
    shown = page([view()]).split("<script")[0]
    assert "The orange line is β*(μ); to its right the linear theory" in shown
    assert '<th scope="col">linear theory</th>' in shown


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


def rgb_of(colour):
    return hex_to_rgb(colour) if colour.startswith("#") else unlabel_rgb(colour)


def end_of_colours(figure, end):
    """Red, green and blue, 0 to 1, of the smallest (0) or largest (-1) value."""
    return np.array(rgb_of(figure.data[0].colorscale[end][1])) / 255


def yellow_end(figure):
    """Tell whether the largest or the smallest value is yellow."""
    for better, end in (("higher", -1), ("lower", 0)):
        red, green, blue = end_of_colours(figure, end)
        if red > 0.9 and green > 0.85 and blue < 0.4:
            return better
    return ""


@pytest.mark.parametrize("better", ["higher", "lower", ""])
def test_yellow_is_good_on_every_map_and_on_none_where_nothing_is_better(better):
    cells = over_seeds(np.arange(6.0).reshape(2, 3, 1))
    assert yellow_end(heat_map(cells, MU, BETA, meaning=Meaning("", "1", better))) == better


def test_blue_is_the_better_end_of_a_difference():
    cells = over_seeds(np.arange(6.0).reshape(2, 3, 1))
    for better, end in (("higher", -1), ("lower", 0)):
        figure = heat_map(cells, MU, BETA, meaning=Meaning("", "1", better), difference=True)
        red, _, blue = end_of_colours(figure, end)
        assert blue > 2 * red and figure.data[0].zmin == -figure.data[0].zmax


def test_colours_of_an_r2_end_at_0_and_its_digits_are_short():
    values = np.array([[-2.46e6, 0.5, 0.9], [0.1, 0.2, 0.3]])[..., None]
    figure = heat_map(over_seeds(values), MU, BETA, meaning=MEANINGS["recovery_r2_mean"])
    assert (figure.data[0].zmin, figure.data[0].zmax) == (0, 0.9)
    assert figure.data[-1].text[0] == "-2.5M"


def test_the_line_is_behind_the_digits():
    drawn = heat_map(over_seeds(np.ones((2, 3, 1))), MU, BETA, boundary=np.ones(2)).data
    assert [trace.mode for trace in drawn[1:]] == ["lines", "text"]


def test_a_regime_map_divides_a_cell_among_its_seeds_by_kind():
    codes = np.full((2, 3, 2), float(Regime.FOLLOWING))
    codes[1, 2] = Regime.DIVERGED, np.nan
    figure = regime_map(codes, MU, BETA, np.ones(2), True)
    kinds = list(COLOURS)
    z = np.array(figure.data[0].z, float)
    assert z.shape == (2, 6) and (z[0] == kinds.index(Regime.FOLLOWING)).all()
    assert z[1, 4] == kinds.index(Regime.DIVERGED) and np.isnan(z[1, 5])
    np.testing.assert_allclose(figure.data[0].x, [-0.25, 0.25, 0.75, 1.25, 1.75, 2.25])
    for code, colour in COLOURS.items():  # the middle of each step of the scale
        at = (kinds.index(code) + 0.5) / len(kinds)
        assert [ink for v, ink in figure.data[0].colorscale if v <= at][-1] == colour
    assert figure.data[0].hovertext[1][4] == "μ = 2, β = 10<br>1 diverged"
    assert [kind.colour for kind in legend(codes, "β", True)] == [
        COLOURS[code] for code in kinds if code in (Regime.FOLLOWING, Regime.DIVERGED)
    ]


def test_sentences_that_name_a_cell_are_links_to_it():
    text = page([view()])
    best = '<a href="#mu=0&amp;beta=0.5">μ = 0, β = 0.5</a>'
    assert text.count(best) >= 2  # the first sentence, and the list
    assert "Recovery is best at " + best in text


def test_several_runs_are_compared_from_settings_to_the_best_of_each_score():
    better = view().scores | {"recovery_r2": over_seeds(np.full((2, 3, 2), 0.95))}
    views = [
        view(stored='{"a": {"b": 1}, "c": [1, 2]}'),
        view(name="second", stored='{"a": {"b": 2}, "c": [1, 2]}', scores=better),
        view(name="third", stored='{"a": {"b": 2}, "c": [1, 2], "d": null}'),
    ]
    text = page(views)
    shown = text.split("<script")[0]
    assert shown.index("a.b</th><td>1</td><td>2</td><td>2</td>") < shown.index("The grid")
    assert "d</th><td>–</td><td>–</td><td>none</td>" in shown and "c</th>" not in shown
    assert "6 cells in common (2 biases × 3 β), with 2 seeds each" in shown
    assert "12 models (" not in shown
    assert '0.95 at <a href="#mu=0&amp;beta=0.5">' in shown
    assert [len(each) for each in stored(text)["maps"].values()] == [3] * 6
    assert "minus" not in shown
    strips = [dict.fromkeys(range(2), Seen(sprite(np.full((1, 1, 2, 2), v)))) for v in (0.1, 0.9)]
    for trained, told in (
        (strips, "What second was trained on"),
        (strips[:1] * 2, "they all were"),
    ):
        names = zip(("first", "second"), trained, strict=True)
        text = page([view(name=name, training=each, strip=[0, 1]) for name, each in names])
        assert told in text and text.count('class="strip"') == len({id(t) for t in trained})
    same = page([view(), view(name="second")])
    assert "All their settings are the same." in same
    assert len(stored(same)["maps"]["regime"]) == 2  # and no difference of kinds


@pytest.mark.parametrize(("count", "scale"), [(3, 1.0), (11, 0.1), (40, 0.05), (100, 0.05)])
def test_cells_of_a_large_map_are_named_where_there_is_room_and_not_covered(count, scale):
    values = tuple(round(scale * i, 2) for i in range(count))
    rows, columns = (dataclasses.replace(axis, values=values) for axis in (MU, BETA))
    cells = over_seeds(np.ones((count, count, 1)))
    codes = np.ones((count, count, 1))
    for figure in (heat_map(cells, rows, columns), regime_map(codes, rows, columns, None, True)):
        across, up = figure.layout.xaxis, figure.layout.yaxis
        assert sum(6 * len(name) + 6 for name in across.ticktext) <= 350
        assert len(up.ticktext) <= 16
        for axis in (across, up):
            assert len(axis.tickvals) >= min(count, 6)
            named = [f"{values[place]:g}" for place in axis.tickvals]
            assert list(axis.ticktext) == named and named[0] == "0"
    gaps = heat_map(cells, rows, columns).data[0]
    lines = [trace for trace in figure.data if trace.type == "scatter"]
    assert (gaps.xgap == gaps.ygap == 1) == (len(lines) == 2) == (count < 40)
