"""What must hold as users compile it: in a process of its own, whose flags XLA reads once."""

import os
import subprocess
import sys
from pathlib import Path


def test_bits_and_a_long_training_hold_with_every_optimisation():
    env = os.environ | {"TESTS_COMPILE": "as users do"}
    env.pop("JAX_DISABLE_MOST_OPTIMIZATIONS")
    env["XLA_FLAGS"] = env.get("XLA_FLAGS_OF_USERS", "")
    laws = Path(__file__).with_name("as_users_compile.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", str(laws)],
        env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout + done.stderr
