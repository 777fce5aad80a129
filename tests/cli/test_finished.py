"""A finished run is judged by what is in it, not by names."""

import functools
import shutil

import pytest

from biasvae_jax.cli import sweep


@pytest.fixture
def finished(tiny_run, tmp_path):
    return shutil.copytree(tiny_run, tmp_path / "run")


def again(out, flags, capsys):
    stamps = {p: p.stat().st_mtime_ns for p in out.glob("*.nc")}
    sweep.main([*[f for f in flags if f != "--quiet"], "--out", str(out)])
    assert stamps == {p: p.stat().st_mtime_ns for p in out.glob("*.nc")}
    return capsys.readouterr().out


def test_whole_it_is_only_reported(finished, tiny_flags, capsys):
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*.*")}
    printed = again(finished, tiny_flags, capsys)
    assert "already finished" in printed and "writing" not in printed and "warning" not in printed
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("*.*")} == before


@pytest.mark.parametrize("spoiled", ["no figures", "an empty figure", "half a report", "no report"])
def test_a_page_or_figures_that_are_not_whole_are_made_again(
    finished, tiny_run, tiny_flags, capsys, monkeypatch, spoiled
):
    """All are made, whatever is missing; in one case for real, since drawing takes long."""
    report, figure = finished / "report.html", finished / "figures" / "regime.png"
    page = report.read_bytes()
    if spoiled == "no figures":
        shutil.rmtree(finished / "figures")
        (finished / "figures").mkdir()
    elif spoiled == "an empty figure":
        figure.write_bytes(b"")
    elif spoiled == "half a report":
        report.write_bytes(page[: len(page) // 2])
    else:
        report.unlink()
    if spoiled != "no figures":
        anew = functools.partial(shutil.copytree, tiny_run, dirs_exist_ok=True)
        monkeypatch.setattr("biasvae_jax.cli.finished.present", anew)
    assert "missing or not whole" in again(finished, tiny_flags, capsys)
    assert report.read_bytes().rstrip().endswith(b"</html>") and figure.stat().st_size > 1_000
    assert "missing or not whole" not in again(finished, tiny_flags, capsys)


def test_models_that_are_gone_or_damaged_are_named(finished, tiny_flags, capsys):
    shutil.rmtree(finished / "models" / "group-00001")
    file = next((finished / "models" / "group-00000").glob("params*/0.0*"))
    file.unlink()
    printed = again(finished, tiny_flags, capsys)
    assert printed.count("warning:") == 2
    assert "group-00000" in printed and "group-00001" in printed and "already finished" in printed
