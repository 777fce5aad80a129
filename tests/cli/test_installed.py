"""What is installed: the package and its command, beside whatever a user calls `experiments`."""

import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import biasvae_jax
from biasvae_jax import api
from biasvae_jax.cli import main
from biasvae_jax.errors import UsageError

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_the_package_and_the_command_alone():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["biasvae_jax"]
    scripts = project["project"]["scripts"]
    assert list(scripts) == ["biasvae"]
    assert EntryPoint("biasvae", scripts["biasvae"], "console_scripts").load() is main.run


def test_nothing_of_the_package_is_hidden_from_git_and_so_from_the_wheel():
    """A pattern in .gitignore once hid the folder `runs` of the package."""
    files = [str(p.relative_to(ROOT)) for p in (ROOT / "biasvae_jax").rglob("*.py")]
    ignored = subprocess.run(
        ["git", "check-ignore", *files], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if ignored.returncode == 128:
        pytest.skip("no git checkout")
    assert ignored.stdout == ""


def test_the_command_works_beside_a_users_own_experiments(tmp_path):
    theirs = tmp_path / "experiments"
    theirs.mkdir()
    (theirs / "__init__.py").write_text("raise RuntimeError('read')")
    code = f"import sys; sys.path.insert(1, {str(ROOT)!r}); from biasvae_jax.cli.main import run; "
    code += "run()"
    for words, shown in ((["sweep", "--help"], "--world"), (["--help"], "usage: biasvae")):
        ended = subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0 and shown in ended.stdout, ended.stderr


def test_help_starts_without_jax():
    code = "import sys; from biasvae_jax.cli.main import main; main(['--help']); "
    code += "assert 'jax' not in sys.modules and 'xarray' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)


def test_the_public_names_are_those_of_the_api_whenever_they_are_imported():
    assert biasvae_jax.__all__ == api.__all__ and set(api.__all__) <= set(dir(biasvae_jax))
    assert all(getattr(biasvae_jax, name) is getattr(api, name) for name in api.__all__)
    with pytest.raises(AttributeError, match="no attribute 'recipe'"):
        biasvae_jax.recipe  # noqa: B018


def test_an_unknown_subcommand_names_the_known():
    with pytest.raises(UsageError, match="biasvae swep is unknown; the commands are sweep, score"):
        main.main(["swep"])


def test_the_version_tells_package_jax_and_devices(capsys):
    main.main(["--version"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["biasvae_jax", "jax", "jaxlib"]
    assert "devices (cpu: cpu)" in lines[3]
