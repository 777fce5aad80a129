import io

import numpy as np
import pytest

from biasvae_jax.figures import heat_map, image_grid, training_curves

MU, BETA = (0.0, 1.0, 2.0), (0.5, 1.0, 4.0, 10.0)


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
    assert "β" in axes.get_xlabel() and "μ" in axes.get_ylabel()
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


def test_curves_have_a_line_for_each_name_in_each_panel():
    step = np.arange(5)
    losses = {
        k: np.random.default_rng(0).normal(size=(2, 5)) for k in ("loss", "reconstruction", "kl")
    }
    losses["loss"][1, 2:] = np.nan
    figure = training_curves(step, losses, ["β = 1", "β = 2"], "t", "")
    render(figure)
    assert [len(axes.lines) for axes in figure.axes] == [2, 2, 2]
    assert all("nats" in axes.get_ylabel() and axes.get_xlabel() for axes in figure.axes)
    np.testing.assert_array_equal(figure.axes[2].lines[1].get_ydata(), losses["kl"][1])


def test_images_keep_their_place_and_scale():
    images = np.linspace(0, 1, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    figure = image_grid(images, "t", ["a", "b"], ["x", "y", "z"])
    render(figure)
    shown = figure.axes[0].images[0]
    canvas = np.ma.filled(shown.get_array(), np.nan)
    np.testing.assert_array_equal(canvas[:4, :4], images[0, 0])
    np.testing.assert_array_equal(canvas[5:9, 10:14], images[1, 2])
    assert shown.get_clim() == (0, 1)
