"""Figures of a finished run."""

import numpy as np

from biasvae_jax.cli.pictures import best_and_worst


def test_the_two_models_drawn_learned_from_the_same_images():
    scores = np.full((2, 3, 4), 0.5)
    scores[1, 2] = [0.7, 0.9, 0.1, np.nan]
    scores[0, 0, 0] = scores[1, 1, 1] = -3  # lower, of another seed, of another bias
    assert best_and_worst(scores) == (1, 2, 1, 2)
