"""`experiments` is a common name: what happens where a user has a folder of that name.

Python looks in the working directory first, then where packages are installed. A folder with
`__init__.py` is taken at once; one without is taken only if no other is found.
"""

import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import experiments

INSTALLED = Path(experiments.__file__).parents[1]


def found(name, theirs):
    """The file that `import experiments.NAME` reads beside an `experiments/` in `theirs`."""
    package = PathFinder.find_spec("experiments", [str(theirs), str(INSTALLED)])
    spec = PathFinder.find_spec(f"experiments.{name}", [*package.submodule_search_locations])
    return spec and Path(spec.origin)


def folder(path):
    (path / "experiments").mkdir()
    (path / "experiments" / "mine.py").touch()
    return path / "experiments"


def test_a_plain_folder_of_the_user_leaves_our_commands_and_is_hidden_by_them(tmp_path):
    folder(tmp_path)
    assert found("full_sweep", tmp_path) == INSTALLED / "experiments" / "full_sweep.py"
    assert found("mine", tmp_path) is None


def test_a_package_of_the_user_is_kept_and_hides_our_commands_which_python_says(tmp_path):
    theirs = folder(tmp_path)
    (theirs / "__init__.py").touch()
    assert found("mine", tmp_path) == theirs / "mine.py"
    assert found("full_sweep", tmp_path) is None
    command = [sys.executable, "-m", "experiments.full_sweep", "--help"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 1 and not ended.stdout
    assert ended.stderr.strip().endswith("No module named experiments.full_sweep")
    assert len(ended.stderr.splitlines()) == 1
