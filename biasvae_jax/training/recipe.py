"""What all models of a sweep have in common."""

import inspect
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import optax

from biasvae_jax.biases import Bias, Shift
from biasvae_jax.errors import ConfigError
from biasvae_jax.networks import Network, Params
from biasvae_jax.objectives import BetaElbo, Objective
from biasvae_jax.worlds import Sample, World

Decay = Literal["none", "cosine"]


@dataclass(frozen=True)
class Recipe:
    """World, bias, network, objective and training; models differ in two strengths and a seed.

    Swap any field for a variant of your own.
    """

    world: World
    network: Network
    bias: Bias = field(default_factory=Shift)
    objective: Objective = field(default_factory=BetaElbo)
    batch_size: int = 64
    learning_rate: float = 1e-3
    patience: int = 0
    """Steps of a window of `convergence`'s rule; 0: every model takes all its steps."""
    tolerance: float = 0.1
    """Improvement, in nats from window to window, below which a model is left as it is."""
    training_images: int | None = None
    """Images of a seed's training set (`training.images`); None: fresh ones for ever."""
    learning_rate_decay: Decay = "none"
    """Whether the rate falls to 0 over `steps`, as half a cosine (Loshchilov & Hutter 2017)."""
    steps: int | None = None
    """Training steps, where the rate falls."""
    weight_decay: float = 0.0
    """Decoupled weight decay: a step takes rate · weight_decay of every parameter away."""
    input_noise: float = 0.0
    """Standard deviation of noise added to what the encoder sees in training, and not to what the
    decoder is to draw."""

    @classmethod
    def from_config(cls, config: Any) -> "Recipe":
        """Return the recipe of a `Config`, or of a `Study`."""
        study = getattr(config, "study", config)
        return study.recipe

    @property
    def likelihood_variance(self) -> float:
        """Variance σ² of the Gaussian likelihood, a pixel."""
        return self.objective.variance(self.world.noise_variance)

    @property
    def optimizer(self) -> optax.GradientTransformation:
        """The objective's optimiser at the recipe's rate.

        Raises ConfigError if weight decay is asked for and the objective's own takes none.
        """
        rate: Any = self.learning_rate
        if self.learning_rate_decay == "cosine":
            assert self.steps is not None, "a cosine needs the number of steps"
            rate = optax.cosine_decay_schedule(self.learning_rate, self.steps)
        if not self.weight_decay:
            return self.objective.optimizer(rate)
        if "weight_decay" not in inspect.signature(self.objective.optimizer).parameters:
            raise ConfigError(
                f"--objective {self.objective.kind} has an optimiser of its own that takes no "
                "--weight-decay; leave it at 0"
            )
        return self.objective.optimizer(rate, self.weight_decay)

    def init(self, key: jax.Array) -> Params:
        """Return untrained parameters: the network's, and what the objective trains beside it.

        Raises ConfigError if it trains something, and the network's parameters are no dict that
        could take it in.
        """
        params = self.network.init(key)
        beside = self.objective.init(jax.random.fold_in(key, 1), self.network.latent_dim)
        if not beside:
            return params
        if not isinstance(params, dict) or set(params) & set(beside):
            raise ConfigError(
                f"--objective {self.objective.kind} trains {', '.join(beside)} beside the network, "
                f"whose parameters must be a dict without that name; they are "
                + (f"a {type(params).__name__}" if not isinstance(params, dict) else "its own")
            )
        return {**params, **beside}

    def prepare(self, data: Any, strength: jax.Array | float) -> Any:
        """Return what sampling needs of a bias strength, once a chunk (`World.prepare`)."""
        return self.world.prepare(data, self.bias, strength)

    def sample(
        self, noise: Any, strength: jax.Array | float, data: Any = (), prepared: Any = None
    ) -> Sample:
        """Make training data from drawn noise under a bias strength (`World.sample`)."""
        return self.world.sample(noise, self.bias, strength, data, prepared)
