import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from biasvae_jax.objectives import Losses
from biasvae_jax.training import history as training_history


def losses(models, steps):
    values = np.random.default_rng(0).normal(size=(3, models, steps)).astype(np.float32)
    return Losses(*values)


def run(all_losses, steps, cuts):
    history = training_history.empty(2, steps)
    bounds = [0, *sorted(cuts), steps]
    for first, last in itertools.pairwise(bounds):
        part = Losses(*(a[:, first:last] for a in all_losses))
        history = training_history.extend(history, first, part, steps)
    return history


@given(st.integers(1, 500), st.data())
def test_the_sums_do_not_depend_on_where_chunks_begin(steps, data):
    all_losses = losses(2, steps)
    cuts = data.draw(st.lists(st.integers(0, steps), max_size=4))
    for a, b in zip(run(all_losses, steps, cuts), run(all_losses, steps, []), strict=True):
        np.testing.assert_array_equal(a, b)


@given(st.integers(1, 500))
def test_bins_partition_the_steps_and_their_means_average_to_the_whole(steps):
    all_losses = losses(2, steps)
    history = run(all_losses, steps, [])
    bins, tail = training_history.means(history, steps)
    assert bins.shape == (2, min(200, steps), 3)
    counts = np.bincount(training_history.bin_of(np.arange(steps), steps))
    assert counts.min() >= 1 and counts.sum() == steps
    whole = (bins * counts[:, None]).sum(1) / steps
    np.testing.assert_allclose(whole, np.stack(all_losses, -1).mean(1), atol=1e-5)
    last = np.stack(all_losses, -1)[:, training_history.tail_start(steps) :]
    np.testing.assert_allclose(tail, last.mean(1), atol=1e-5)
    centres = training_history.bin_centres(steps)
    assert (np.diff(centres) > 0).all() and centres[0] >= 1 and centres[-1] <= steps


@given(st.integers(1, 500), st.data())
def test_steps_are_counted_over_chunks(steps, data):
    cuts = data.draw(st.lists(st.integers(0, steps), max_size=4))
    np.testing.assert_array_equal(run(losses(2, steps), steps, cuts).steps, [steps, steps])


def test_one_infinite_loss_marks_its_model_only():
    all_losses = losses(2, 10)
    all_losses.kl[1, 3] = np.inf
    np.testing.assert_array_equal(run(all_losses, 10, [5]).finite, [True, False])
