"""Versions, of what is installed and of a clone that is not."""

from importlib import metadata

import numpy as np
import pytest

from biasvae_jax import versions
from biasvae_jax.cli.runtime import describe_runtime
from biasvae_jax.runs import description


@pytest.fixture
def uninstalled(monkeypatch):
    def version(package):
        if package in ("biasvae_jax", "flax"):
            raise metadata.PackageNotFoundError(package)
        return "1.2.3"

    monkeypatch.setattr(versions.metadata, "version", version)


def test_an_installed_package_has_its_version():
    assert versions.version("numpy") == np.__version__


def test_a_clone_that_nobody_installed_has_a_version_and_runs(uninstalled):
    """As on a cluster, where a clone is put on PYTHONPATH."""
    found = describe_runtime()["versions"]
    assert found["biasvae_jax"][0].isdigit() and found["flax"] == "unknown"


def test_where_no_version_is_known_no_run_counts_as_newer(uninstalled, monkeypatch, tmp_path):
    monkeypatch.setattr(versions, "__file__", str(tmp_path / "biasvae_jax" / "versions.py"))
    assert versions.version("biasvae_jax") == "unknown"
    description._refuse_newer(tmp_path, {"versions": {"biasvae_jax": "99.0"}})
