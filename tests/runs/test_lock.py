import contextlib
import os

import pytest

from biasvae_jax.runs.directory import StorageError
from biasvae_jax.runs.lock import RunDirectoryError, lock_run


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_lock_that_is_a_link_empties_no_file(link, tmp_path):
    (tmp_path / "outside").write_text("kept")
    (tmp_path / "run").mkdir()
    link(tmp_path / "outside", tmp_path / "run" / ".lock")
    with contextlib.suppress(RunDirectoryError, StorageError), lock_run(tmp_path / "run"):
        pass
    assert (tmp_path / "outside").read_text() == "kept"
