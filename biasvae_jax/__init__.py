"""β-VAEs on biased data: a whole grid trained at once, and what each model recovered.

Every function is for one model; only `Sweep` stacks them. The names of `api` are the public API;
they are imported when the first of them is asked for, so that a command that needs no jax starts
without it.

"The original study" is a student project's blog post, *Recovering Latent Variables with VAEs
despite Training Bias*, whose protocol is the preset `blog`.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from biasvae_jax import drawing as drawing  # first: it sees to it that matplotlib can be imported

if TYPE_CHECKING:
    from biasvae_jax.api import *  # noqa: F403


def __getattr__(name: str) -> Any:
    if name != "__all__" and importlib.util.find_spec(f"{__name__}.{name}"):
        return importlib.import_module(f"{__name__}.{name}")
    api = importlib.import_module(f"{__name__}.api")
    if name != "__all__" and name not in api.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *importlib.import_module(f"{__name__}.api").__all__})
