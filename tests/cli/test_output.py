"""What commands print, whatever the terminal, the directory's name and the user's home."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from biasvae_jax import load_run
from biasvae_jax.cli import output
from biasvae_jax.cli import sweep as full_sweep
from biasvae_jax.cli.gathering.view import gather
from biasvae_jax.cli.runtime import cache_directory
from biasvae_jax.cli.summary import print_summary
from biasvae_jax.errors import shown
from biasvae_jax.report.answer import answer
from biasvae_jax.report.sentences import about_run


@given(st.text())
def test_what_is_shown_holds_nothing_that_a_terminal_obeys(text):
    assert shown(text).isprintable()
    assert not text.isprintable() or shown(text) == text


@pytest.mark.parametrize("name", ["a[", "run[bold]x", "a[/b]c", ":cat:", "\x1b[31mred", "a\nb"])
def test_a_directory_is_named_as_it_is(tiny_run, tiny_flags, tmp_path, name, capsys):
    out = tmp_path / name
    out.parent.mkdir(exist_ok=True)
    os.symlink(tiny_run, out)
    flags = [word for word in tiny_flags if word != "--quiet"]
    full_sweep.main([*flags, "--out", str(out)])
    full_sweep.main([*flags, "--out", str(out), "--dry-run"])
    full_sweep.main([*flags, "--out", str(out) + "2", "--dry-run"])
    printed = capsys.readouterr()
    assert printed.out.count(shown(out)) == 3 and "is finished" in printed.out
    assert (printed.out + printed.err).replace("\n", "").isprintable()


@pytest.mark.parametrize("columns", ["40", "60", "80"])
def test_a_sweep_ends_with_the_answer_and_a_map(tiny_run, columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    print_summary(output.console(), tiny_run, 60.0)
    answered, _, title, head, *lines = capsys.readouterr().out.splitlines()
    run = load_run(tiny_run)
    mean = run.scores["recovery_r2"].mean("seed").values
    assert answered == answer(mean, run.grid.bias, run.grid.strength)
    assert "mean over 2 seeds" in title and head.split()[1:] == ["0.5", "50"]
    cells = " ".join(lines[:2]).replace("┃", " ").split()
    assert cells[1] == f"{mean[0, 0]:.2f}".removeprefix("0") and "┃" in lines[0]
    assert lines[2].startswith("┃ β*(μ)") and lines[3].startswith("random networks")


def test_the_page_answers_as_the_terminal_does(tiny_run):
    view = gather(load_run(tiny_run), (0.0, 3.0), (0.5, 50.0))
    console = Console(file=io.StringIO(), width=80)
    print_summary(console, tiny_run, None)
    assert console.file.getvalue().splitlines()[0] == about_run(view)[0]


def test_counted_things_agree_with_their_number():
    assert [output.counted(n, "minute") for n in (1, 2)] == ["1 minute", "2 minutes"]


@pytest.mark.parametrize("home", [None, "/nonexistent/home", "/dev/null"])
def test_a_cache_that_cannot_be_used_is_no_cache(home, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    if home:
        monkeypatch.setenv("HOME", home)
    else:  # as for a user's number that has no name
        monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError()))
    monkeypatch.setattr("pathlib.Path.mkdir", _refuse)
    assert cache_directory() is None


def _refuse(path, **_):
    raise PermissionError(13, "Permission denied", str(path))


def test_a_cache_that_can_be_used_is(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "biasvae_jax" / "xla" and cache_directory().is_dir()
