"""One jax for all tests: 8 host devices, no silent rank promotion, a fixed hypothesis profile."""

import jax
import pytest
from hypothesis import HealthCheck, settings

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")

settings.register_profile(
    "fixed",
    deadline=None,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fixed")

SHORT = [
    *("test_config", "test_datasets", "test_disentanglement", "test_figures", "test_history"),
    *("test_loading", "test_lock", "test_report", "test_results", "test_storage"),
]


def pytest_collection_modifyitems(items):
    """Mark the short tests: flags, the store, files, figures, report, a whole tiny run."""
    for item in items:
        if item.path.stem in SHORT or "bad_flags" in item.name:
            item.add_marker(pytest.mark.short)
