"""What docs/variants.md shows runs: each component by its command, and the pieces in Python."""

import re
import shlex
from pathlib import Path

import jax
import numpy as np

PAGE = Path(__file__).parents[2] / "docs" / "variants.md"


def run(code, names):
    exec(compile(code, "variants.md", "exec"), names)


def test_the_variants_run_by_their_commands_and_in_python(mine, trained, monkeypatch, without):
    monkeypatch.chdir(mine)
    monkeypatch.syspath_prepend(str(mine))
    page = PAGE.read_text()
    tiny = "--preset smoke --seeds 1 --steps 20 --batch-size 8 --kl-warmup 0 --devices 1 --quiet"
    with jax.numpy_rank_promotion("allow"):
        run((mine / "digits.py").read_text(), {})
        commands = re.findall(r"^python -m experiments.full_sweep (--use.*|--world.*)$", page, re.M)
        assert len(commands) == 5
        for line in commands:
            more = "" if "--network tied" in line else "--hidden 4"
            more += "" if "--share" in line or "--shift" in line else " --mu 0"
            more += " --n 2 --m 3" if "--world" not in line else ""
            words = shlex.split(f"{line} {tiny} {more} --beta 1")
            at = words.index("--out")
            trained(words[:at] + words[at + 2 :], words[at + 1])
        names = {}
        run("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), names)
    assert names["mean"].shape == (81, 4)
    assert names["scores"].recovery_r2.shape == names["diagnosis"].gap.shape == (4,)
    assert names["spreads"].shape == (4, 1) and np.isfinite(names["losses"].loss).all()
