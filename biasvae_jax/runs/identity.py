"""Whose a run directory is: the study in its `config.json`, and the hash that its files bear."""

import hashlib
import json
from pathlib import Path

from biasvae_jax.components import ConfigError
from biasvae_jax.runs.description import MAX_MODELS
from biasvae_jax.runs.lock import RunDirectoryError
from biasvae_jax.study import Study


def stored_study(path: Path, description: dict) -> Study:
    """Return the study of a run's description, with its data file where it was last.

    Raises RunDirectoryError if it has none.
    """
    try:
        study = Study.from_values(description.get("config"), strangers=True)
    except ConfigError as error:
        raise RunDirectoryError(f"{path / 'config.json'}: {error}") from None
    if isinstance(description.get("data"), str):
        study = study.moved(description["data"])
    if study.grid.size > MAX_MODELS:
        raise RunDirectoryError(f"{path / 'config.json'} names more than {MAX_MODELS:,} models")
    return study


def identities(path: Path, description: dict | None, study: Study) -> tuple[str, ...]:
    """Return the hash by which a run's files name its study, if that has this config's values."""
    if description is None or stored_study(path, description) != study:
        return ()
    text = json.dumps(description["config"], indent=2)
    return (hashlib.sha256(text.encode()).hexdigest(),)
