import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax import host
from biasvae_jax.config import Config
from biasvae_jax.sweep.plan import (
    Costs,
    Plan,
    PlanError,
    estimate,
    make_plan,
    pad_models,
    plan_from_dict,
)
from biasvae_jax.training import Recipe, init_state

RECIPE = Recipe.from_config(Config())


@given(st.integers(1, 500), st.integers(1, 64), st.integers(1, 9))
def test_groups_cover_every_model_once_and_fit(models, group, devices):
    plan = Plan(devices=devices, group=group, width=1, chunk=1)
    groups = plan.groups(models)
    covered = np.concatenate([np.arange(models)[part] for part in groups])
    np.testing.assert_array_equal(covered, np.arange(models))
    sizes = [part.stop - part.start for part in groups]
    assert max(sizes) <= group and max(sizes) - min(sizes) <= 1
    assert plan.padded(models) % devices == 0
    assert max(sizes) <= plan.padded(models) < max(sizes) + devices


@given(st.integers(1, 300), st.integers(1, 20))
def test_a_plan_uses_the_devices_and_stays_in_bounds(cells, seeds):
    plan = make_plan(RECIPE, cells, seeds)
    models = cells * seeds
    assert plan.devices == min(len(jax.devices()), models)
    assert 1 <= plan.group <= models and 1 <= plan.width <= plan.group and plan.chunk >= 1
    assert plan.width == 1  # a CPU takes models one after another
    assert len(plan.groups(models)) == -(-models // plan.group)


def test_costs_of_the_seeds_network():
    costs = Costs.of(RECIPE)
    params = sum(
        leaf.size for leaf in jax.tree.leaves(init_state(jax.random.key(0), RECIPE).params)
    )
    assert costs.resident == 12 * params + 4  # and Adam's count of steps
    # 64 images through 441-128-18 and 9-128-441: forward, and backward without the image's gradient
    forward = 2 * 64 * (441 * 128 + 128 * 18 + 9 * 128 + 128 * 441)
    products = 3 * forward - 2 * 64 * 441 * 128
    assert products < costs.flops < 1.2 * products  # XLA counts Adam and the functions too
    noise = 64 * (441 + 9 + 9) * 4
    assert costs.noise == noise


def test_arguments_override_the_plan_and_impossible_ones_are_refused():
    plan = make_plan(RECIPE, 11, 2, devices=2, group=6, width=2, chunk=7)
    assert plan == Plan(devices=2, group=6, width=2, chunk=7)
    with pytest.raises(PlanError, match="devices"):
        make_plan(RECIPE, 11, 2, devices=9)
    with pytest.raises(PlanError, match="chunk"):
        make_plan(RECIPE, 11, 2, chunk=0)


def test_a_model_larger_than_memory_is_refused():
    huge = Recipe.from_config(Config(hidden=(2_000_000, 2_000_000)))
    with pytest.raises(PlanError, match="one model needs"):
        make_plan(huge, 1, 1)


MEMORY = 2**30


def test_devices_are_given_up_before_a_model_is_refused():
    alone = make_plan(RECIPE, 121, 1, memory=MEMORY // 6)
    assert alone.devices == 1 < make_plan(RECIPE, 121, 1, memory=MEMORY).devices


def test_a_group_that_does_not_fit_the_host_is_refused_before_it_is_tried():
    big = Recipe.from_config(Config(hidden=(2_000,)))
    plan = make_plan(big, 121, 1, memory=64 * MEMORY)
    assert plan.group == 121
    with pytest.raises(PlanError, match="smaller --group"):
        make_plan(big, 121, 1, group=121, memory=4 * MEMORY)
    with pytest.raises(PlanError, match="more memory, or start anew in another --out"):
        make_plan(big, 121, 1, first=plan, memory=4 * MEMORY)
    assert make_plan(big, 121, 1, memory=4 * MEMORY).group < 121
    with pytest.raises(PlanError, match="--width"):
        make_plan(RECIPE, 121, 1, devices=1, width=121, memory=MEMORY)


def test_of_a_first_plan_the_group_is_kept_and_the_others_as_the_host_allows():
    first = Plan(devices=64, group=50, width=50, chunk=20)
    plan = make_plan(RECIPE, 121, 1, first=first, group=7, memory=4 * MEMORY)
    assert (plan.devices, plan.group, plan.chunk) == (8, 50, 20)
    assert 1 <= plan.width < first.width
    roomy = make_plan(RECIPE, 121, 1, first=first, memory=1_000 * MEMORY)
    assert roomy == Plan(8, 50, 7, 20)
    assert make_plan(RECIPE, 121, 1, first=roomy, memory=1_000 * MEMORY) == roomy
    assert make_plan(RECIPE, 121, 1, first=first, chunk=5, devices=2, memory=MEMORY).devices == 2


def test_the_memory_of_a_plan_is_that_of_its_control_group(monkeypatch):
    monkeypatch.setattr(host, "free_memory", lambda: MEMORY)
    assert make_plan(RECIPE, 121, 1) == make_plan(RECIPE, 121, 1, memory=3 * MEMORY // 4)


def test_more_models_do_not_need_more_memory_once_they_run_in_groups():
    few, many = make_plan(RECIPE, 1_000, 1), make_plan(RECIPE, 10_000, 1)
    memory = [estimate(p, RECIPE, n, 1, 10)[0] for p, n in ((few, 1_000), (many, 10_000))]
    assert memory[1] <= 1.5 * memory[0]


def test_stored_plans_are_read_back_and_checked():
    plan = Plan(2, 121, 1, 50)
    assert plan_from_dict(dataclasses.asdict(plan)) == plan
    for bad in ({}, {"devices": 1}, dataclasses.asdict(plan) | {"chunk": "50"}):
        with pytest.raises(PlanError):
            plan_from_dict(bad)


def test_padding_repeats_the_last_model():
    np.testing.assert_array_equal(pad_models(np.array([1, 2, 3]), 5), [1, 2, 3, 3, 3])
