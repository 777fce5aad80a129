"""What a place must be able to do to hold a run, tried before anything is trained."""

import shutil
from pathlib import Path

import numpy as np

from biasvae_jax.runs.arrays import load_tree
from biasvae_jax.runs.files import WRITING, need_descriptors, reporting_disk_errors
from biasvae_jax.runs.lock import refusing_the_place
from biasvae_jax.runs.trees import DESCRIPTORS, save_tree
from biasvae_jax.study import Study

NAME = "as_long_as_the_longest_of_an_array".ljust(100, "_")
SPARE = 6  # files that the run itself opens between the start and the first write


def try_out(path: Path, study: Study) -> None:
    """Store a small tree in a run directory, read it back and remove it.

    Raises RunDirectoryError when the place lacks something that the store needs; StorageError
    when anything else fails.
    """
    folder = path / (WRITING + "probe")
    tree = {NAME: np.arange(3.0)}
    try:
        with refusing_the_place(path), reporting_disk_errors(path):
            need_descriptors(DESCRIPTORS + SPARE)
            save_tree(folder, tree, study)
            load_tree(folder, study, tree)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
