import itertools

import jax
import numpy as np

from biasvae_jax.keys import Purpose, purpose_key


def test_keys_differ_for_every_seed_and_purpose_and_are_reproducible():
    pairs = list(itertools.product(range(4), Purpose))
    data = [tuple(np.asarray(jax.random.key_data(purpose_key(s, p)))) for s, p in pairs]
    again = [tuple(np.asarray(jax.random.key_data(purpose_key(s, p)))) for s, p in pairs]
    assert len(set(data)) == len(pairs)
    assert data == again


def test_a_traced_seed_gives_the_key_of_a_python_one():
    traced = jax.jit(lambda s: jax.random.key_data(purpose_key(s, Purpose.TRAIN)))(np.int32(3))
    plain = jax.random.key_data(purpose_key(3, Purpose.TRAIN))
    np.testing.assert_array_equal(traced, plain)
