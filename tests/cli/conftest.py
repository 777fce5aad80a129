"""A run that more than one file of these tests looks at."""

import pytest
from learned import FLAGS


@pytest.fixture(scope="session")
def learned_run(run_once):
    """A finished run whose models tell recovery from collapse."""
    return run_once("learned", [*FLAGS, "--quiet"])
