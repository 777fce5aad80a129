"""The three parts of the drawing error are what they are defined as, and add up."""

import jax.numpy as jnp
import numpy as np

from biasvae_jax.scores.generation import generation_terms


def test_the_three_terms_of_an_error_are_told_apart_and_add_up():
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(0.5, 0.3, (400, 6)))
    other = jnp.asarray(rng.normal(0, 0.1, (400, 6)))
    variance = float(jnp.square(x - x.mean(0, keepdims=True)).mean())
    for decoded, known in (
        (x + jnp.arange(6.0)[None], (55 / 6, 0, 0)),
        (0.4 * x, (0.36 * float(jnp.square(x.mean(0)).mean()), 0.36 * variance, 0)),
        (x + other, (0, 0, 0.01)),
    ):
        terms = generation_terms(decoded, x)
        np.testing.assert_allclose(terms, known, atol=1e-3)
        np.testing.assert_allclose(sum(terms), jnp.square(decoded - x).mean(), rtol=1e-5)


def test_the_terms_of_generation_are_those_of_the_definition():
    """In float64, whatever the sums that they are made of."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(300, 12))
    d = 0.2 + 0.7 * x + 0.1 * rng.normal(size=x.shape)
    g, centred = x - x.mean(0), d - d.mean(0)
    slope = (centred * g).sum() / np.square(g).sum()
    head = np.square(centred - slope * g).mean()
    known = np.square((d - x).mean(0)).mean(), (1 - slope) ** 2 * np.square(g).mean(), head
    found = generation_terms(jnp.asarray(d, jnp.float32), jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(found, known, rtol=1e-4)
