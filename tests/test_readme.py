"""What the README shows works as written."""

import re
import shlex
from pathlib import Path

import jax.numpy as jnp
import pytest

from biasvae_jax.cli.sweep import read_flags
from biasvae_jax.runs.results import MEANINGS, SCORES

README = (Path(__file__).parents[1] / "README.md").read_text()


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python_examples_run(code):
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert jnp.isfinite(names["mean"]).all() and names["losses"].loss[-1] < names["losses"].loss[0]


def test_the_commands_are_understood():
    lines = re.findall(r"python -m experiments\.full_sweep([^\n`]*)", README)
    assert len(lines) >= 2
    for line in lines:
        read_flags(shlex.split(line))


def test_the_table_of_variables_is_the_one_stored():
    table = README[README.index("| variable of `results.nc`") :]
    named = set(re.findall(r"`([a-z0-9_]+)`", table[: table.index("random_…")]))
    assert {*MEANINGS} - {"recovery_mse_raw"} <= named
    assert {*SCORES} <= named
