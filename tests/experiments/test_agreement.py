"""Comparisons with published results, on runs whose answers are known because they are made up."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

from biasvae_jax.cli.sweep import read_flags
from biasvae_jax.theory import cell_eigenvalues
from experiments.agreement.cases import CASES, case
from experiments.agreement.cases.collapse import kink
from experiments.agreement.page import page
from experiments.agreement.runs import CONTRASTS, DEPTHS, LONG, RUNS, THREEFOLD, between, thresholds
from experiments.pages.documents import publish
from experiments.pages.run import Run

SEEDS = 3
GRID, TIMES = ("mu", "beta", "seed"), ("mu", "beta", "seed", "snapshot")
NOISE = 0.05 * np.array([-1.0, 0.0, 1.0])  # of the seeds, so that intervals have a width


def made_up(name, scores=None, courses=None):
    """A run with some scores `[mu, beta, seed]` and time courses `[mu, beta, seed, snapshot]`."""
    study = dataclasses.replace(read_flags(RUNS[name].words(False))[1], seeds=SEEDS)
    shape = (len(study.biases), len(study.strengths), SEEDS)
    full = lambda a, s: np.broadcast_to(np.asarray(a, float), s)  # noqa: E731
    scores = {k: (GRID, full(v, shape)) for k, v in (scores or {}).items() if k[:6] != "linear"} | {
        k: (GRID[:2], full(v, shape[:2])) for k, v in (scores or {}).items() if k[:6] == "linear"
    }
    steps = np.asarray(study.training.snapshot_steps or (1,))
    courses = {k: (TIMES, full(v, (*shape, len(steps)))) for k, v in (courses or {}).items()}
    threshold = cell_eigenvalues(study.world, np.asarray(study.biases)).max(-1) / 0.25
    return Run(
        name,
        study,
        xr.Dataset({**scores, "finite": (GRID, np.ones(shape))}),
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
    return {
        "cascade": made_up("cascade", cascade),
        "cascade-long": made_up("cascade-long", cascade),
        "long": made_up("long", courses={"active_units": np.where(beyond, 0 if agree else 9, 9)}),
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
    whole, quick = (read_flags(RUNS[name].words(q))[1] for q in (False, True))
    assert whole.seeds == 5 and quick.seeds == 2 and quick.training.steps == 400
    assert whole.training.steps == {"long": LONG, "cascade-long": THREEFOLD, "kink": 20_000}.get(
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


def test_the_page_has_a_line_and_a_paragraph_for_every_result(tmp_path):
    runs = example(True)
    publish(tmp_path / "agreement.md", page(runs, {name: f"--name {name}" for name in runs}))
    text = (tmp_path / "agreement.md").read_text()
    assert text.count("**Agrees.**") == len(CASES) == text.count("| agrees |")
    assert all(f"--name {name}`" in text for name in runs)
