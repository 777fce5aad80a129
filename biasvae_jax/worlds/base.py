"""The protocol of a world: what its images are made of, its training data and its test set."""

import math
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from biasvae_jax.biases.base import Bias, LatentBias
from biasvae_jax.components import Component, ConfigError
from biasvae_jax.factors import Factor

Image = tuple[int, int, int]
"""Height, width and channels."""


class Sample(NamedTuple):
    """A batch of training data, with everything that made it."""

    z: Any
    """Latents before the link to factors, `[..., latents]`; the factors where there are none."""
    u: jax.Array
    """Ground-truth factors, `[..., factors]`."""
    x_clean: jax.Array
    """Images without observation noise, `[..., pixels]`."""
    x: jax.Array
    """Images with observation noise, `[..., pixels]`."""


class World(Component):
    """Factors → image; implement a generated one by `Generated`, rows by `rows.RowWorld`.

    The random numbers (`draw`) are apart from what a bias makes of them (`sample`), so that models
    of every bias share one draw: differences between them are paired, and drawn once. Images are
    flat, `[pixels]`, in the order height, width, channel.
    """

    role = "world"
    accepts: ClassVar[type[Bias]]
    """The biases that it can take."""
    usual: ClassVar[str] = ""
    """Kind of the bias that it gets where none is named; empty for the first that it can take."""

    noise_mean: float
    noise_variance: float

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The ground-truth factors, in the order of u."""
        raise NotImplementedError

    @property
    def image(self) -> Image:
        """Height, width and channels of an image."""
        raise NotImplementedError

    @property
    def pixels(self) -> int:
        """Number of values of a flat image."""
        return math.prod(self.image)

    @property
    def caption(self) -> str:
        """What the images of the test set show, in a few words."""
        return f"images of the world {self.kind}"

    def check_bias(self, bias: Bias) -> None:
        """Raise ConfigError if the world cannot take a bias; before anything is loaded."""
        if not isinstance(bias, self.accepts):
            raise ConfigError(f"--bias {bias.kind} is not for --world {self.kind}")

    @property
    def renders(self) -> bool:
        """Whether `render(u)` has the image of any combination of its factors' values."""
        return False

    def sealed(self, bias: Bias | None = None) -> "World":
        """Return the world with the fingerprint of its files, if it has any.

        Raises ConfigError if they cannot be read, are others than before, or lack what the bias is
        about.
        """
        return self

    def moved(self, file: str) -> "World":
        """Return the same world with its file elsewhere, if it has one in a field `data`."""
        return self

    def load(self, bias: Bias) -> Any:
        """Return the arrays on the host that training under a bias reads: () if generated.

        They are arguments of the compiled programs, shared by all models, and never constants.
        """
        return ()

    def prepare(self, data: Any, bias: Bias, strength: jax.Array | float) -> Any:
        """Return what `sample` needs of a bias and its strength, computed once a chunk."""
        return ()

    def draw(self, key: jax.Array, shape: tuple[int, ...]) -> Any:
        """Draw the random numbers behind `shape` examples: a pytree of arrays `[*shape, ...]`."""
        raise NotImplementedError

    def renew(self, key: jax.Array, noise: Any) -> Any:
        """Return drawn noise with the same factors and new observation noise."""
        raise NotImplementedError

    def sample(
        self,
        noise: Any,
        bias: Bias,
        strength: jax.Array | float,
        data: Any = (),
        prepared: Any = None,
    ) -> Sample:
        """Make training data from drawn noise under a bias of a strength, one traced number.

        `data` is what `load` returned, on the device; `prepared` is what `prepare` made of it, made
        anew where it is not given.
        """
        raise NotImplementedError

    def test_set(self, data: Any = ()) -> tuple[jax.Array, jax.Array]:
        """Return the test set: factors `[images, factors]`, clean images `[images, pixels]`."""
        raise NotImplementedError

    def test_size(self) -> int:
        """Number of images of the test set."""
        return jax.eval_shape(self.test_factors).shape[0]

    def training_size(self) -> int | None:
        """Number of different training images; None if there is no end of them."""
        return None

    def test_factors(self, data: Any = ()) -> jax.Array:
        """Return the factors of the test set, `[images, factors]`."""
        return self.test_set(data)[0]

    def observe(self, x_clean: jax.Array, noise: jax.Array) -> jax.Array:
        """Add observation noise, made from standard normals of the images' shape."""
        return x_clean + (self.noise_mean + self.noise_variance**0.5 * noise)


class Noise(NamedTuple):
    """Standard normal draws behind a batch of a generated world; no bias in them."""

    latent: jax.Array
    """`[..., latents]`"""
    image: jax.Array
    """`[..., pixels]`"""


class Generated(World):
    """A world with a simulator: latents z → factors u by `link` → clean image by `render`.

    A subclass gives `factors`, `image`, `link`, `render` and `test_factors`; the latents are as
    many as the factors unless `latents` says otherwise. It may state an event that a bias makes
    rare, by `event` and `rare`.
    """

    accepts = LatentBias
    usual = "shift"
    event: ClassVar[str] = ""
    """The rare event of `rare`, in a few words; empty if the world states none."""

    @property
    def latents(self) -> int:
        """Number of latents z."""
        return len(self.factors)

    def check_bias(self, bias: Bias) -> None:
        """Raise ConfigError if the bias is not for this world, or of factors that it has not."""
        super().check_bias(bias)
        assert isinstance(bias, LatentBias)
        bias.on(self.factors)

    @property
    def renders(self) -> bool:
        """Always."""
        return True

    def link(self, z: jax.Array) -> jax.Array:
        """Map latents `[..., latents]` to factors `[..., factors]`."""
        raise NotImplementedError

    def render(self, u: jax.Array) -> jax.Array:
        """Map factors `[..., factors]` to clean images `[..., pixels]`."""
        raise NotImplementedError

    def rare(self, images: jax.Array) -> jax.Array:
        """Tell where images `[..., pixels]` show the rare event, `[..., places]` booleans.

        Its probability is the mean over the places. Decoded images are asked too, so it must take
        any.
        """
        raise NotImplementedError

    def shows(self, images: jax.Array) -> jax.Array:
        """Tell which images `[..., pixels]` are drawn to ask how well models draw it, `[...]`.

        Those that show the event anywhere, unless the world is stricter.
        """
        return self.rare(images).any(-1)

    def event_probability(self, bias: Bias, strength: float) -> float | None:
        """Return its probability in training images without noise; None: estimate it from some."""
        return None

    def draw(self, key: jax.Array, shape: tuple[int, ...]) -> Noise:
        """Draw standard normals for `shape` examples."""
        latent_key, image_key = jax.random.split(key)
        return Noise(
            latent=jax.random.normal(latent_key, (*shape, self.latents)),
            image=jax.random.normal(image_key, (*shape, self.pixels)),
        )

    def renew(self, key: jax.Array, noise: Noise) -> Noise:
        """Keep the latents of drawn noise and draw the images' anew."""
        return noise._replace(image=jax.random.normal(key, noise.image.shape))

    def sample(
        self,
        noise: Noise,
        bias: Bias,
        strength: jax.Array | float,
        data: Any = (),
        prepared: Any = None,
    ) -> Sample:
        """Make training data: z by the bias, u by the link, x by the renderer and noise."""
        assert isinstance(bias, LatentBias)
        z = bias.on(self.factors).latents(noise.latent, strength)
        u = self.link(z)
        x_clean = self.render(u)
        return Sample(z, u, x_clean, self.observe(x_clean, noise.image))

    def test_set(self, data: Any = ()) -> tuple[jax.Array, jax.Array]:
        """Return the test factors and their images."""
        u = self.test_factors()
        return u, jnp.asarray(self.render(u))

    def test_factors(self, data: Any = ()) -> jax.Array:
        """Return the factors of the test set, `[images, factors]`."""
        raise NotImplementedError
