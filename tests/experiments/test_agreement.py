"""Comparisons with published results, on runs whose answers are known because they are made up."""

import dataclasses
import functools
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from biasvae_jax.cli.sweep import read_flags
from biasvae_jax.theory import cell_eigenvalues
from experiments.agreement.asked import USUAL, entanglement, of_a_combination, of_a_pair
from experiments.agreement.cases import CASES, case
from experiments.agreement.cases.collapse import frozen, kink
from experiments.agreement.cases.combinations import encoder, held_out
from experiments.agreement.cases.linear import length
from experiments.agreement.cases.pairs import correlated, expected
from experiments.agreement.page import page
from experiments.agreement.runs import (
    CONTRASTS,
    DEPTHS,
    FROZEN,
    LONG,
    RUNS,
    THREEFOLD,
    between,
    thresholds,
)
from experiments.pages.documents import publish
from experiments.pages.run import Run

SEEDS = 3
NOISE = 0.05 * np.array([-1.0, 0.0, 1.0])  # of the seeds, so that intervals have a width


@functools.cache
def whole(name):
    """The study of a run; reading flags takes a second."""
    return read_flags(RUNS[name].words(False))[1]


def made_up(name, scores=None, courses=None):
    """A run with some scores `[mu, beta, seed]` and time courses `[mu, beta, seed, snapshot]`."""
    study = dataclasses.replace(whole(name), seeds=SEEDS)
    shape = (len(study.biases), len(study.strengths), SEEDS)
    full = lambda a, s: np.broadcast_to(np.asarray(a, float), s)  # noqa: E731
    grid = study.grid.dims
    scores = {k: (grid, full(v, shape)) for k, v in (scores or {}).items() if k[:6] != "linear"} | {
        k: (grid[:2], full(v, shape[:2])) for k, v in (scores or {}).items() if k[:6] == "linear"
    }
    steps = np.asarray(study.training.snapshot_steps or (1,))
    times = (*grid, "snapshot")
    courses = {k: (times, full(v, (*shape, len(steps)))) for k, v in (courses or {}).items()}
    threshold = cell_eigenvalues(study.world, np.asarray(study.biases)).max(-1)
    threshold = threshold / study.world.noise_variance
    return Run(
        name,
        study,
        xr.Dataset({**scores, "finite": (grid, np.ones(shape))}),
        xr.Dataset(courses, coords={"snapshot": steps}),
        threshold,
        1.0,
    )


def falling(waits):
    """Losses that fall at a share of the training each, `[1, beta, 1, snapshot]`."""
    run = made_up("plateau")
    last = run.snapshots[-1]
    wait = np.asarray(waits)[:, None] * last * (1 + NOISE)
    return np.where(run.snapshots < wait[..., None], 10.0, 1.0)[None]


def steps_of(waits, name="plateau"):
    return made_up(name, courses={"test_loss": falling(waits), "active_units": 9})


def together(shared, fall):
    """A correlated pair that shares latents or not; usual scores fall by so much."""
    rho = made_up("pair").mu[:, None, None]
    scores = {f"fair_{score}": 1 - 0.4 * rho for score in USUAL} | {
        f"usual_{score}": 1 - fall * rho / rho.max() + 0.01 * NOISE for score in USUAL
    }
    pair = (0.5 if shared else 0.0) * rho + 0.01 * NOISE
    return made_up("pair", {"pair_shared": pair, "others_shared": 0.01, **scores})


def lacking(name, drawn, told=2.0):
    """Models without a combination, whose errors are so many times those of models with it."""
    without = np.array([0, 1])[:, None, None]
    times = np.exp(without * (np.log(drawn) + 0.01 * NOISE))
    errors = {"held_encoded": times, "held_best": 1.0, "others_encoded": 1.0, "others_best": 1.0}
    told = np.exp(without * (np.log(told) + 0.01 * NOISE))
    return made_up(name, {**errors, "held_told": told, "others_told": 1.0, "mcc_mean": 0.9})


def example(agree):
    """Runs of which all comparisons agree, or none."""
    expected = np.arange(9, -1, -1.0)
    long = made_up("long")
    beyond = (long.beta > long.threshold[0])[:, None, None]
    near = made_up("kink")
    below = (near.beta < 0.96 * near.threshold[0])[:, None]
    quick, slow = (0.2, 0.3, 0.4, 0.5, 0.6), (0.9, 0.8, 0.7, 0.6, 0.5)
    cascade = {
        "gap": 0.1 if agree else 5.0, "loss": 800.0, "linear_active_units": expected,
        "active_units": expected[:, None] if agree else 0.0, "kl": 1.0, "linear_kl": 1.0,
    }  # fmt: skip
    deep = 0.0 if agree else 9.0
    icy = made_up("frozen")
    held = icy.beta < (1 if not agree else 1 / FROZEN) * icy.threshold[0]
    return {
        "cascade": made_up("cascade", cascade),
        "cascade-long": made_up("cascade-long", cascade),
        "long": made_up(
            "long", {"kl": 1.0}, courses={"active_units": np.where(beyond, 0 if agree else 9, 9)}
        ),
        "spare-9": made_up("spare-9", {"test_loss": 10 + NOISE, "active_units": 9}),
        "spare-18": made_up(
            "spare-18", {"test_loss": 10 - 2 * NOISE + (5 if agree else -5), "active_units": 15}
        ),
        "spare-endless": made_up("spare-endless", {"active_units": 9}),
        "plateau": steps_of(quick if agree else slow),
        "plateau-annealed": steps_of(np.array(quick) / 2 if agree else (1.0,) * 5),
        "kink": made_up("kink", {
            "kl": np.where(below, 2.0 + NOISE, 0.0), "active_units": np.where(below, 9, 0)
            if agree else 0,
        }),
        "frozen": made_up("frozen", {
            "active_units": np.where(held, 4, 0 if agree else 1)[:, None], "kl": 1.0,
        }),
        "pair": together(agree, 0.0),
        **{name: lacking(name, 2.0 if agree else 1.0) for name in ("missing", "missing-alike")},
        "sigma": made_up("sigma", {"variance": (0.25 if agree else 0.4) + 0.01 * NOISE}),
        **{
            f"depth-{d}": made_up(
                f"depth-{d}", {"active_units": 9.0 if d < 4 else deep} if agree else
                {"active_units": 0.0 if d < 4 else 9.0},
            ) for d in DEPTHS
        },
    }  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_the_flags_of_every_run_are_a_study(name):
    study, quick = whole(name), read_flags(RUNS[name].words(True))[1]
    assert study.seeds == 5 and quick.seeds == 2 and quick.training.steps == 400
    assert study.training.steps == {"long": LONG, "cascade-long": THREEFOLD, "kink": 20_000}.get(
        name, 10_000
    )


def test_a_beta_lies_between_any_two_eigenvalues():
    levels = thresholds(CONTRASTS)
    np.testing.assert_array_equal(
        (levels[:, None] > between(levels)).sum(0), np.arange(len(CONTRASTS), -1, -1)
    )
    assert min(np.diff(np.log(levels))) > 0.1  # far enough apart to tell them


@pytest.mark.parametrize("compare", CASES, ids=lambda compare: compare.__name__)
def test_the_verdict_follows_what_is_measured(compare):
    agrees, differs = compare(example(True)), compare(example(False))
    assert agrees.verdict == case.AGREES and differs.verdict == case.DIFFERS
    assert agrees.found != differs.found and "nan" not in agrees.found + differs.found


def test_a_kl_that_ends_in_small_values_is_no_jump():
    runs = example(True)
    small = made_up("kink", {"kl": 0.1 + 0.1 * NOISE, "active_units": 9})
    assert kink({**runs, "kink": small}).verdict == case.PARTLY


def test_a_score_that_falls_on_correlated_images_tells():
    assert correlated({"pair": together(True, 0.3)}).verdict == case.PARTLY


def test_an_encoder_is_at_fault_only_where_a_head_misreads_its_code():
    runs = {name: lacking(name, 2.0, told=1.0) for name in ("missing", "missing-alike")}
    assert held_out(runs).verdict == case.AGREES and encoder(runs).verdict == case.DIFFERS
    one = {**runs, "missing": lacking("missing", 2.0)}
    assert encoder(one).verdict == case.PARTLY
    assert held_out({**runs, "missing": lacking("missing", 1.0)}).verdict == case.PARTLY


def test_latents_that_stay_just_beyond_the_threshold_are_told_with_their_kl():
    long = made_up("long")
    far = (long.beta > 1.2 * long.threshold[0])[:, None, None]
    some = made_up("long", {"kl": 0.05}, courses={"active_units": np.where(far, 0, 3)})
    found = length({**example(True), "long": some})
    assert found.verdict == case.PARTLY and "1.05 β\\* 3 to 3 latents are active" in found.found
    assert "at 1.5 β\\* no latent of any of 3 models is active from step" in found.found


def test_a_frozen_variance_that_is_1_would_collapse_at_the_threshold():
    early = made_up("frozen")
    active = np.where(early.beta < early.threshold[0], 4, 0)[:, None]
    assert frozen({"frozen": made_up("frozen", {"active_units": active, "kl": 1.0})}).verdict == (
        case.PARTLY
    )


def test_a_sum_and_a_difference_share_half_of_each_factor():
    u = np.random.default_rng(0).normal(size=(4_000, 3))
    apart = entanglement(u, 3 * u[:, ::-1])
    np.testing.assert_allclose(apart, 0, atol=0.01)
    mixed = np.stack([u[:, 0] + u[:, 1], u[:, 0] - u[:, 1], u[:, 2]], axis=1)
    np.testing.assert_allclose(entanglement(u, mixed), [0.5, 0, 0], atol=0.03)
    np.testing.assert_allclose(entanglement(u, mixed[:, [0, 2]]), [1, 0, 0], atol=0.03)


def test_principal_axes_of_a_pair_share_more_the_more_it_varies_together():
    run = made_up("pair")
    shared = [expected(run, rho) for rho in (0.0, 0.3, 0.9)]
    assert shared[0] < 0.01 and np.all(np.diff(shared) > 0.1) and shared[2] < 0.5


@dataclasses.dataclass(frozen=True)
class Painter:
    """Codes are the squares' intensities, mixed; parameters: the brightest that it can tell."""

    blocks: Any
    mixed: Any = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
    latent_dim = 4

    def encode(self, brightest, x):
        squares = x @ self.blocks.T / self.blocks[0].sum()
        mean = jnp.minimum(squares, brightest) @ jnp.asarray(self.mixed, jnp.float32).T
        return mean, jnp.full_like(mean, -9.0)

    def decode(self, brightest, z_hat):
        return z_hat @ self.blocks


def painted(name, **fields):
    """What stands in for a loaded run of a painter."""
    recipe = whole(name).recipe
    painter = Painter(Blocks(recipe.world.blocks), **fields)
    return SimpleNamespace(recipe=dataclasses.replace(recipe, network=painter))


class Blocks(np.ndarray):
    """An array that a recipe can hold."""

    def __new__(cls, array):
        return np.asarray(array).view(cls)

    __hash__ = object.__hash__


def test_an_encoder_that_knows_no_bright_square_fails_where_the_best_code_does_not():
    ask = of_a_combination(painted("missing-alike"))
    seen, blind = ask(jnp.float32(9), 0.0, 0), ask(jnp.float32(0.5), 1.0, 0)
    assert seen["held_encoded"] < 1e-9 and seen["held_told"] < 1e-9 and seen["mcc_mean"] > 0.99
    # of squares at 0.7 and 0.9, two in any case and two with probability 2/5: (0.1 + 0.04) / 2
    assert blind["held_encoded"] == pytest.approx(0.07) and blind["held_told"] > 0.01
    assert blind["held_best"] < 1e-6 and blind["others_best"] < 1e-6


def test_a_sum_and_a_difference_are_found_in_fair_images_and_look_apart_in_correlated_ones():
    mixed = ((0.7, 1, 0, 0), (0.7, -1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))  # contrasts 1 and 0.7
    found = of_a_pair(painted("pair", mixed=mixed))(jnp.float32(9), 0.9, 0)
    assert found["pair_shared"] > 0.45 and found["others_shared"] < 0.01
    assert found["usual_SAP"] > 0.9 and found["fair_SAP"] < 0.6
    alone = of_a_pair(painted("pair"))(jnp.float32(9), 0.0, 0)
    assert alone["pair_shared"] < 0.01 and alone["usual_SAP"] == alone["fair_SAP"] > 0.95


def test_the_page_has_a_line_and_a_paragraph_for_every_result(tmp_path):
    runs = example(True)
    publish(tmp_path / "agreement.md", page(runs, {name: f"--name {name}" for name in runs}))
    text = (tmp_path / "agreement.md").read_text()
    assert text.count("**Agrees.**") == len(CASES) == text.count("| agrees |")
    assert all(f"--name {name}`" in text for name in runs)
