"""How each model of a study is trained."""

from dataclasses import dataclass
from typing import get_args

from biasvae_jax.components import (
    require,
    require_choice,
    require_number,
    require_positive,
    require_whole,
    settle_fields,
)
from biasvae_jax.training.course import frame_steps, snapshot_steps
from biasvae_jax.training.recipe import Decay

SNAPSHOTS = 30  # of a time course, with a training set


@dataclass(frozen=True)
class Training:
    """How each model is trained."""

    steps: int = 10_000
    """Training steps of each model."""
    batch_size: int = 64
    """Fresh images a step."""
    training_images: int | None = None
    """Images in the training set of each seed, shown once an epoch in a new order (None: every
    image is a fresh one, for ever)."""
    learning_rate: float = 1e-3
    """Adam's learning rate."""
    learning_rate_decay: Decay = "none"
    """Let the learning rate fall to 0 over the training, as half a cosine, or not."""
    weight_decay: float = 0.0
    """Decoupled weight decay: Adam becomes AdamW."""
    input_noise: float = 0.0
    """Standard deviation of noise added to what the encoder sees in training (a denoising VAE)."""
    snapshots: int | None = None
    """Measure a time course after about so many steps, evenly in their logarithm (None: 30 with
    --training-images, else 0)."""
    patience: int = 0
    """Stop a model once its mean loss over this many steps is not lower than over as many before by
    more than `tolerance`; `steps` is the most then (0: all models take all steps)."""
    tolerance: float = 0.1
    """Least improvement of the loss, in nats, for a model with `patience` to go on."""

    def __post_init__(self):
        settle_fields(self)
        require_whole("steps", self.steps)
        require_whole("batch_size", self.batch_size)
        require_whole("patience", self.patience, 0)
        if self.training_images is not None:
            require_whole("training_images", self.training_images)
            visits = "times --steps must stay below 2³¹ images shown"
            require(self.steps * self.batch_size < 2**31, "batch_size", self.batch_size, visits)
        require_positive("learning_rate", self.learning_rate)
        require_choice("learning_rate_decay", self.learning_rate_decay, get_args(Decay))
        require_number("weight_decay", self.weight_decay, 0)
        require_number("input_noise", self.input_noise, 0)
        if self.snapshots is not None:
            require_whole("snapshots", self.snapshots, 0)
        require_number("tolerance", self.tolerance)
        require(self.tolerance >= 0, "tolerance", self.tolerance, "must be ≥ 0 nats")

    @property
    def snapshot_steps(self) -> tuple[int, ...]:
        """Steps after which a time course is measured, rising; the last is the end."""
        default = 0 if self.training_images is None else SNAPSHOTS
        count = default if self.snapshots is None else self.snapshots
        return snapshot_steps(self.steps, count)

    @property
    def frame_steps(self) -> tuple[int, ...]:
        """Those of the `snapshot_steps` after which pictures are drawn; the last is the end."""
        return frame_steps(self.snapshot_steps)
