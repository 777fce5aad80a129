"""Starting jax for a study: devices, compilation cache, and what to record of them."""

import importlib.metadata
import os
import platform
import tempfile
import warnings
from pathlib import Path

import jax

PACKAGES = ("biasvae_jax", "jax", "jaxlib", "flax", "optax", "numpy", "orbax-checkpoint")


def start_jax(cache: bool = True) -> None:
    """Give a CPU one XLA device for each core and keep compiled programs between runs.

    Must be called before jax is first used; has no effect on accelerators' devices.
    """
    if jax.config.values["jax_num_cpu_devices"] < 0:  # whoever has chosen a number keeps it
        jax.config.update("jax_num_cpu_devices", cores())
    directory = cache_directory() if cache else None
    if directory is not None:
        warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
        jax.config.update("jax_compilation_cache_dir", str(directory))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


def cores() -> int:
    """Return the number of CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cache_directory() -> Path | None:
    """Return the user's cache directory for compiled programs; None if it cannot be used."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        directory = Path(base) / "biasvae_jax" / "xla"
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except (OSError, RuntimeError, ValueError):  # no home, and nobody known by this user's number
        return None


def describe_runtime() -> dict:
    """Return versions and devices, as stored in `config.json`."""
    return {
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
        "devices": [f"{device.platform}: {device.device_kind}" for device in jax.devices()],
    }
