"""Parameters, images and noise that every contestant is given, to see that all compute one loss."""

import jax
import numpy as np

from biasvae_jax.config import Config
from biasvae_jax.presets import STUDIES
from biasvae_jax.study import Study


def reference(config: Config, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw both networks' parameters, images and posterior noise."""
    rng = np.random.default_rng(seed)
    pixels, latents, hidden = (config.n * config.m) ** 2, config.latents, config.hidden[0]
    shapes = {
        "e1": (pixels, hidden),
        "e2": (hidden, 2 * latents),
        "d1": (latents, hidden),
        "d2": (hidden, pixels),
    }
    weights = {k: rng.normal(size=s) / s[0] ** 0.5 for k, s in shapes.items()}
    biases = {k + "b": 0.1 * rng.normal(size=s[1]) for k, s in shapes.items()}
    batch = {
        "x": rng.normal(0.5, 0.5, (config.batch_size, pixels)),
        "eps": rng.normal(size=(config.batch_size, latents)),
    }
    return {k: v.astype(np.float32) for k, v in {**weights, **biases, **batch}.items()}


def faces() -> Study:
    """Return the preset `faces`, the convolution's."""
    study = STUDIES["faces"]()
    assert isinstance(study, Study)
    return study


def faces_reference() -> dict[str, np.ndarray]:
    """Draw the convolution's parameters, its world's images and posterior noise."""
    study = faces()
    recipe, batch = study.recipe, study.training.batch_size
    keys = jax.random.split(jax.random.key(0), 3)
    flat = jax.tree_util.tree_flatten_with_path(jax.jit(recipe.init)(keys[0]))[0]
    params = {"/".join(str(part.key) for part in path): np.asarray(a) for path, a in flat}
    draw = jax.jit(lambda key: recipe.sample(recipe.world.draw(key, (batch,)), 0.0, ()).x)
    eps = jax.random.normal(keys[2], (batch, study.latents))
    return {**params, "x": np.asarray(draw(keys[1])), "eps": np.asarray(eps)}


def as_tree(given: dict[str, np.ndarray]) -> dict:
    """Return the parameters of `faces_reference` as the network has them."""
    tree: dict = {}
    for name, array in given.items():
        *folders, last = name.split("/")
        if folders:
            place = tree
            for folder in folders:
                place = place.setdefault(folder, {})
            place[last] = array
    return tree
