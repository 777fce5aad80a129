"""Starting jax for a study: devices, compilation cache, and what to record of them."""

import contextlib
import importlib
import os
import platform
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
from threadpoolctl import threadpool_limits

from biasvae_jax import host
from biasvae_jax.errors import UsageError
from biasvae_jax.versions import version

PACKAGES = ("biasvae_jax", "jax", "jaxlib", "flax", "optax", "numpy", "orbax-checkpoint")


# jax's own settings that choose other numbers, as a config's results have them everywhere
FIXED = {
    "jax_enable_x64": False,
    "jax_threefry_partitionable": True,
    "jax_default_prng_impl": "threefry2x32",
    "jax_random_seed_offset": 0,
    "jax_numpy_dtype_promotion": "standard",
}
# that a user may choose for speed, and a run keeps: with the values of a run that has none stored
KEPT = {"jax_default_matmul_precision": None}


def start_jax(cache: bool = True, join: Callable[[], None] | None = None) -> None:
    """Give a CPU one XLA device for each core and keep compiled programs between runs.

    LAPACK, which devices call at the same time, gets one thread: threads of its own would only wait
    for each other, on cores that the devices need.

    A number of devices that is chosen already is left as it is, and so is a jax that has started.
    Settings of jax that change numbers get the values of every run. `join` is called before jax
    looks for devices. Raises UsageError where there are none.
    """
    _fix_settings()
    importlib.import_module("scipy.linalg")  # it brings the LAPACK that jaxlib calls
    threadpool_limits(1, user_api="blas")
    if host.cores() < host.cores_without_quota():  # XLA's own threads know of no quota
        os.environ.setdefault("PJRT_NPROC", str(host.cores()))
    chosen = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if jax.config.values["jax_num_cpu_devices"] < 0 and not chosen:
        with contextlib.suppress(RuntimeError):  # jax has started in this process: its devices stay
            jax.config.update("jax_num_cpu_devices", host.cores())
    directory = cache_directory() if cache else None
    if directory is not None:
        warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
        jax.config.update("jax_compilation_cache_dir", str(directory))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    if join is not None:
        join()
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # as which, depends on what is installed
        reason = str(error).strip().partition("\n")[0] or "none was found"
        raise UsageError(
            f"jax finds no device ({reason}); mend or unset JAX_PLATFORMS, which is "
            f"{os.environ.get('JAX_PLATFORMS', 'not set')}"
        ) from None


def _fix_settings() -> None:
    for name, value in FIXED.items():
        found = _value(name)
        if found != value:
            print(
                f"warning: {name} was {found} and is now {value}, as in every run",
                file=sys.stderr,
            )
            jax.config.update(name, value)


def _value(name: str) -> Any:
    value = jax.config.values[name]
    return getattr(value, "value", value)  # some are enumerations


def describe_settings() -> dict:
    """Return jax's settings that change numbers, as stored in `config.json`."""
    return {name: _value(name) for name in (*FIXED, *KEPT)}


def refuse_other_settings(path: Path, description: dict | None) -> None:
    """Raise UsageError if the run of a `config.json` was begun under other settings of jax."""
    stored = (description or {}).get("settings")
    begun = FIXED | KEPT | (stored if isinstance(stored, dict) else {})
    for name, here in describe_settings().items() if description is not None else ():
        if begun[name] != here:
            raise UsageError(
                f"--out {path} was begun with {name} = {begun[name]}, and here it is {here}; "
                f"{'unset' if begun[name] is None else 'mend'} {name.upper()} to go on, or choose "
                "another directory"
            )


def cache_directory() -> Path | None:
    """Return the user's cache directory for compiled programs; None if it cannot be used."""
    return host.user_cache("xla")


def describe_runtime() -> dict:
    """Return versions, settings of jax and devices, as stored in `config.json`."""
    return {
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
        "settings": describe_settings(),
        "devices": [f"{device.platform}: {device.device_kind}" for device in jax.devices()],
    }
