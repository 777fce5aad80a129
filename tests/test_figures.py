import dataclasses
import io
import itertools
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from biasvae_jax.axes import Axis
from biasvae_jax.biases import Scale, Shift
from biasvae_jax.drawing import own_settings
from biasvae_jax.figures import (
    MOST_NUMBERED,
    REGIMES,
    Apart,
    heat_map,
    image_grid,
    pictures,
    regime_map,
    training_curves,
)
from biasvae_jax.objectives import BetaElbo, FactorVae
from biasvae_jax.statistics.regimes import Regime

MU = dataclasses.replace(Shift.axis, values=(0.0, 1.0, 2.0))
BETA = dataclasses.replace(BetaElbo.axis, values=(0.5, 1.0, 4.0, 10.0))


def render(figure):
    figure.savefig(io.BytesIO(), format="png")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_heat_map_writes_every_value_in_its_cell_and_names_its_axes():
    values = np.arange(12.0).reshape(3, 4) / 10
    figure = heat_map(values, MU, BETA, "a title", "a unit")
    render(figure)
    axes, bar = figure.axes
    assert texts(axes) == [f"{v:.3f}" for v in values.ravel()]
    assert axes.get_xlabel() == "β, weight of the KL term"
    assert axes.get_ylabel() == "μ, training bias"
    assert axes.get_title() == "a title" and bar.get_ylabel() == "a unit"
    assert [t.get_text() for t in axes.get_xticklabels()] == ["0.5", "1", "4", "10"]


def test_a_diverged_model_is_shown_as_such():
    values = np.ones((3, 4))
    values[1, 2] = np.nan
    figure = heat_map(values, MU, BETA, "", "")
    render(figure)
    assert texts(figure.axes[0])[6] == "n/a"
    render(heat_map(np.full((3, 4), np.nan), MU, BETA, "", ""))


def test_the_boundary_stands_at_its_beta():
    figure = heat_map(np.ones((3, 4)), MU, BETA, "", "", boundary=np.array([1.0, 2.0, 100.0]))
    render(figure)
    x = figure.axes[0].lines[0].get_xdata()
    # on column 1; half-way (in log) between columns 1 and 2; beyond the last column
    assert x[::2] == pytest.approx([1.0, 1.5, 3.5])


def test_each_latents_threshold_is_a_line_thinner_than_the_largest():
    lines = np.array([[4.0, 1.0, np.nan]] * 3)
    for figure in (
        heat_map(np.ones((3, 4)), MU, BETA, "", "", lines),
        regime_map({"": np.full((3, 4, 1), Regime.FOLLOWING)}, MU, BETA, lines),
    ):
        render(figure)
        drawn = figure.axes[0].lines
        assert [line.get_linewidth() for line in drawn] == [2.5, 1, 1]
        assert drawn[1].get_xdata() == pytest.approx(1.0)
        said = [text.get_text() for text in figure.legends[0].get_texts()]
        assert said[-1].startswith("the same of each further latent")


def test_regimes_have_a_panel_for_each_run_and_a_legend_of_what_occurs():
    one = np.full((3, 4, 1), Regime.FOLLOWING)
    two = np.full((3, 4, 2), Regime.FOLLOWING)
    two[2, 1] = [Regime.DIVERGED, Regime.PARTIAL]
    figure = regime_map({"blog": one, "annealed": two}, MU, BETA, np.array([1.0, 2.0, 100.0]))
    render(figure)
    blog, annealed = (axes.images[0] for axes in figure.axes)
    assert [axes.get_title() for axes in figure.axes] == ["blog", "annealed"]
    assert blog.get_array().shape == (3, 4) and annealed.get_array().shape == (3, 8)
    assert annealed.get_array()[2, 2:4].tolist() == [Regime.PARTIAL, Regime.DIVERGED]
    colour = annealed.cmap(annealed.norm(Regime.DIVERGED))
    assert to_hex(colour) == REGIMES[Regime.DIVERGED][0]
    said = [text.get_text().split(" (")[0].split(":")[0] for text in figure.legends[0].get_texts()]
    assert said == ["following the factors", "partly active", "diverged", "β*(μ)"]


def test_a_maps_words_are_those_of_its_axes():
    rows = dataclasses.replace(Scale.axis, values=(0.5, 1.0))
    columns = dataclasses.replace(FactorVae.axis, values=(0.0, 10.0))
    codes = np.array([[Regime.COLLAPSED_BELOW, Regime.ACTIVE_BEYOND]] * 2)[..., None]
    figure = regime_map({"": codes}, rows, columns, np.array([1.0, 2.0]))
    render(figure)
    assert figure.axes[0].get_xlabel() == "γ, weight of the total correlation"
    assert figure.axes[0].get_ylabel() == "s, training bias"
    said = " ".join(text.get_text() for text in figure.legends[0].get_texts())
    assert "γ < 0.99·γ*" in said and "γ*(s):" in said and "β" not in said and "μ" not in said


def test_a_map_with_beta_0_has_its_line_between_the_columns():
    beta = dataclasses.replace(BETA, values=(0.0, *BETA.values[1:]))
    boundary = np.array([beta[1] / 2, beta[1], 100.0])
    figures = (
        heat_map(np.ones((3, 4)), MU, beta, "", "", boundary),
        regime_map({"": np.full((3, 4, 2), Regime.FOLLOWING)}, MU, beta, boundary),
    )
    for figure in figures:
        render(figure)
        assert figure.axes[0].lines[0].get_xdata()[::2] == pytest.approx([0.5, 1.0, 3.5])


def lab(colour, deficiency):
    """CIELAB of a colour as a reader sees it; deficiencies by Machado et al. 2009."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    seen = np.clip(np.asarray(deficiency) @ linear, 0, 1)
    x, y, z = np.cbrt(np.maximum(to_xyz @ seen / [0.9505, 1, 1.089], 1e-9))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize(
    "deficiency",
    [
        np.eye(3),
        [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
        [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
        [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
    ],
    ids=["none", "protanopia", "deuteranopia", "tritanopia"],
)
def test_each_regime_has_a_colour_that_every_reader_tells_apart(deficiency):
    colours = [lab(REGIMES[regime][0], deficiency) for regime in Regime]
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(colours, 2)]
    assert min(apart) > 15  # ten times what a careful eye tells apart


def test_curves_have_a_line_for_each_name_in_each_panel():
    step = np.arange(5)
    rng = np.random.default_rng(0)
    terms = {f"{k} (nats)": rng.normal(size=(2, 5)) for k in ("loss", "reconstruction", "KL")}
    terms["loss (nats)"][1, 2:] = np.nan
    figure = training_curves(step, terms, ["β = 1", "β = 2"], "t", "")
    render(figure)
    assert [len(axes.lines) for axes in figure.axes] == [2, 2, 2]
    assert [axes.get_title("left") for axes in figure.axes] == list(terms)
    assert all(axes.get_xlabel() == "training step" for axes in figure.axes)
    np.testing.assert_array_equal(figure.axes[2].lines[1].get_ydata(), terms["KL (nats)"][1])


def test_five_terms_have_five_panels_below_each_other_too():
    terms = {f"a term of some words, the {i}th (nats)": np.ones((1, 5)) * i for i in range(5)}
    figure = training_curves(np.arange(5), terms, ["γ = 1"], "t", "")
    render(figure)
    assert [axes.get_title("left") for axes in figure.axes] == list(terms)
    boxes = [axes.get_position() for axes in figure.axes]
    assert boxes[3].y1 < boxes[0].y0 and boxes[3].x0 == pytest.approx(boxes[0].x0, abs=0.02)


def test_the_first_steps_do_not_hide_the_rest():
    falling = np.r_[1000.0, np.linspace(2, 1, 99)][None]
    rising = falling[:, ::-1]
    figure = training_curves(np.arange(100), {"a": falling, "b": rising}, ["x"], "", "")
    assert figure.axes[0].get_ylim()[1] < 10 and figure.axes[1].get_ylim()[1] > 900


def test_images_keep_their_place_and_scale():
    images = np.linspace(0, 1, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    figure = image_grid(images, "t", ["a", "b"], ["x", "y", "z"])
    render(figure)
    shown = figure.axes[0].images[0]
    canvas = np.ma.filled(shown.get_array(), np.nan)
    np.testing.assert_array_equal(canvas[:4, :4], images[0, 0])
    np.testing.assert_array_equal(canvas[5:9, 10:14], images[1, 2])
    assert shown.get_clim() == (0, 1)


def test_flat_images_are_folded_to_their_worlds_shape():
    flat = np.arange(2 * 4 * 3 * 3.0).reshape(2, 36)
    assert pictures(flat, (4, 9, 1)).shape == (2, 4, 9)
    assert pictures(flat, (4, 3, 3)).shape == (2, 4, 3, 3)
    np.testing.assert_array_equal(pictures(flat, (4, 3, 3))[1, 2, 1], flat[1, 21:24])
    np.testing.assert_allclose(pictures(flat, (3, 6, 2))[0, 0, 0], 0.5)  # else the mean, in grey


@pytest.mark.parametrize("high, wide", [(64, 48), (4, 9)])
def test_images_in_colour_keep_their_place_whatever_their_shape(high, wide):
    images = np.random.default_rng(0).uniform(size=(2, 3, high, wide, 3))
    images[0, 0] = 7.0  # clipped
    figure = image_grid(images, "t", ["a", "b"])
    render(figure)
    canvas = np.asarray(figure.axes[0].images[0].get_array())
    gap = max(1, min(high, wide) // 20)
    assert canvas.shape == (2 * high + gap, 3 * wide + 2 * gap, 3)
    np.testing.assert_array_equal(canvas[:high, :wide], 1)
    np.testing.assert_array_equal(canvas[high + gap :, wide + gap : 2 * wide + gap], images[1, 1])
    assert to_hex(canvas[high, 0]) == to_hex(canvas[0, wide]) != "#ffffff"
    assert len(figure.axes) == 1  # no bar of greys


def test_large_maps_and_many_curves_stay_of_a_size():
    mu = Axis("mu", "μ", "training bias", tuple(np.linspace(0, 5, 120)))
    beta = Axis("beta", "β", "weight", tuple(np.linspace(0.1, 10, 150)))
    values = np.zeros((120, 150))
    figure = heat_map(values, mu, beta, "a score", "unit", 1 + np.asarray(mu.values))
    assert max(figure.get_size_inches()) < 30
    axes = figure.axes[0]
    assert len(axes.texts) == 0 and len(axes.get_xticks()) <= MOST_NUMBERED
    assert float(axes.get_xticklabels()[0].get_text()) == pytest.approx(0.1)
    curves = np.ones((120, 5))
    losses = {name: curves for name in ("loss", "reconstruction", "kl")}
    figure = training_curves(np.arange(5), losses, [f"μ = {m:.3g}" for m in mu], "title", "")
    assert len(figure.legends[0].get_texts()) <= 16 and len(figure.axes[0].lines) == 120


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_a_maps_numbers_read_on_their_cells(better):
    """The WCAG contrast of black or white with the cell's colour is at least 4.5."""
    values = np.linspace(0, 1, 12).reshape(3, 4)
    apart = Apart(values == 0, "nothing")
    axes = heat_map(values, MU, BETA, "a score", "unit", better=better, apart=apart).axes[0]
    image = axes.images[0]
    colours = np.asarray(image.to_rgba(image.get_array())).reshape(-1, 4)
    assert len(axes.texts) == 12
    for text, rgba in zip(axes.texts, colours, strict=True):
        channel = np.where(rgba <= 0.04045, rgba / 12.92, ((rgba + 0.055) / 1.055) ** 2.4)[:3]
        behind = channel @ (0.2126, 0.7152, 0.0722) + 0.05
        ink = 1.05 if to_hex(text.get_color()) == "#ffffff" else 0.05
        assert max(ink, behind) / min(ink, behind) > 4.5
        (rim,) = text.get_path_effects()  # of the cell's colour, so that β* runs behind
        assert rim._gc["foreground"] == pytest.approx(rgba)


def test_the_good_end_of_a_map_is_the_bright_one_and_the_bar_says_which():
    values = np.linspace(0, 1, 12).reshape(3, 4)
    for better, good, bad in (("higher", 1.0, 0.0), ("lower", 0.0, 1.0)):
        axes, bar = heat_map(values, MU, BETA, "t", "MSE", better=better).axes
        image = axes.images[0]
        brightness = [sum(image.to_rgba(np.array(value))[:3]) for value in (bad, good)]
        assert brightness[1] > brightness[0] + 0.5
        assert bar.get_ylabel() == f"MSE, {better} is better"


def test_maps_of_one_range_have_one_scale_of_colours():
    low, high = (heat_map(np.full((3, 4), v), MU, BETA, "", "", limits=(0, 1)) for v in (0.2, 0.9))
    assert low.axes[0].images[0].get_clim() == high.axes[0].images[0].get_clim() == (0, 1)


def test_cells_that_say_nothing_are_hatched_and_change_no_colour():
    values = np.full((3, 4), 5.0)
    values[0, 3], values[2] = 0.1, [6.0, 7.0, 8.0, 9.0]
    figure = heat_map(values, MU, BETA, "", "", apart=Apart(values < 1, "no latent active"))
    render(figure)
    axes = figure.axes[0]
    assert axes.images[0].get_clim() == (5, 9) and texts(axes)[3] == "0.100"
    assert [patch.get_xy() for patch in axes.patches] == [(2.5, -0.5)] and axes.patches[
        0
    ].get_hatch()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no latent active"]
    none = heat_map(values, MU, BETA, "", "", apart=Apart(values < 0, "no latent active"))
    assert not none.legends


def test_a_map_for_a_page_has_large_type_and_no_numbers():
    line = np.array([1.0, 2.0, 100.0])
    figure = heat_map(np.eye(3, 4), MU, BETA, "a title", "R²", line, for_page=True)
    render(figure)
    axes = figure.axes[0]
    assert not axes.texts and len(axes.lines) == 1
    inches, half_a_column = figure.get_size_inches()[0], 410  # pixels of a README's two columns
    written = (*axes.get_xticklabels(), axes.title, *figure.legends[0].get_texts())
    assert min(text.get_size() for text in written) * half_a_column / (72 * inches) > 11


def test_lines_that_end_as_one_share_a_name_at_their_end():
    ends = np.array([1.0, 1.0, 0.2, 1.0, 0.5, np.nan])
    lines = ends[:, None] * np.linspace(0.1, 1, 5)
    names = [f"{n:g}" for n in (0.1, 0.5, 1, 4, 5, 10)]
    figure = training_curves(np.arange(5), {"KL (nats)": lines}, names, "t", "β")
    render(figure)
    written = figure.axes[0].texts
    assert [text.get_text() for text in written] == ["1", "5", "0.1 to 0.5, 4"]
    assert all(text.get_window_extent().x0 > figure.axes[0].bbox.x1 for text in written)


def test_noise_of_the_last_steps_parts_no_lines():
    noise = np.random.default_rng(0).normal(size=(3, 400))
    lines = np.array([1.0, 1.0, 2.0])[:, None] + 0.1 * noise
    figure = training_curves(np.arange(400), {"loss": lines}, ["a", "b", "c"], "t", "β")
    render(figure)
    assert [text.get_text() for text in figure.axes[0].texts] == ["a to b", "c"]


def test_names_at_the_ends_of_lines_do_not_overlap():
    lines = np.tile(np.r_[np.linspace(0.5, 0.7, 10), 2.0][:, None], 4)
    figure = training_curves(np.arange(4), {"KL": lines}, list("abcdefghijk"), "t", "β")
    render(figure)
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 11 and all(a.y1 <= b.y0 + 1 for a, b in itertools.pairwise(boxes))


def test_a_users_settings_of_matplotlib_change_no_figure():
    def draw():
        with io.BytesIO() as file:
            figure = heat_map(np.arange(12.0).reshape(3, 4) - 5, MU, BETA, "a title", "a unit")
            with own_settings():
                figure.savefig(file, dpi=40, format="png")
            return file.getvalue()

    with own_settings():
        ours = draw()
    theirs = {"text.usetex": True, "font.size": 30, "axes.facecolor": "red", "savefig.dpi": 3}
    with matplotlib.rc_context(theirs):
        assert draw() == ours
        assert matplotlib.rcParams["font.size"] == 30


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "svg"])
def test_a_users_backend_is_left_alone_and_need_not_exist(backend, monkeypatch):
    """Matplotlib refuses to be imported where the first, a notebook's, is not installed."""
    monkeypatch.setenv("MPLBACKEND", backend)
    code = (
        "import experiments, os, matplotlib\n"
        "print(os.environ['MPLBACKEND'], matplotlib.rcParams._get('backend'))"
    )
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    named, used = done.stdout.split(maxsplit=1)
    assert named == backend and (backend != "svg" or used == "svg\n")
