"""What is timed, in a process of its own."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

RATE = 1e-3
ALONE_MODELS = 4  # contestants that take one model after another need no more of them
STEPS = 10


class Contestant(NamedTuple):
    """One way of training, ready to be timed."""

    run: Callable[[], Any]
    """Do one repetition and wait for it."""
    loss: Callable[[dict[str, np.ndarray]], float]
    """Mean loss on a reference: parameters, `x`, `eps`, at β = 2."""
    model_steps: int
    """Training steps in a repetition, over all models."""
