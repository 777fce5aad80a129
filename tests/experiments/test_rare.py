"""Rivers and faces: their runs, how images are read, and the pages on made-up answers."""

import dataclasses
import re
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from biasvae_jax.biases import Correlate
from biasvae_jax.cli.sweep import read_flags
from biasvae_jax.runs.datasets import write_dataset
from biasvae_jax.statistics.intervals import t_interval
from biasvae_jax.worlds import Faces, Rivers
from experiments.pages.run import Run
from experiments.pages.tables import Cell
from experiments.rare import apart, command, examine, left, rivers_tables
from experiments.rare.asked import Asked
from experiments.rare.comparing import Line, Question, corrected, gains_table
from experiments.rare.runs import RUNS
from experiments.rare.views import view_of

MADE = "rivers-1000", "rivers-endless", "rivers-mixture-1000", "faces"


def jitter(shape, seed=0):
    return 1 + 1e-2 * np.random.default_rng(seed).normal(size=shape)


def drawn(hair, skin, shape):
    """Numbers of faces whose rare classes differ by so much of what the common ones do."""
    of = lambda k, way: 0.5 + 0.3 * k * way  # noqa: E731 - hair, skin of a class, −1 or 1
    classes = [(-1, -1, 1), (-1, 1, 0), (1, -1, 0), (1, 1, 1)]  # hair, skin, rare
    each = [(of(a, hair if rare else 1), of(b, skin if rare else 1)) for a, b, rare in classes]
    return np.broadcast_to(np.array(each), (*shape, 4, 2)) * jitter((*shape, 1, 1))


def made_up(name, folder, **changes):
    """A run whose models draw what they were trained on; `changes` replace answers."""
    study = read_flags(RUNS[name].words(False))[1]
    view, grid, rivers = view_of(study.world), study.grid, name.startswith("rivers")
    classes, shape = len(view.classes), grid.shape
    training = np.array([
        stats.binom.pmf(left.COUNTS, left.TURNS, 1 - b) if rivers
        else np.array([1, -1, -1, 1]) * (apart.rate(b) / 2 - 0.25) + 0.25
        for b in study.biases
    ])[:, None, None]  # fmt: skip
    every = dict.fromkeys(("best_error", "encoded_error", "price"), 0.02)
    every |= {f"{by}_same": 0.9 for by in ("best", "encoded")}
    every |= {f"told_{head}": 0.8 for head in ("fair", "biased")}
    values: dict[str, Any] = {
        k: (np.full((*shape, classes), v) * jitter((*shape, 1)), "class") for k, v in every.items()
    }
    values["prior"] = (np.broadcast_to(np.round(8192 * training), (*shape, classes)), "class")
    values["prior_numbers"] = (np.full((*shape, classes, 2), 0.05), "class", "number")
    for code in ("best", "encoded"):
        values[f"{code}_numbers"] = (
            drawn(1, 1, shape) if classes == 4 else np.zeros((*shape, 9, 2)),
            "class",
            "number",
        )
    values["recovered"] = (np.full((*shape, len(study.world.factors)), 0.8), "factor")
    for head in ("fair", "biased"):
        values[f"moved_{head}"] = (np.broadcast_to(np.eye(2), (*shape, 2, 2)), "moved", "number")
    for kind, count in (("prior", 8), ("rarest", 8), ("encoded", 6), ("best", 6), ("moved", 2)):
        further = (5,) if kind == "moved" else ()
        picture = np.zeros((*shape[:2], count, *further, study.world.pixels), np.uint8)
        values[f"picture_{kind}"] = (
            picture,
            *[f"{kind}_{k}" for k in range(1 + len(further))],
            "pixel",
        )
    values |= changes
    answers = {
        k: ((*grid.dims[: 2 if k.startswith("picture_") else 3], *along), np.array(v))
        for k, (v, *along) in values.items()
    }
    path = folder / name
    path.mkdir()
    write_dataset(path / examine.FILE, xr.Dataset(answers))
    scores = {k: (grid.dims, np.ones(shape)) for k in ("finite", "prior_mass")}
    nothing = np.full(shape[0], np.nan)
    return Run(name, study, xr.Dataset(scores), xr.Dataset(), nothing, 1.5, path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rare")
    return {name: made_up(name, folder) for name in MADE}


# Runs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RUNS)
def test_the_flags_of_every_run_are_a_study_with_a_fair_bias_to_compare_with(name):
    study = read_flags(RUNS[name].words(False))[1]
    assert study.bias.axis.neutral in study.biases and study.seeds >= 3
    assert study.training.training_images == (1_000 if name.endswith("1000") else None)


# Reading -----------------------------------------------------------------------------------------


def test_a_river_is_read_through_noise_that_the_worlds_own_reader_cannot_see_through():
    world = Rivers()
    u = world.test_factors()
    noisy = world.render(u) + 0.3 * jax.random.normal(jax.random.key(0), (len(u), world.pixels))
    left = (1 - u).sum(-1)
    read = view_of(world).read(noisy)
    assert (read[:, 0] == left).all()
    np.testing.assert_allclose(read[:, 1], 0.09, rtol=0.3)
    wrong = world.rare(noisy).sum(-1) != left
    assert wrong.mean() > 0.5


def test_hair_and_skin_of_every_face_are_read_as_drawn():
    world = Faces()
    view = view_of(world)
    u = jnp.asarray(view.cases)
    read = view.read(world.render(u))
    np.testing.assert_allclose(read[:, :2], u[:, :2], atol=0.05)
    classes = np.asarray(view.classify(read))
    np.testing.assert_array_equal(classes, 2 * (u[:, 0] > 0.5) + (u[:, 1] > 0.5))
    assert (world.rare(world.render(u))[:, 0] == (classes == 3)).all()
    assert (np.bincount(classes) == 8).all()


def test_the_share_of_rare_combinations_is_that_of_the_images():
    world = Faces()
    bias = Correlate(pairs="hair colour & skin tone").on(world.factors)
    noise = jax.random.normal(jax.random.key(0), (4_000, world.latents))
    for rho in (0.0, -0.9, -1.0):
        u = world.link(bias.latents(noise, rho))
        classes = np.asarray(view_of(world).classify(u[:, :2]))
        share = np.isin(classes, apart.RARE).mean()
        assert abs(share - apart.rate(rho)) < 4 * np.sqrt(0.25 / 4_000)


# Asking models -----------------------------------------------------------------------------------


def test_models_are_asked_over_the_whole_grid_and_seed_0_draws(monkeypatch):
    monkeypatch.setattr(
        examine, "view_of", lambda world: dataclasses.replace(view_of(world), batches=1)
    )
    flags = "--world rivers --turns 2 --hidden 8 --bias probability --probability 0.5 0.9"
    study = read_flags([*flags.split(), "--beta", "1", "--seeds", "2"])[1]
    params = jax.vmap(study.recipe.init)(jax.random.split(jax.random.key(0), 4))
    three = jax.tree.map(lambda a: a[:3], params)
    run: Any = SimpleNamespace(
        recipe=study.recipe,
        grid=study.grid,
        finite=np.array([True, True, True, False]),
        data=(),
        stacks=lambda wanted, size: [(np.flatnonzero(wanted), three)],
    )
    found = examine.examine(run)
    assert (found["prior"].sum("class").values == [[[512, 512]], [[512, np.nan]]]).sum() == 3
    assert np.isnan(found["best_error"].values[1, 0, 1]).all()
    assert (found["best_error"] <= found["encoded_error"] + 1e-6).sum() == 3 * 3
    assert found["picture_prior"].dtype == np.uint8 and found["picture_prior"].shape[:2] == (2, 1)
    training = found["training"].values[:, 0, 0] / 512
    np.testing.assert_allclose(training[0], [0.25, 0.5, 0.25], atol=0.1)
    np.testing.assert_allclose(training[1], [0.81, 0.18, 0.01], atol=0.1)


# Comparing ---------------------------------------------------------------------------------------


def test_models_that_draw_what_they_saw_differ_nowhere_and_others_everywhere(runs, tmp_path):
    same = Asked.of(runs["rivers-1000"])
    assert (left.differing(same, 0.9) > 0.05).all() and (left.differing(same, 0.5) > 0.05).all()
    prior = np.zeros((*same.run.study.grid.shape, 9))
    prior[..., 0], prior[..., 8] = 8_100, 92
    more = Asked.of(made_up("rivers-1000", tmp_path, prior=(prior, "class")))
    rows: Any = rivers_tables.prior_table({"rivers-1000": more}).rows
    counts = {row[2]: [cell.text for cell in row[-2:]] for row in rows}
    assert counts[0.9] == ["30 of 30 models", "0 of 30 models"]
    assert counts[0.5] == ["0 of 30 models", "30 of 30 models"]


def test_a_strength_gains_only_what_it_gains_in_other_seeds(runs):
    asked = Asked.of(runs["rivers-1000"])
    noise = jitter(asked.run.study.grid.shape)
    falls = noise * np.array([3, 2, 1, 2, 3, 4])[:, None]
    questions = {
        "falls": Question("falls", "falls", lambda _: falls, "lower", t_interval),
        "noise": Question("noise", "noise", lambda _: noise, "lower", t_interval),
    }
    line = Line([], asked, 0.9)
    np.testing.assert_allclose(line.gain(questions["falls"]), -2, atol=0.1)
    (row,) = gains_table("t", {}, [line], questions).rows
    falling, flat = (cell.text for cell in row if isinstance(cell, Cell))
    assert re.fullmatch(r"\*\*−[12]\..*\*\* \(1\)", falling) and "**" not in flat


@pytest.mark.parametrize(("better", "expected"), [("lower", 1), ("higher", 4)])
def test_the_best_strength_is_the_one_that_the_question_calls_best(runs, better, expected):
    asked = Asked.of(runs["rivers-1000"])
    noise = jitter(asked.run.study.grid.shape)
    values = noise * np.array([3, 2, 1, 2, 3, 4])[:, None]
    question = Question("q", "q", lambda _: values, better, t_interval)
    chosen = Line([], asked, 0.9).chosen(question)
    np.testing.assert_allclose(chosen, expected, atol=0.1 * expected)


def test_a_rival_that_is_better_in_every_seed_is_named(runs, tmp_path):
    shape = runs["rivers-mixture-1000"].study.grid.shape
    better = (0.01 * jitter((*shape, 9)), "class")
    rival = made_up("rivers-mixture-1000", tmp_path, best_error=better)
    asked = {n: Asked.of(r) for n, r in runs.items() if n.startswith("rivers")}
    named = {**asked, "rivers-mixture-1000": Asked.of(rival)}
    text = command.rivers_page(runs | {"rivers-mixture-1000": rival}).answer
    assert "mixture_prior (error, best code, N = 1,000)" in text
    assert "No other objective does better" in command.rivers_page(runs).answer
    assert rivers_tables.differences(named)["rivers-mixture-1000", "decoder"][1] < 1e-3
    assert corrected([]).size == 0


def test_the_pages_are_written_with_their_pictures_beside_the_other_findings(runs, tmp_path):
    target = tmp_path / "findings.md"
    command.write(runs, dict.fromkeys(runs, "--seeds 5"), target, quick=True)
    assert not target.exists()
    for name in ("rivers", "faces"):
        text = (tmp_path / "findings" / f"{name}.md").read_text()
        assert "A quick look" in text and "[Findings](../findings.md)" in text
        for picture in re.findall(r"\]\(\.\./images/(.*?)\)", text):
            assert (tmp_path / "images" / picture).stat().st_size > 5_000
        for table in re.findall(r"\]\((\w+\.csv)\)", text):
            assert len((tmp_path / "findings" / table).read_text().splitlines()) > 1
    assert "moves the skin by 0 at ρ = -1" in text.replace("−", "-")
    assert "**Yes, even where training never showed them apart.**" in text


@pytest.mark.parametrize(
    ("skin", "told"),
    [(0.9, "Yes, even where"), (0.4, "In part, even where"), (-1, "Not where training")],
)
def test_the_answer_on_faces_follows_how_far_rare_skins_differ(tmp_path, skin, told):
    run = read_flags(RUNS["faces"].words(False))[1]
    numbers = drawn(0.8, skin, run.grid.shape), "class", "number"
    made = made_up("faces", tmp_path, best_numbers=numbers)
    asked = Asked.of(made)
    np.testing.assert_allclose(apart.contrast(asked, "best", 0), 0.8, atol=0.05)
    np.testing.assert_allclose(apart.contrast(asked, "best", 1), skin, atol=0.05)
    answer = command.faces_page({"faces": made}).answer
    assert answer.startswith(f"**{told}")
