"""A study from flat flags, in two passes: what is chosen, then the flags of what is chosen."""

from biasvae_jax.cli.flags.choice import Chosen, choose, with_kinds
from biasvae_jax.cli.flags.reading import default_flags, read_flags
from biasvae_jax.cli.flags.writing import command

__all__ = ["Chosen", "choose", "command", "default_flags", "read_flags", "with_kinds"]
