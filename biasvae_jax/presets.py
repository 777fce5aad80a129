"""Named studies, which `--preset` starts from; `config` says what each costs and shows."""

from collections.abc import Callable

from biasvae_jax.config import PRESETS
from biasvae_jax.study import Study

STUDIES: dict[str, Callable[[], Study]] = {
    name: (lambda make=make: make().study) for name, make in PRESETS.items()
}
"""Preset → study; those of the original study are `config.PRESETS`."""
