"""The protocol of a world: latents → image, its training bias and its test set."""

from typing import Any, NamedTuple, Protocol

import jax


class Sample(NamedTuple):
    """A batch of training data, with everything that made it."""

    z: jax.Array
    """Latents before the link to factors, `[..., factors]`."""
    u: jax.Array
    """Ground-truth factors, `[..., factors]`."""
    x_clean: jax.Array
    """Images without observation noise, `[..., pixels]`."""
    x: jax.Array
    """Images with observation noise, `[..., pixels]`."""


class World(Protocol):
    """A data-generating process; implement it as a frozen dataclass (hashable, no arrays).

    The random numbers (`draw`) are apart from what bias makes of them (`sample`), so that models
    of every bias share one draw: differences between them are paired, and drawn once.
    """

    @property
    def factors(self) -> int:
        """Number of ground-truth factors."""
        ...

    @property
    def pixels(self) -> int:
        """Number of pixels of the flattened image."""
        ...

    def draw(self, key: jax.Array, shape: tuple[int, ...]) -> Any:
        """Draw the random numbers behind `shape` examples: a pytree of arrays `[*shape, ...]`."""
        ...

    def renew(self, key: jax.Array, noise: Any) -> Any:
        """Return drawn noise with the same latents and new observation noise."""
        ...

    def sample(self, noise: Any, bias: jax.Array | float) -> Sample:
        """Make training data from drawn noise under a training bias, one traced number."""
        ...

    def render(self, u: jax.Array) -> jax.Array:
        """Map factors `[..., factors]` to clean images `[..., pixels]`."""
        ...

    def test_factors(self) -> jax.Array:
        """Return the factors of the test set, `[images, factors]`."""
        ...
